#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"

#include <memory>
#include <string>
#include <vector>

/// TCP as links need it; nothing here waits.
namespace cheops::actors::socket {

/// A listening socket. Errors: io (the address is taken, …), bad_config (the
/// host is not an IP literal nor "localhost").
[[nodiscard]] result<int> listen(const mesh::address& at);

/// A socket whose connection has begun; what becomes of it, its reader sees.
[[nodiscard]] result<int> dial(const std::string& ip, std::uint16_t port);

/// A descriptor in reserve, for `accept`.
class spare {
public:
  spare();
  ~spare();
  spare(const spare&) = delete;
  spare& operator=(const spare&) = delete;

private:
  friend int accept(int from, spare& reserve);
  int fd_;
};

/// The next connection, tuned, or -1 if there is none. Where no descriptor
/// is left, the reserve is given for a moment to close the connection: it
/// would stay in the queue, and the caller would be woken for it for ever.
[[nodiscard]] int accept(int from, spare& reserve);

/// Bounds for how long the kernel keeps trying, and no Nagle.
void tune(int fd);

/// Ends both directions; the reader then sees the end.
void shut(int fd);

/// Finds the IP addresses of host names, each in a thread of its own that
/// is never waited for: a name server that is cut off blocks nobody. A
/// result is good for half a minute.
class resolver {
public:
  resolver();
  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  /// What is known now; empty while a first lookup runs. An IP literal is
  /// its own answer.
  [[nodiscard]] std::vector<std::string> find(const std::string& host);

private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

} // namespace cheops::actors::socket
