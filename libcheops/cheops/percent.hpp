#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cheops {

/// Percent-encodes everything but the unreserved characters (RFC 3986, 2.3).
[[nodiscard]] std::string percent_encoded(std::string_view x);

/// Appends `x` decoded; false (and what was appended is unspecified) at a
/// malformed escape.
[[nodiscard]] bool append_percent_decoded(std::string_view x, std::string& to);
/// nullopt: a malformed escape.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view x);

/// The value of a hexadecimal digit in any case; -1: it is none.
[[nodiscard]] int hex_digit(char c) noexcept;

} // namespace cheops
