#include "http/stream.hpp"

#include <boost/asio/post.hpp>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace cheops::http {

namespace {

namespace asio = boost::asio;

// -- OpenSSL's way to the socket, without SIGPIPE ----------------------------

int descriptor_of(BIO* x) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(x)));
}

int bio_write(BIO* x, const char* data, int size) {
  BIO_clear_retry_flags(x);
  auto n = ::send(descriptor_of(x), data, static_cast<std::size_t>(size),
                  MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_retry_write(x);
  return static_cast<int>(n);
}

int bio_read(BIO* x, char* to, int size) {
  BIO_clear_retry_flags(x);
  auto n = ::recv(descriptor_of(x), to, static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_retry_read(x);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* x) {
  BIO_set_init(x, 1);
  return 1;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* method = [] {
    auto* m =
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cheops socket");
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_ctrl(m, bio_control);
    BIO_meth_set_create(m, bio_create);
    return m;
  }();
  return method;
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

stream::~stream() = default;

bool stream::prepare() {
  boost::system::error_code ec;
  socket_.non_blocking(true, ec);
  if (ec)
    return false;
  int one = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &one,
               sizeof one);
  open_ = true;
  return true;
}

bool stream::secure(SSL_CTX* with, bool accepts, const std::string& name) {
  tls_.reset(SSL_new(with));
  auto* bio = BIO_new(socket_method());
  if (!tls_ || bio == nullptr) {
    BIO_free(bio);
    tls_.reset();
    return false;
  }
  BIO_set_data(bio, reinterpret_cast<void*>(
                      static_cast<std::intptr_t>(socket_.native_handle())));
  SSL_set_bio(tls_.get(), bio, bio);
  SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE
                             | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                             | SSL_MODE_RELEASE_BUFFERS);
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
  return why == SSL_ERROR_WANT_READ || wants_write_ ? io::again : io::failed;
}

bool stream::handshake_wants_write() const noexcept {
  return wants_write_;
}

io_result stream::try_read(std::span<char> to) {
  if (!open_)
    return {io::failed};
  if (!tls_) {
    auto n = ::recv(socket_.native_handle(), to.data(), to.size(), 0);
    if (n > 0)
      return {io::done, static_cast<std::size_t>(n)};
    return {n == 0 ? io::closed : io_of_errno()};
  }
  ERR_clear_error();
  auto n = SSL_read(tls_.get(), to.data(), clamp_int(to.size()));
  if (n > 0)
    return {io::done, static_cast<std::size_t>(n)};
  switch (SSL_get_error(tls_.get(), n)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE:
    return {io::again};
  case SSL_ERROR_ZERO_RETURN:
    return {io::closed};
  default:
    return {io::failed};
  }
}

io_result stream::try_write(std::span<const iovec> what) {
  if (!open_)
    return {io::failed};
  if (!tls_) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(what.data());
    message.msg_iovlen = what.size();
    auto n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
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

void stream::when_readable(counted& owner, resume then) {
  if (read_waits_ || !open_)
    return;
  read_waits_ = true;
  auto woken = [this, hold = ref<counted>(&owner),
                then](const boost::system::error_code& = {}) {
    read_waits_ = false;
    if (open_)
      then(*hold);
  };
  // What OpenSSL has read already no socket will tell of.
  if (tls_ && SSL_pending(tls_.get()) > 0)
    asio::post(socket_.get_executor(), std::move(woken));
  else
    socket_.async_wait(asio::socket_base::wait_read, std::move(woken));
}

void stream::when_writable(counted& owner, resume then) {
  if (write_waits_ || !open_)
    return;
  write_waits_ = true;
  socket_.async_wait(asio::socket_base::wait_write,
                     [this, hold = ref<counted>(&owner),
                      then](const boost::system::error_code&) {
                       write_waits_ = false;
                       if (open_)
                         then(*hold);
                     });
}

bool stream::looks_idle() {
  if (!open_)
    return false;
  char c;
  auto n = ::recv(socket_.native_handle(), &c, 1, MSG_PEEK);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void stream::end_writing() {
  if (!open_)
    return;
  if (tls_)
    SSL_shutdown(tls_.get());
  boost::system::error_code ec;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
}

void stream::close(bool hard) {
  boost::system::error_code ec;
  if (open_ && hard)
    socket_.set_option(asio::socket_base::linger(true, 0), ec);
  else if (open_ && tls_ && SSL_is_init_finished(tls_.get()))
    SSL_shutdown(tls_.get());
  open_ = false;
  socket_.close(ec);
  tls_.reset();
}

} // namespace cheops::http
