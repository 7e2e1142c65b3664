#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// What the scope language needs to know of UTF-8; internal to scope/.
namespace cheops::scope {

/// One code point of a text, or one byte that belongs to none.
struct code_point {
  char32_t value = 0;   ///< The byte itself where not `valid`.
  std::size_t size = 1; ///< Bytes, at least 1.
  bool valid = false;
};

/// The code point that starts at `at`, which lies inside `text`. Overlong
/// forms, surrogates and values above U+10FFFF are not valid.
[[nodiscard]] code_point decode(std::string_view text, std::size_t at) noexcept;

/// Controls of ASCII and Latin-1, line separators, and the characters that
/// turn the direction of text around: a name with one shows as another.
[[nodiscard]] bool is_control(char32_t x) noexcept;

/// Whether a name may hold it without quotes: letters of the scripts in use,
/// ASCII digits, "_", "-", ".".
[[nodiscard]] bool is_name_character(char32_t x) noexcept;

/// How it is shown on a terminal: as it is, or escaped ("\n", "\x01",
/// "\u{202e}") where that would garble the line.
[[nodiscard]] std::string shown(std::string_view text, std::size_t at,
                                const code_point& x);

/// Columns that a terminal gives it: 0, 1 or 2.
[[nodiscard]] std::size_t columns(char32_t x) noexcept;

} // namespace cheops::scope
