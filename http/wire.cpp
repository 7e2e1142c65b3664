#include "http/wire.hpp"

#include "cheops/mesh/view.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cheops::http {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

struct socket_address {
  sockaddr_storage bytes{};
  socklen_t length = 0;
};

error failure(errc code, std::string what, std::string step,
              std::string hint = {}) {
  return {code, std::move(what), "", std::move(step), std::move(hint)};
}

std::string name_of(const url& to) {
  return to.unix_path.empty() ? mesh::to_string(mesh::address{to.host, to.port})
                              : to.unix_path;
}

// Milliseconds for poll(), rounded up so that it does not turn idly.
int rest_of(deadline until) {
  auto rest = std::chrono::ceil<milliseconds>(until - steady::now()).count();
  return static_cast<int>(std::clamp<long long>(rest, 0, 1'000'000'000));
}

// -- a socket of OpenSSL's that raises no SIGPIPE -----------------------------

int bio_write(BIO* x, const char* from, int size) {
  BIO_clear_retry_flags(x);
  auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(x)));
  auto n = ::send(fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_retry_write(x);
  return static_cast<int>(n);
}

int bio_read(BIO* x, char* to, int size) {
  BIO_clear_retry_flags(x);
  auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(x)));
  auto n = ::recv(fd, to, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_retry_read(x);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* socket_bio(int fd) {
  static BIO_METHOD* const method = [] {
    auto* x = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                           "socket without signals");
    BIO_meth_set_write(x, bio_write);
    BIO_meth_set_read(x, bio_read);
    BIO_meth_set_ctrl(x, bio_control);
    return x;
  }();
  auto* out = BIO_new(method);
  BIO_set_data(out, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(out, 1);
  return out;
}

// -- addresses ----------------------------------------------------------------

/// What getaddrinfo said, from a thread of its own: it knows no deadline.
struct lookup {
  std::mutex mutex;
  std::condition_variable ready;
  bool done = false;
  int code = 0;
  std::vector<socket_address> found;
};

void look_up(const std::string& host, std::uint16_t port, int flags,
             lookup& to) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* all = nullptr;
  auto code =
    ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &all);
  std::lock_guard guard{to.mutex};
  to.code = code;
  for (auto* x = all; x != nullptr; x = x->ai_next) {
    socket_address one;
    std::memcpy(&one.bytes, x->ai_addr, x->ai_addrlen);
    one.length = x->ai_addrlen;
    to.found.push_back(one);
  }
  if (all != nullptr)
    ::freeaddrinfo(all);
  to.done = true;
  to.ready.notify_all();
}

result<std::vector<socket_address>> resolve(const url& to, deadline until) {
  if (!to.unix_path.empty()) {
    socket_address out;
    auto& x = reinterpret_cast<sockaddr_un&>(out.bytes);
    x.sun_family = AF_UNIX;
    assert(to.unix_path.size() < sizeof x.sun_path);
    std::memcpy(x.sun_path, to.unix_path.c_str(), to.unix_path.size() + 1);
    out.length = sizeof(sockaddr_un);
    return std::vector{out};
  }
  auto asked = std::make_shared<lookup>();
  look_up(to.host, to.port, AI_NUMERICHOST, *asked);
  if (asked->code != 0) { // A name: it may take long.
    asked->done = false;
    std::thread{[asked, host = to.host, port = to.port] {
      look_up(host, port, 0, *asked);
    }}.detach();
  }
  std::unique_lock lock{asked->mutex};
  if (!asked->ready.wait_until(lock, until, [&] { return asked->done; }))
    return failure(errc::timed_out, "no answer from the name server in time",
                   "resolve " + to.host);
  if (asked->code != 0 || asked->found.empty())
    return failure(errc::unreachable, gai_strerror(asked->code),
                   "resolve " + to.host, "check the name");
  return asked->found;
}

// 0, or an errno; ETIMEDOUT at the deadline.
int connect_one(int fd, const socket_address& to, deadline until) {
  auto* address = reinterpret_cast<const sockaddr*>(&to.bytes);
  if (::connect(fd, address, to.length) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  pollfd one{fd, POLLOUT, 0};
  for (;;) {
    auto n = ::poll(&one, 1, rest_of(until));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno;
    if (n == 0)
      return ETIMEDOUT;
    int code = 0;
    socklen_t length = sizeof code;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length);
    return code;
  }
}

std::string tls_failure(const SSL* x) {
  auto refused = refused_because(x);
  auto said = openssl_says();
  return refused.empty() ? said : "the certificate is refused: " + refused;
}

} // namespace

wire::~wire() {
  if (ssl_)
    (void) SSL_shutdown(ssl_.get()); // Says goodbye; waits for nothing.
  ERR_clear_error();
  ::close(fd_);
}

result<std::unique_ptr<wire>> wire::open(const url& to, const ssl_context& tls,
                                         bool verify, deadline until) {
  auto addresses = resolve(to, until);
  if (!addresses)
    return addresses.error();
  int why = 0;
  auto left = static_cast<int>(addresses->size());
  for (auto& x : *addresses) {
    auto fd = ::socket(x.bytes.ss_family,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
      return failure(errc::io, std::strerror(errno), "open socket");
    auto out = std::make_unique<wire>(fd);
    if (to.unix_path.empty()) {
      int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    auto now = steady::now();
    why = connect_one(
      fd, x, now + std::max(until - now, steady::duration{0}) / left--);
    if (why != 0)
      continue;
    if (to.tls)
      if (auto done = out->start_tls(to, tls, verify, until); !done)
        return done.error();
    return out;
  }
  if (why == ETIMEDOUT)
    return failure(errc::timed_out, name_of(to) + ": no answer in time",
                   "connect");
  return failure(errc::unreachable, name_of(to) + ": " + std::strerror(why),
                 "connect", "is it running, and is the address right?");
}

result<void> wire::start_tls(const url& to, const ssl_context& tls, bool verify,
                             deadline until) {
  assert(tls != nullptr);
  ssl_.reset(SSL_new(tls.get()));
  auto* bio = socket_bio(fd_);
  SSL_set_bio(ssl_.get(), bio, bio);
  in6_addr scratch;
  auto literal = ::inet_pton(AF_INET, to.host.c_str(), &scratch) == 1
                 || ::inet_pton(AF_INET6, to.host.c_str(), &scratch) == 1;
  if (!literal)
    SSL_set_tlsext_host_name(ssl_.get(), to.host.c_str());
  if (verify) {
    SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    auto set = literal ? X509_VERIFY_PARAM_set1_ip_asc(
                 SSL_get0_param(ssl_.get()), to.host.c_str())
                       : SSL_set1_host(ssl_.get(), to.host.c_str());
    if (set != 1)
      return failure(errc::bad_request, to.host + ": is no name to check",
                     "TLS handshake");
  }
  for (;;) {
    ERR_clear_error();
    auto n = SSL_connect(ssl_.get());
    if (n == 1)
      return {};
    if (tls_outcome(n).what != state::blocked) {
      auto why = tls_failure(ssl_.get());
      ssl_.reset();
      return failure(errc::broken, name_of(to) + ": " + why, "TLS handshake");
    }
    if (wait(until, false) == event::late)
      return failure(errc::timed_out, name_of(to) + ": no answer in time",
                     "TLS handshake");
  }
}

wire::outcome wire::failed(int code) noexcept {
  why_ = std::strerror(code);
  return {state::failed, 0};
}

wire::outcome wire::tls_outcome(int n) noexcept {
  if (n > 0)
    return {state::moved, static_cast<std::size_t>(n)};
  auto code = errno;
  switch (SSL_get_error(ssl_.get(), n)) {
  case SSL_ERROR_WANT_READ:
    waits_for_ = POLLIN;
    return {state::blocked, 0};
  case SSL_ERROR_WANT_WRITE:
    waits_for_ = POLLOUT;
    return {state::blocked, 0};
  case SSL_ERROR_ZERO_RETURN:
    return {state::ended, 0};
  case SSL_ERROR_SYSCALL:
    if (ERR_peek_error() == 0 && code == 0) {
      why_ = "the connection ended without TLS's goodbye";
      return {state::failed, 0};
    }
    return failed(code);
  default:
    why_ = ERR_peek_error() == 0 ? "TLS failed"
                                 : ERR_reason_error_string(ERR_peek_error());
    return {state::failed, 0};
  }
}

wire::outcome wire::read(std::span<char> to) noexcept {
  if (ssl_) {
    ERR_clear_error();
    errno = 0;
    return tls_outcome(
      SSL_read(ssl_.get(), to.data(), static_cast<int>(to.size())));
  }
  auto n = ::recv(fd_, to.data(), to.size(), 0);
  if (n > 0)
    return {state::moved, static_cast<std::size_t>(n)};
  if (n == 0)
    return {state::ended, 0};
  if (errno != EAGAIN && errno != EINTR)
    return failed(errno);
  waits_for_ = POLLIN;
  return {state::blocked, 0};
}

wire::outcome wire::write(std::string_view from) noexcept {
  if (ssl_) {
    ERR_clear_error();
    errno = 0;
    return tls_outcome(
      SSL_write(ssl_.get(), from.data(), static_cast<int>(from.size())));
  }
  auto n = ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
  if (n >= 0)
    return {state::moved, static_cast<std::size_t>(n)};
  if (errno != EAGAIN && errno != EINTR)
    return failed(errno);
  waits_for_ = POLLOUT;
  return {state::blocked, 0};
}

wire::event wire::wait(deadline until, bool also_readable) noexcept {
  pollfd one{fd_, waits_for_, 0};
  if (also_readable)
    one.events |= POLLIN;
  for (;;) {
    auto n = ::poll(&one, 1, rest_of(until));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return event::late;
    return (one.revents & POLLIN) != 0 ? event::readable : event::writable;
  }
}

bool wire::idle() noexcept {
  pollfd one{fd_, POLLIN, 0};
  return ::poll(&one, 1, 0) == 0;
}

} // namespace cheops::http
