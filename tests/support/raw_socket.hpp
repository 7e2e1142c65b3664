#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <utility>

/// A TCP connection byte by byte, for what a proper client or server would
/// never send. A read gives up after 20 s: a test then fails, not hangs.
class raw_socket {
public:
  explicit raw_socket(int fd) : fd_(fd) {
    timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  raw_socket(const raw_socket&) = delete;
  raw_socket& operator=(const raw_socket&) = delete;
  virtual ~raw_socket() { close(); }

  static raw_socket to_port(std::uint16_t port) {
    auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
      throw std::runtime_error{"raw_socket: cannot connect"};
    return raw_socket{fd};
  }

  /// False if the other side takes no more.
  bool write(std::string_view x) {
    while (!x.empty()) {
      auto n = send_some(x);
      if (n <= 0)
        return false;
      x.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// What came, up to and with `end`; all of it if the other side closes.
  std::string read_until(std::string_view end) {
    auto found = held_.find(end);
    while (found == std::string::npos && fill())
      found = held_.find(end);
    auto size = found == std::string::npos ? held_.size() : found + end.size();
    auto out = held_.substr(0, size);
    held_.erase(0, size);
    return out;
  }
  std::string read_bytes(std::size_t size) {
    while (held_.size() < size && fill())
      ;
    auto out = held_.substr(0, size);
    held_.erase(0, size);
    return out;
  }
  /// Until the other side closes.
  std::string read_all() {
    while (fill())
      ;
    return std::exchange(held_, {});
  }

  /// Nothing more comes, in order or by a reset; false: 20 s went by first, or
  /// something came.
  [[nodiscard]] bool closes() { return read_all().empty() && ended_; }

  void shut_write() { ::shutdown(fd_, SHUT_WR); }
  /// Ends a write that another thread is stuck in.
  void shut_both() { ::shutdown(fd_, SHUT_RDWR); }
  /// So that the other side sees a reset.
  void reset() {
    linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }

protected:
  virtual ssize_t send_some(std::string_view x) {
    return ::send(fd_, x.data(), x.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t receive_some(char* to, std::size_t size) {
    return ::recv(fd_, to, size, 0);
  }
  [[nodiscard]] int fd() const { return fd_; }

private:
  bool fill() {
    char bytes[4096];
    errno = 0;
    auto n = receive_some(bytes, sizeof bytes);
    if (n > 0)
      held_.append(bytes, static_cast<std::size_t>(n));
    else
      ended_ = errno != EAGAIN;
    return n > 0;
  }

  int fd_;
  bool ended_ = false;
  std::string held_;
};

/// Listens on a free port of loopback; a thread hands each connection to
/// `serve`, one after the other, until the object goes.
class raw_server {
public:
  explicit raw_server(std::function<void(raw_socket&)> serve) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0
        || ::listen(fd_, 16) != 0
        || ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length) != 0)
      throw std::runtime_error{"raw_server: cannot listen"};
    port_ = ntohs(at.sin_port);
    thread_ = std::thread{[this, serve = std::move(serve)] {
      for (;;) {
        auto client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0)
          return;
        raw_socket x{client};
        serve(x);
      }
    }};
  }
  raw_server(const raw_server&) = delete;
  raw_server& operator=(const raw_server&) = delete;
  ~raw_server() {
    ::shutdown(fd_, SHUT_RDWR); // Ends accept().
    thread_.join();
    ::close(fd_);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string{target};
  }

private:
  int fd_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};
