#pragma once

#include "http/ref.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/uio.h>

namespace cheops::http {

/// What an attempt to read or write came to.
enum class io : std::uint8_t {
  done,   ///< Some bytes were moved.
  again,  ///< None now: wait.
  closed, ///< The other side has ended its sending in order.
  failed, ///< The connection is of no more use.
};

struct io_result {
  io what = io::done;
  std::size_t bytes = 0;
};

/// A connection, plain or TLS. It tries at once, and waits only when it must:
/// no buffer is bound while nothing comes, and there is no completion to go
/// through when the kernel takes all bytes.
class stream {
public:
  /// Called when a wait is over; never after `close`. The owner is held by
  /// the wait.
  using resume = void (*)(counted& owner);

  explicit stream(boost::asio::io_context& io) : socket_(io) {}
  explicit stream(boost::asio::ip::tcp::socket&& from)
    : socket_(std::move(from)) {}
  ~stream();

  [[nodiscard]] boost::asio::ip::tcp::socket& socket() noexcept {
    return socket_;
  }
  /// Non-blocking, without Nagle's delay. False if the socket is gone.
  [[nodiscard]] bool prepare();
  /// Speaks TLS from now on; `name`: SNI of the server that is called.
  [[nodiscard]] bool secure(SSL_CTX* with, bool accepts,
                            const std::string& name = {});
  [[nodiscard]] SSL* tls() const noexcept { return tls_.get(); }

  /// `done`: it is finished. `again`: wait as `handshake_wants_write` says.
  [[nodiscard]] io try_handshake();
  [[nodiscard]] bool handshake_wants_write() const noexcept;

  [[nodiscard]] io_result try_read(std::span<char> to);
  [[nodiscard]] io_result try_write(std::span<const iovec> what);

  /// One wait of each kind at a time: a second call does nothing.
  void when_readable(counted& owner, resume then);
  void when_writable(counted& owner, resume then);

  [[nodiscard]] bool open() const noexcept { return open_; }
  /// Whether an idle connection is still quiet and open, by a look at the
  /// socket (a wait may not have told yet).
  [[nodiscard]] bool looks_idle();
  /// Says that nothing more will be sent.
  void end_writing();
  /// `hard`: so that the other side sees it was cut off (RST).
  void close(bool hard = false);

private:
  struct free_ssl {
    void operator()(SSL* x) const noexcept { SSL_free(x); }
  };

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL, free_ssl> tls_;
  bool open_ = false;
  bool read_waits_ = false;
  bool write_waits_ = false;
  bool wants_write_ = false;
};

} // namespace cheops::http
