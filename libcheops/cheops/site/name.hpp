#pragma once

#include <cstddef>
#include <string_view>

namespace cheops::site {

inline constexpr std::size_t name_bytes_max = 253;

/// What a site's name must be, as part of a sentence: names stand in scopes,
/// certificates, fields of HTTP and names of folders.
inline constexpr std::string_view name_rule =
  "a name of 1 to 253 bytes, without \"/\" and control characters, "
  "no space at an end, and not \"*\", \".\" or \"..\"";

[[nodiscard]] bool is_name(std::string_view x) noexcept;

} // namespace cheops::site
