#include "http/stream.hpp"

#include <boost/asio/post.hpp>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace cheops::http {

namespace {

/// A silent connection may be of somebody who has lost his network: he is
/// asked after a minute, and is gone when he says nothing for another.
void keep_alive(int fd) {
  auto set = [fd](int level, int what, int value) {
    ::setsockopt(fd, level, what, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

io io_of_errno() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? io::again
                                                                   : io::failed;
}

int clamp_int(std::size_t n) {
  return static_cast<int>(
    std::min<std::size_t>(n, std::numeric_limits<int>::max()));
}

} // namespace

/// OpenSSL's way to the socket.
struct socket_bio {
  static stream& of(BIO* x) { return *static_cast<stream*>(BIO_get_data(x)); }

  static int write(BIO* x, const char* data, int size) {
    BIO_clear_retry_flags(x);
    iovec piece{const_cast<char*>(data), static_cast<std::size_t>(size)};
    auto n = of(x).transmit({&piece, 1});
    if (n < 0 && io_of_errno() == io::again)
      BIO_set_retry_write(x);
    return static_cast<int>(n);
  }

  static int read(BIO* x, char* to, int size) {
    BIO_clear_retry_flags(x);
    auto n = of(x).receive(to, static_cast<std::size_t>(size));
    if (n < 0 && io_of_errno() == io::again)
      BIO_set_retry_read(x);
    return static_cast<int>(n);
  }

  static long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static int create(BIO* x) {
    BIO_set_init(x, 1);
    return 1;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* out = [] {
      auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                             "cheops socket");
      BIO_meth_set_write(m, write);
      BIO_meth_set_read(m, read);
      BIO_meth_set_ctrl(m, control);
      BIO_meth_set_create(m, create);
      return m;
    }();
    return out;
  }
};

stream::~stream() {
  close();
}

bool stream::watch(poller& by) {
  boost::system::error_code ec;
  socket_.non_blocking(true, ec);
  if (!ec)
    fd_ = socket_.release(ec);
  if (ec)
    return false;
  int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  keep_alive(fd_);
  if (!by.add(fd_, *this, slot_)) {
    ::close(std::exchange(fd_, -1));
    return false;
  }
  poller_ = &by;
  open_ = true;
  return true;
}

/// A short count shows that the socket is empty for now.
ssize_t stream::receive(char* to, std::size_t room) noexcept {
  auto n = ::recv(fd_, to, room, 0);
  if (n < 0 ? errno == EAGAIN : n > 0 && static_cast<std::size_t>(n) < room)
    readable_ = hung_up_;
  return n;
}

ssize_t stream::transmit(std::span<const iovec> what) noexcept {
  ssize_t n = 0;
  std::size_t all = 0;
  if (what.size() == 1) {
    all = what[0].iov_len;
    n = ::send(fd_, what[0].iov_base, all, MSG_NOSIGNAL);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(what.data());
    message.msg_iovlen = what.size();
    for (const auto& x : what)
      all += x.iov_len;
    n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  }
  if (n < 0 ? errno == EAGAIN : static_cast<std::size_t>(n) < all)
    writable_ = false;
  return n;
}

bool stream::secure(SSL_CTX* with, bool accepts, const std::string& name) {
  tls_.reset(SSL_new(with));
  auto* bio = BIO_new(socket_bio::method());
  if (!tls_ || bio == nullptr) {
    BIO_free(bio);
    tls_.reset();
    return false;
  }
  BIO_set_data(bio, this);
  SSL_set_bio(tls_.get(), bio, bio);
  SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE
                             | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                             | SSL_MODE_RELEASE_BUFFERS);
  // A record's head and body in one recv.
  SSL_set_read_ahead(tls_.get(), 1);
  if (accepts) {
    SSL_set_accept_state(tls_.get());
  } else {
    SSL_set_connect_state(tls_.get());
    if (!name.empty())
      SSL_set_tlsext_host_name(tls_.get(), name.c_str());
  }
  return true;
}

io stream::try_handshake() {
  if (!tls_)
    return io::done;
  ERR_clear_error();
  auto n = SSL_do_handshake(tls_.get());
  if (n == 1)
    return io::done;
  auto why = SSL_get_error(tls_.get(), n);
  wants_write_ = why == SSL_ERROR_WANT_WRITE;
  return why == SSL_ERROR_WANT_READ || wants_write_ ? io::again : failed(why);
}

io stream::failed(int tls_error) noexcept {
  const auto* said = tls_error == SSL_ERROR_SSL
                       ? ERR_reason_error_string(ERR_peek_last_error())
                       : nullptr;
  why_ = said != nullptr ? said : "the connection broke off";
  return io::failed;
}

bool stream::handshake_wants_write() const noexcept {
  return wants_write_;
}

io_result stream::try_read(std::span<char> to) {
  if (!open_)
    return {io::failed};
  if (!tls_) {
    auto n = receive(to.data(), to.size());
    if (n > 0)
      return {io::done, static_cast<std::size_t>(n)};
    return {n == 0 ? io::closed : io_of_errno()};
  }
  ERR_clear_error();
  auto n = SSL_read(tls_.get(), to.data(), clamp_int(to.size()));
  starved_ = n <= 0;
  if (n > 0)
    return {io::done, static_cast<std::size_t>(n)};
  switch (auto why = SSL_get_error(tls_.get(), n)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE:
    return {io::again};
  case SSL_ERROR_ZERO_RETURN:
    return {io::closed};
  default:
    return {failed(why)};
  }
}

io_result stream::try_write(std::span<const iovec> what) {
  if (!open_)
    return {io::failed};
  if (!tls_) {
    auto n = transmit(what);
    if (n >= 0)
      return {io::done, static_cast<std::size_t>(n)};
    return {io_of_errno()};
  }
  std::size_t sent = 0;
  for (const auto& piece : what) {
    ERR_clear_error();
    auto n = SSL_write(tls_.get(), piece.iov_base, clamp_int(piece.iov_len));
    if (n <= 0) {
      auto why = SSL_get_error(tls_.get(), n);
      auto wait = why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ;
      if (sent > 0)
        return {io::done, sent};
      return {wait ? io::again : io::failed};
    }
    sent += static_cast<std::size_t>(n);
    if (static_cast<std::size_t>(n) < piece.iov_len)
      break;
  }
  return {io::done, sent};
}

/// Waits, or goes on with the event loop's next turn where there is no need
/// to wait: never on the caller's stack.
void stream::wait(waiter& w, bool at_once, counted& owner, resume then) {
  if (!open_)
    return;
  if (w.then == nullptr) {
    w.owner = ref<counted>{&owner};
    w.then = then;
  }
  // Also for a wait that began before: if its bytes were read beside it, no
  // edge tells of those that OpenSSL then holds.
  if (!at_once || w.posted)
    return;
  w.posted = true;
  boost::asio::post(executor_, [this, &w, hold = w.owner] {
    if (w.posted)
      wake(w);
  });
}

void stream::wake(waiter& w) {
  if (&w == &reader_)
    until_ = event::bytes;
  auto now = std::exchange(w, {});
  if (open_ && now.then != nullptr)
    now.then(*now.owner);
}

void stream::when_readable(counted& owner, resume then) {
  // What OpenSSL has read already no socket will tell of.
  auto held = tls_ && !starved_ && SSL_has_pending(tls_.get()) != 0;
  if (std::exchange(until_, event::bytes) != event::bytes)
    reader_ = {};
  wait(reader_, readable_ || held, owner, then);
}

void stream::when_gone(counted& owner, resume then) {
  if (reader_.then != nullptr)
    return;
  until_ = event::gone;
  wait(reader_, hung_up_, owner, then);
}

void stream::when_broken(counted& owner, resume then) {
  if (reader_.then != nullptr)
    return;
  until_ = event::broken;
  wait(reader_, broken_, owner, then);
}

void stream::when_writable(counted& owner, resume then) {
  wait(writer_, writable_, owner, then);
}

void stream::on_events(std::uint32_t what) {
  broken_ = broken_ || (what & (EPOLLERR | EPOLLHUP)) != 0;
  hung_up_ = hung_up_ || broken_ || (what & EPOLLRDHUP) != 0;
  readable_ = readable_ || hung_up_ || (what & EPOLLIN) != 0;
  writable_ = writable_ || broken_ || (what & EPOLLOUT) != 0;
  // What is woken first may close the stream, and its owner with it.
  auto hold = reader_.owner ? reader_.owner : writer_.owner;
  auto due = until_ == event::bytes  ? readable_
             : until_ == event::gone ? hung_up_
                                     : broken_;
  if (due)
    wake(reader_);
  if (hold && writable_)
    wake(writer_);
}

bool stream::looks_idle() {
  if (!open_)
    return false;
  char c;
  auto n = ::recv(fd_, &c, 1, MSG_PEEK);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void stream::end_writing() {
  if (!open_)
    return;
  if (tls_)
    SSL_shutdown(tls_.get());
  ::shutdown(fd_, SHUT_WR);
}

void stream::close(bool hard) {
  boost::system::error_code ec;
  socket_.close(ec); // Where `watch` has not taken it over.
  if (!open_)
    return;
  if (hard) {
    linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  } else if (tls_ && SSL_is_init_finished(tls_.get())) {
    SSL_shutdown(tls_.get());
  }
  open_ = false;
  poller_->remove(slot_);
  ::close(std::exchange(fd_, -1));
  tls_.reset();
  // The owner may hang on these alone, and is likely to be on the stack.
  if (reader_.owner || writer_.owner)
    boost::asio::post(executor_, [r = std::exchange(reader_, {}).owner,
                                  w = std::exchange(writer_, {}).owner] {});
}

} // namespace cheops::http
