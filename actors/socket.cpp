#include "actors/socket.hpp"

#include "cheops/site/network.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <netdb.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace cheops::actors::socket {

namespace {

/// Data or a FIN that the other side has not confirmed for so long: the
/// kernel gives the connection up. Beyond any silence that a link allows.
constexpr unsigned unconfirmed_ms = 10'000;
constexpr int backlog = 128;

struct endpoint {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

std::optional<endpoint> to_endpoint(const std::string& ip, std::uint16_t port) {
  endpoint out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.bytes);
  if (::inet_pton(AF_INET, ip.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof *v4;
    return out;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.bytes);
  if (::inet_pton(AF_INET6, ip.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.size = sizeof *v6;
    return out;
  }
  return std::nullopt;
}

error failed(const mesh::address& at, std::string step, std::string hint) {
  return {errc::io,
          to_string(at) + ": " + std::strerror(errno),
          {},
          std::move(step),
          std::move(hint)};
}

} // namespace

void tune(int fd) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unconfirmed_ms,
               sizeof unconfirmed_ms);
}

spare::spare() : fd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

spare::~spare() {
  if (fd_ >= 0)
    ::close(fd_);
}

int accept(int from, spare& reserve) {
  constexpr auto flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  auto fd = ::accept4(from, nullptr, nullptr, flags);
  if (fd >= 0) {
    tune(fd);
    return fd;
  }
  if (errno != EMFILE && errno != ENFILE)
    return -1;
  if (reserve.fd_ >= 0)
    ::close(reserve.fd_);
  fd = ::accept4(from, nullptr, nullptr, flags);
  if (fd >= 0)
    ::close(fd);
  reserve.fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return -1;
}

void shut(int fd) {
  ::shutdown(fd, SHUT_RDWR);
}

result<int> listen(const mesh::address& at) {
  auto host = at.host == "localhost" ? std::string{"127.0.0.1"} : at.host;
  auto to = to_endpoint(host, at.port);
  if (!to)
    return error{errc::bad_config,
                 "`" + at.host + "` is not an IP address",
                 {},
                 "listen for links",
                 "give an address of this machine in `link.listen`"};
  auto fd = ::socket(to->bytes.ss_family,
                     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return failed(at, "listen for links", {});
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&to->bytes), to->size) != 0
      || ::listen(fd, backlog) != 0) {
    auto e = failed(at, "listen for links",
                    "another process may listen there; change `link.listen`");
    ::close(fd);
    return e;
  }
  return fd;
}

result<int> dial(const std::string& ip, std::uint16_t port) {
  mesh::address at{ip, port};
  auto to = to_endpoint(ip, port);
  if (!to)
    return error{
      errc::bad_config, "`" + ip + "` is not an IP address", {}, "dial", {}};
  auto fd = ::socket(to->bytes.ss_family,
                     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return failed(at, "dial", {});
  tune(fd);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to->bytes), to->size) != 0
      && errno != EINPROGRESS) {
    auto e = failed(at, "dial", {});
    ::close(fd);
    return e;
  }
  return fd;
}

struct resolver::shared {
  struct entry {
    std::vector<std::string> found;
    std::optional<std::chrono::steady_clock::time_point> at;
    bool running = false;
  };
  std::mutex guard;
  std::map<std::string, entry> all;
};

namespace {

constexpr auto fresh_for = std::chrono::seconds{30};
constexpr std::size_t hosts_max = 512;

std::vector<std::string> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<std::string> out;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0)
    return out;
  for (auto* x = list; x != nullptr; x = x->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(x->ai_addr, x->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST)
        == 0)
      out.emplace_back(text);
  }
  ::freeaddrinfo(list);
  return out;
}

} // namespace

resolver::resolver() : shared_(std::make_shared<shared>()) {}
resolver::~resolver() = default;

std::vector<std::string> resolver::find(const std::string& host) {
  if (site::to_ip(host))
    return {host};
  std::lock_guard lock{shared_->guard};
  if (shared_->all.size() >= hosts_max && !shared_->all.contains(host))
    return {};
  auto& x = shared_->all[host];
  auto now = std::chrono::steady_clock::now();
  if (!x.running && (!x.at || now - *x.at > fresh_for || x.found.empty())) {
    x.running = true;
    auto work = [keep = shared_, host] {
      auto found = look_up(host);
      std::lock_guard inner{keep->guard};
      auto& e = keep->all[host];
      e.running = false;
      e.at = std::chrono::steady_clock::now();
      if (!found.empty())
        e.found = std::move(found);
    };
    try {
      std::thread(std::move(work)).detach();
    } catch (const std::system_error&) {
      x.running = false; // No thread to be had: the next dial asks again.
    }
  }
  return x.found;
}

} // namespace cheops::actors::socket
