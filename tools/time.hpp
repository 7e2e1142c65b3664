#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cheops::tools {

/// For people: "312us", "1.2ms", "2.5s".
[[nodiscard]] std::string rounded(std::chrono::microseconds x);

/// How long ago, as kubectl writes ages: "8s", "5m", "3h", "2d".
[[nodiscard]] std::string age(std::chrono::system_clock::duration x);

/// RFC 3339 as `utc_ms` (cheops/text.hpp) writes it.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point>
from_rfc3339(std::string_view x);

/// An HTTP date (RFC 9110, IMF-fixdate).
[[nodiscard]] std::optional<std::chrono::system_clock::time_point>
from_http_date(std::string_view x);

} // namespace cheops::tools
