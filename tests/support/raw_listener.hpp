#pragma once

#include "support/raw_socket.hpp"

#include <poll.h>

/// Listens on a free port of loopback; the test takes each connection by
/// hand and plays the server byte by byte.
class raw_listener {
public:
  raw_listener() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0
        || ::listen(fd_, 64) != 0
        || ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length) != 0)
      throw std::runtime_error{"raw_listener: cannot listen"};
    port_ = ntohs(at.sin_port);
  }
  raw_listener(const raw_listener&) = delete;
  raw_listener& operator=(const raw_listener&) = delete;
  ~raw_listener() { ::close(fd_); }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// Throws when nobody has called within 20 s.
  raw_socket accept() {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, 20'000) != 1)
      throw std::runtime_error{"raw_listener: nobody called"};
    return raw_socket{::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)};
  }
  /// Whether somebody waits to be accepted, now.
  [[nodiscard]] bool called() const {
    pollfd wait{fd_, POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
  }

private:
  int fd_;
  std::uint16_t port_ = 0;
};
