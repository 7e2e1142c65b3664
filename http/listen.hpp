#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <cstdint>
#include <string>

/// Listening sockets for service.cpp.
namespace cheops::http {

struct listening {
  int fd = -1; ///< Non-blocking; the caller's.
  int family = 0;
  std::uint16_t port = 0; ///< 0 for a Unix socket.
  bool loopback = false;  ///< Only this machine reaches it.
};

/// A Unix socket (0600; a stale one is replaced, one in use is an error) or a
/// TCP port. Errors: io, bad_config (neither is given).
[[nodiscard]] result<listening> listen_at(const site::admin_endpoint& at);

} // namespace cheops::http
