#include "http/listen.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace cheops::http {

namespace {

constexpr int backlog = 128;

error failed(const std::string& what, int why, std::string hint = {}) {
  return {errc::io, what + ": " + std::strerror(why), "", "listen",
          std::move(hint)};
}

int new_socket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Removes the socket of a process that is no more.
result<void> remove_stale(const std::string& path, const sockaddr_un& at) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return {}; // Nothing there; else bind() says what is wrong.
  if (!S_ISSOCK(found.st_mode))
    return error{errc::io, path + ": exists and is not a socket", "", "listen",
                 "remove it or configure another path"};
  auto fd = new_socket(AF_UNIX);
  if (fd < 0)
    return failed(path, errno);
  auto answered =
    ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  auto why = errno;
  ::close(fd);
  // EAGAIN: somebody listens, and is busy.
  if (answered || why == EAGAIN)
    return error{errc::io, path + ": another process listens there", "",
                 "listen", "stop it or configure another path"};
  if (why == ECONNREFUSED)
    ::unlink(path.c_str());
  return {};
}

result<listening> listen_unix(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path)
    return error{errc::bad_config,
                 path + ": a socket's path has at most "
                   + std::to_string(sizeof at.sun_path - 1) + " bytes",
                 "", "listen", ""};
  std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
  if (auto done = remove_stale(path, at); !done)
    return done.error();
  auto fd = new_socket(AF_UNIX);
  if (fd < 0)
    return failed(path, errno);
  // Linux makes the file with the mode of the descriptor: at no moment may
  // others connect.
  if (::fchmod(fd, 0600) != 0
      || ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0
      || ::chmod(path.c_str(), 0600) != 0 || ::listen(fd, backlog) != 0) {
    auto why = errno;
    ::close(fd);
    return failed(path, why);
  }
  return listening{fd, AF_UNIX, 0, true};
}

bool is_loopback(const sockaddr_storage& x) {
  if (x.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<const sockaddr_in&>(x);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  auto& v6 = reinterpret_cast<const sockaddr_in6&>(x);
  return x.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

std::uint16_t port_of(const sockaddr_storage& x) {
  return ntohs(x.ss_family == AF_INET
                 ? reinterpret_cast<const sockaddr_in&>(x).sin_port
                 : reinterpret_cast<const sockaddr_in6&>(x).sin6_port);
}

result<listening> listen_on(const addrinfo& at, const std::string& name) {
  auto fd = new_socket(at.ai_family);
  if (fd < 0)
    return failed(name, errno);
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::bind(fd, at.ai_addr, at.ai_addrlen) != 0 || ::listen(fd, backlog) != 0
      || ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    auto why = errno;
    ::close(fd);
    return failed(name, why,
                  why == EADDRINUSE ? "another process listens there" : "");
  }
  return listening{fd, at.ai_family, port_of(bound), is_loopback(bound)};
}

} // namespace

result<listening> listen_at(const site::admin_endpoint& at) {
  if (!at.unix_path.empty())
    return listen_unix(at.unix_path);
  if (!at.listen)
    return error{errc::bad_config, "neither a socket nor an address is given",
                 "", "listen", ""};
  auto name = mesh::to_string(*at.listen);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* all = nullptr;
  auto code =
    ::getaddrinfo(at.listen->host.c_str(),
                  std::to_string(at.listen->port).c_str(), &hints, &all);
  if (code != 0)
    return error{errc::io, name + ": " + gai_strerror(code), "", "listen", ""};
  auto out = listen_on(*all, name);
  ::freeaddrinfo(all);
  return out;
}

} // namespace cheops::http
