#include "http/listener.hpp"

#include "http/session.hpp"
#include "http/worker.hpp"

#include <boost/asio/ip/address.hpp>

#include <sys/socket.h>

namespace cheops::http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Without descriptors there is nothing to accept with; some may be free
/// again after this.
constexpr std::chrono::milliseconds without_descriptors{100};

/// Over the limit, so many more are told why; the rest are just closed.
std::uint32_t told_why(std::uint32_t limit) {
  return limit + limit / 8 + 16;
}

} // namespace

listener::listener(worker& on, std::size_t front)
  : on_(on), front_(front), acceptor_(on.io), pause_(on.io) {}

/// SO_REUSEPORT would share a port with any process of the same user, another
/// node started by mistake too: so a socket without it looks first.
boost::system::error_code listener::taken(const tcp::endpoint& to) {
  boost::system::error_code ec;
  tcp::acceptor probe{on_.io};
  probe.open(to.protocol(), ec);
  if (!ec)
    probe.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec)
    probe.bind(to, ec);
  return ec;
}

result<void> listener::open(const mesh::address& at, bool alone) {
  auto text = mesh::to_string(at);
  boost::system::error_code ec;
  auto ip =
    asio::ip::make_address(at.host == "localhost" ? "127.0.0.1" : at.host, ec);
  if (ec)
    return error{errc::bad_config, "\"" + at.host + "\" is not an IP address",
                 on_.site().value, "listen", "give an address to listen on"};
  tcp::endpoint to{ip, at.port};
  int one = 1;
  if (alone)
    ec = taken(to);
  if (!ec)
    acceptor_.open(to.protocol(), ec);
  if (!ec)
    acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec
      && ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &one,
                      sizeof one)
           != 0)
    ec.assign(errno, boost::system::system_category());
  if (!ec)
    acceptor_.bind(to, ec);
  if (!ec)
    acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return error{errc::io, "cannot listen on " + text + ": " + ec.message(),
                 on_.site().value, "listen",
                 "is another process listening there?"};
  return {};
}

std::uint16_t listener::port() const {
  boost::system::error_code ec;
  return acceptor_.local_endpoint(ec).port();
}

void listener::start() {
  accept();
}

void listener::close() {
  boost::system::error_code ec;
  acceptor_.close(ec);
  pause_.cancel();
}

void listener::accept() {
  acceptor_.async_accept(
    [this](const boost::system::error_code& ec, tcp::socket from) {
      if (!acceptor_.is_open())
        return;
      if (!ec) {
        accepted(std::move(from));
        accept();
        return;
      }
      if (ec != asio::error::no_descriptors && ec != asio::error::no_memory
          && ec != asio::error::no_buffer_space) {
        accept(); // It went before we had it.
        return;
      }
      pause_.expires_after(without_descriptors);
      pause_.async_wait([this](const boost::system::error_code& e) {
        if (!e && acceptor_.is_open())
          accept();
      });
    });
}

void listener::accepted(tcp::socket&& from) {
  auto& count = *on_.shared->connections[front_];
  auto limit = on_.bounds().connections;
  auto before = count.fetch_add(1, std::memory_order_relaxed);
  if (before >= told_why(limit)) {
    on_.counts.refused(refusal::too_many_connections);
    count.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  ref<session> made{new session(on_, std::move(from), front_)};
  made->start(before >= limit);
}

} // namespace cheops::http
