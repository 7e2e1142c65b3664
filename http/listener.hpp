#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>

namespace cheops::http {

struct worker;

/// Accepts one front's connections on one thread; the kernel deals them out
/// among the threads that listen on the same address (SO_REUSEPORT).
class listener {
public:
  listener(worker& on, std::size_t front);

  /// `alone`: nobody listens there yet, not even another of our threads.
  /// Errors: io, bad_config (not an address of this machine).
  [[nodiscard]] result<void> open(const mesh::address& at, bool alone);
  void start();
  void close();
  [[nodiscard]] bool is_open() const { return acceptor_.is_open(); }
  [[nodiscard]] std::uint16_t port() const;

private:
  [[nodiscard]] boost::system::error_code
  taken(const boost::asio::ip::tcp::endpoint& to);
  void accept();
  void accepted(boost::asio::ip::tcp::socket&& from);

  worker& on_;
  std::size_t front_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
};

} // namespace cheops::http
