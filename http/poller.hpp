#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace cheops::http {

class stream;

/// Tells streams what their sockets are ready for. Each socket is registered
/// once, edge-triggered, for as long as it is open: a wait then costs no
/// system call, where Asio's `async_wait` costs an `epoll_ctl`, a tenth of
/// what a proxied request takes.
///
/// It is an epoll set inside Asio's own: one wake-up of the event loop hands
/// out all that is ready.
class poller {
public:
  poller();
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  /// Starts handing out on `io`'s thread; `stop` ends it.
  void start(boost::asio::io_context& io);
  void stop();

  /// False: the system refused. The slot is what `remove` takes.
  [[nodiscard]] bool add(int socket, stream& of, std::uint32_t& slot);
  /// Before the socket is closed; nothing is told to the stream after it.
  void remove(std::uint32_t slot);

private:
  /// A place for a stream. What is still to be handed out when a stream goes
  /// carries the old generation, and is dropped.
  struct place {
    stream* of = nullptr;
    std::uint32_t generation = 0;
  };

  void wait();
  void hand_out();

  int set_;
  std::optional<boost::asio::posix::stream_descriptor> ready_;
  std::vector<place> places_;
  std::vector<std::uint32_t> free_;
};

} // namespace cheops::http
