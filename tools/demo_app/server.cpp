#include "tools/demo_app/server.hpp"

#include "tools/demo_app/http1.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <netinet/tcp.h>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

namespace demo {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t chunk_line_max = 256;

response refused(unsigned status, const std::string& what) {
  response out;
  out.status = status;
  out.type = "application/problem+json";
  out.body = "{\"type\":\"about:blank\",\"status\":" + std::to_string(status)
             + ",\"detail\":\"" + what + "\"}\n";
  return out;
}

/// One connection: reads requests, writes answers, until either side ends.
class connection {
public:
  connection(int socket, const server_settings& with)
    : socket_(socket), with_(with) {}

  void run() {
    while (serve_one()) {
    }
  }

private:
  bool fill() {
    std::array<char, piece_bytes> buffer;
    auto n = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (n <= 0)
      return false;
    in_.append(buffer.data(), static_cast<std::size_t>(n));
    return true;
  }

  bool write(std::string_view text) {
    while (!text.empty()) {
      auto n = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// Gives the next `count` bytes of the body to `to`.
  template <class To>
  bool take(std::uint64_t count, To& to) {
    while (count > 0) {
      if (in_.empty() && !fill())
        return false;
      auto n = std::min<std::uint64_t>(count, in_.size());
      if (!to(std::string_view{in_}.substr(0, n)))
        return false;
      in_.erase(0, n);
      count -= n;
    }
    return true;
  }

  std::optional<std::string> line() {
    for (;;) {
      auto end = in_.find("\r\n");
      if (end != std::string::npos) {
        auto out = in_.substr(0, end);
        in_.erase(0, end + 2);
        return out;
      }
      if (in_.size() > chunk_line_max || !fill())
        return std::nullopt;
    }
  }

  template <class To>
  bool read_body(const framing& how, To&& to) {
    if (!how.chunked)
      return take(how.length, to);
    for (;;) {
      auto first = line();
      auto size = first ? parse_chunk_size(*first) : std::nullopt;
      if (!size)
        return false;
      if (*size == 0)
        break;
      if (!take(*size, to) || line() != "")
        return false;
    }
    // Trailers are read and dropped.
    for (std::size_t i = 0; i < 64; ++i) {
      auto trailer = line();
      if (!trailer)
        return false;
      if (trailer->empty())
        return true;
    }
    return false;
  }

  const route* find(request& in, bool& path_known) const {
    for (const auto& x : with_.routes) {
      std::map<std::string, std::string> parameters;
      if (!match(x.path, in.path, parameters))
        continue;
      path_known = true;
      auto method = in.method == "HEAD" ? "GET" : in.method;
      if (x.method != method)
        continue;
      in.parameters = std::move(parameters);
      return &x;
    }
    return nullptr;
  }

  bool answer(const response& x, bool head, bool keep_alive) {
    if (x.lost)
      return false;
    if (!write(render_head(x, keep_alive)))
      return false;
    if (head || x.status == 204 || x.status == 304)
      return keep_alive;
    if (!x.source)
      return write(x.body) && keep_alive;
    std::array<char, piece_bytes> buffer;
    for (auto left = x.source_bytes; !stopping();) {
      auto n = x.source(buffer.data(), buffer.size());
      std::string_view piece{buffer.data(), n};
      if (x.source_bytes) {
        if (!write(piece))
          return false;
        left -= std::min<std::uint64_t>(n, left);
        if (left == 0)
          return keep_alive;
      } else {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", n);
        if (!write(size) || !write(piece) || !write("\r\n"))
          return false;
      }
      if (n == 0)
        return keep_alive;
    }
    return false;
  }

  bool stopping() const { return with_.stopping && with_.stopping->load(); }

  bool serve_one() {
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos)
      if (in_.size() > with_.head_bytes_max || !fill())
        return false;
    auto head = parse_head(std::string_view{in_}.substr(0, end + 4));
    in_.erase(0, end + 4);
    if (!head)
      return answer(refused(400, "not HTTP"), false, false);
    auto& in = head->what;
    bool is_head = in.method == "HEAD";
    bool path_known = false;
    const auto* to = find(in, path_known);
    if (!to)
      return answer(refused(path_known ? 405 : 404, path_known
                                                      ? "no such method here"
                                                      : "no such path"),
                    is_head, false);
    if (head->how.expects_continue && !write("HTTP/1.1 100 Continue\r\n\r\n"))
      return false;
    auto out = respond(*to, *head);
    return out && answer(*out, is_head, head->how.keep_alive);
  }

  std::optional<response> respond(const route& to, parsed_head& head) {
    if (to.receive) {
      auto by = to.receive();
      if (!read_body(head.how, [&by](std::string_view piece) {
            by.piece(piece);
            return true;
          }))
        return std::nullopt;
      return by.end(head.what);
    }
    auto& body = head.what.body;
    bool fits = true;
    if (!read_body(head.how, [&](std::string_view piece) {
          fits = body.size() + piece.size() <= with_.body_bytes_max;
          if (fits)
            body.append(piece);
          return fits;
        })) {
      head.how.keep_alive = false;
      return fits ? std::nullopt
                  : std::optional{refused(413, "the body is too large")};
    }
    return to.run(head.what);
  }

  int socket_;
  const server_settings& with_;
  std::string in_;
};

class threaded_server : public server {
public:
  threaded_server(int listener, std::uint16_t port, server_settings with)
    : with_(std::move(with)),
      listener_(listener),
      port_(port),
      wake_(::eventfd(0, EFD_CLOEXEC)),
      acceptor_([this] { accept_all(); }) {}

  ~threaded_server() override {
    std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake_, &one, sizeof one);
    acceptor_.join();
    std::unique_lock lock(guard_);
    for (auto socket : sockets_)
      ::shutdown(socket, SHUT_RDWR);
    none_left_.wait(lock, [this] { return sockets_.empty(); });
    ::close(listener_);
    ::close(wake_);
  }

  std::uint16_t port() const noexcept override { return port_; }

private:
  void accept_all() {
    std::array<pollfd, 2> ready{pollfd{listener_, POLLIN, 0},
                                pollfd{wake_, POLLIN, 0}};
    for (;;) {
      ::poll(ready.data(), ready.size(), -1);
      if (ready[1].revents)
        return;
      auto socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0)
        continue;
      timeval idle{static_cast<time_t>(with_.idle_seconds), 0};
      ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
      int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (!serve(socket))
        ::close(socket);
    }
  }

  bool serve(int socket) {
    std::lock_guard lock(guard_);
    if (sockets_.size() >= with_.connections_max)
      return false;
    sockets_.insert(socket);
    std::thread([this, socket] {
      connection(socket, with_).run();
      std::lock_guard done(guard_);
      ::close(socket);
      sockets_.erase(socket);
      if (sockets_.empty())
        none_left_.notify_all();
    }).detach();
    return true;
  }

  const server_settings with_;
  int listener_;
  std::uint16_t port_;
  int wake_;
  std::mutex guard_;
  std::condition_variable none_left_;
  std::set<int> sockets_;
  std::thread acceptor_; ///< Last: it uses the others.
};

} // namespace

std::unique_ptr<server> server::start(server_settings with, std::string& why) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(with.port);
  if (::inet_pton(AF_INET, with.host.c_str(), &at.sin_addr) != 1) {
    why = '"' + with.host + "\" is not an IPv4 address";
    return nullptr;
  }
  auto listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  if (::bind(listener, address, size) != 0 || ::listen(listener, 512) != 0) {
    why =
      with.host + ':' + std::to_string(with.port) + ": " + std::strerror(errno);
    ::close(listener);
    return nullptr;
  }
  ::getsockname(listener, address, &size);
  return std::make_unique<threaded_server>(listener, ntohs(at.sin_port),
                                           std::move(with));
}

} // namespace demo
