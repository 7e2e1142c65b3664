#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace cheops::http {

/// HMAC-SHA-256 with a key that is made here and never leaves: what it gives,
/// only this process can give.
[[nodiscard]] std::function<std::string(std::string_view)> keyed_digest();

} // namespace cheops::http
