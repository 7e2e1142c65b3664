#pragma once

#include "cheops/scope/parse.hpp"

#include <string>
#include <string_view>
#include <vector>

/// From text to tokens; internal to scope/.
namespace cheops::scope {

enum class kind : std::uint8_t {
  name,        ///< Letters and digits: also counts, durations, keywords.
  quoted,      ///< "New York": never a keyword.
  open_brace,  ///< {
  close_brace, ///< }
  open,        ///< (
  close,       ///< )
  comma,       ///< ,
  colon,       ///< :
  at,          ///< @
  all,         ///< &
  cross,       ///< %
  any,         ///< || and what is read as it
  end,         ///< After the last character.
  bad,         ///< Where the text stops making sense: see `tokens::error`.
};

struct token {
  kind what = kind::end;
  std::size_t at = 0;   ///< First byte.
  std::size_t stop = 0; ///< Byte after the last.
  std::string text;     ///< Of names, without quotes and escapes.
};

/// The tokens of a text; the last one, and no other, is `end` or `bad`.
struct tokens {
  std::vector<token> all;
  syntax_error error;    ///< Of `bad`.
  std::size_t steps = 0; ///< Code points looked at.
};

[[nodiscard]] tokens tokenize(std::string_view text);

/// Longest name, in bytes.
inline constexpr std::size_t name_bytes_max = 253;

/// `around`, `set`, `prime`, in any case.
[[nodiscard]] bool is_keyword(std::string_view x) noexcept;

/// A name as the language writes it: in quotes where it needs them.
[[nodiscard]] std::string as_written(std::string_view name);

} // namespace cheops::scope
