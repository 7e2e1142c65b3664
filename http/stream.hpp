#pragma once

#include "http/poller.hpp"
#include "http/ref.hpp"

#include <boost/asio/any_io_executor.hpp>
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

  explicit stream(boost::asio::io_context& io)
    : socket_(io), executor_(socket_.get_executor()) {}
  explicit stream(boost::asio::ip::tcp::socket&& from)
    : socket_(std::move(from)), executor_(socket_.get_executor()) {}
  ~stream();
  stream(const stream&) = delete; // The poller and OpenSSL point to it.
  stream& operator=(const stream&) = delete;

  /// Asio's socket, until `watch`.
  [[nodiscard]] boost::asio::ip::tcp::socket& socket() noexcept {
    return socket_;
  }
  /// Takes the connected socket over from Asio: non-blocking, without Nagle's
  /// delay, watched by `by`. False if the socket is gone.
  [[nodiscard]] bool watch(poller& by);
  /// Speaks TLS from now on; `name`: SNI of the server that is called.
  [[nodiscard]] bool secure(SSL_CTX* with, bool accepts,
                            const std::string& name = {});
  [[nodiscard]] SSL* tls() const noexcept { return tls_.get(); }

  /// `done`: it is finished. `again`: wait as `handshake_wants_write` says.
  [[nodiscard]] io try_handshake();
  [[nodiscard]] bool handshake_wants_write() const noexcept;

  /// Why TLS failed last, for people.
  [[nodiscard]] std::string_view why() const noexcept { return why_; }

  [[nodiscard]] io_result try_read(std::span<char> to);
  [[nodiscard]] io_result try_write(std::span<const iovec> what);

  /// One wait of each kind at a time: a second call keeps the first.
  void when_readable(counted& owner, resume then);
  void when_writable(counted& owner, resume then);

  /// Waits until the other side is gone, while nothing of it is read: what
  /// comes stays where it is. A call of `when_readable` takes the wait over.
  void when_gone(counted& owner, resume then);
  /// Waits until the connection is broken: the other side has ended its
  /// sending, and may yet take what we send.
  void when_broken(counted& owner, resume then);
  /// The other side sends nothing more, or the connection is broken; bytes
  /// that it sent before may still be there.
  [[nodiscard]] bool gone() const noexcept { return hung_up_; }

  /// What the socket has become ready for: EPOLL* bits. For the poller.
  void on_events(std::uint32_t what);

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
  /// Somebody waits for the socket.
  struct waiter {
    ref<counted> owner;
    resume then = nullptr;
    bool posted = false; ///< The event loop's next turn wakes it.
  };
  friend struct socket_bio;

  io failed(int tls_error) noexcept;
  void wait(waiter& w, bool at_once, counted& owner, resume then);
  void wake(waiter& w);
  [[nodiscard]] ssize_t receive(char* to, std::size_t room) noexcept;
  [[nodiscard]] ssize_t transmit(std::span<const iovec> what) noexcept;

  boost::asio::ip::tcp::socket socket_;
  boost::asio::any_io_executor executor_;
  std::unique_ptr<SSL, free_ssl> tls_;
  poller* poller_ = nullptr;
  std::uint32_t slot_ = 0;
  int fd_ = -1;
  bool open_ = false;
  /// Edges tell of changes only: what a socket is ready for is kept here
  /// until an attempt shows that it is so no more.
  bool readable_ = true;
  bool writable_ = true;
  bool hung_up_ = false; ///< Nothing more will come: no edge will tell again.
  bool broken_ = false;  ///< Nothing can be sent either.
  bool starved_ = false; ///< OpenSSL needs more bytes than it holds.
  bool wants_write_ = false;
  std::string_view why_; ///< Of OpenSSL's own texts, or ours.
  /// What `reader_` waits for.
  enum class event : std::uint8_t { bytes, gone, broken };
  event until_ = event::bytes;
  waiter reader_;
  waiter writer_;
};

} // namespace cheops::http
