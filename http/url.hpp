#pragma once

#include "cheops/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace cheops::http {

/// A URL as a client needs it.
struct url {
  bool tls = false;
  std::string host; ///< IPv6 without brackets; empty for a Unix socket.
  std::uint16_t port = 0;
  std::string unix_path; ///< Of http+unix.
  std::string authority; ///< For `Host`: without the port if it is the usual.
  std::string target;    ///< Path and query, as written; at least "/".
};

/// Takes http://…, https://… and http+unix:///path/to.sock:/target. Credentials
/// in a URL are refused (they end in logs). Errors: bad_request.
[[nodiscard]] result<url> parse_url(std::string_view text);

} // namespace cheops::http
