#pragma once

#include <string>
#include <string_view>

namespace cheops {

/// Percent-encodes everything but the unreserved characters (RFC 3986, 2.3).
[[nodiscard]] std::string percent_encoded(std::string_view x);

} // namespace cheops
