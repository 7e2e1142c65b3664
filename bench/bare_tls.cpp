#include "bench/bare_tls.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <sys/resource.h>
#include <thread>

namespace cheops::bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;
using stream = asio::ssl::stream<tcp::socket>;

asio::ssl::context context_of(const site::tls_files& files) {
  asio::ssl::context out{asio::ssl::context::tlsv13};
  out.use_certificate_chain_file(files.certificate);
  out.use_private_key_file(files.key, asio::ssl::context::pem);
  out.load_verify_file(files.ca);
  out.set_verify_mode(asio::ssl::verify_peer
                      | asio::ssl::verify_fail_if_no_peer_cert);
  return out;
}

/// Both ends, connected and secured; `serve` runs on the thread of the other.
class connection {
public:
  template <class Serve>
  connection(const two_sites& who, Serve serve)
    : ours_(context_of(who.a)),
      theirs_(context_of(who.b)),
      socket_(io_, ours_) {
    tcp::acceptor acceptor{io_, {asio::ip::address_v4::loopback(), 0}};
    auto at = acceptor.local_endpoint();
    server_ =
      std::thread([this, serve, acceptor = std::move(acceptor)]() mutable {
        stream peer{acceptor.accept(), theirs_};
        peer.next_layer().set_option(tcp::no_delay{true});
        peer.handshake(stream::server);
        serve(peer);
      });
    socket_.next_layer().connect(at);
    socket_.next_layer().set_option(tcp::no_delay{true});
    socket_.handshake(stream::client);
  }

  ~connection() { end(); }

  stream& socket() { return socket_; }

  /// Returns when the other end has read all.
  void end() {
    if (!server_.joinable())
      return;
    boost::system::error_code ignored;
    socket_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
    server_.join();
  }

private:
  asio::io_context io_;
  asio::ssl::context ours_;
  asio::ssl::context theirs_;
  stream socket_;
  std::thread server_;
};

figure of(double done, double each, clock::time_point began,
          std::chrono::microseconds cpu_began) {
  std::chrono::duration<double> wall = clock::now() - began;
  auto cpu = static_cast<double>((cpu_time() - cpu_began).count());
  return {done / wall.count(), cpu / (done / each)};
}

/// Answers every message that has come whole with a write of its own.
class answering {
public:
  explicit answering(std::size_t bytes) : message_(bytes, 'x') {}

  /// Reads once; false at the end.
  bool once(stream& with) {
    boost::system::error_code end;
    owed_ += with.read_some(asio::buffer(buffer_), end);
    for (; !end && owed_ >= message_.size(); ++answered) {
      send(with);
      owed_ -= message_.size();
    }
    return !end;
  }

  void send(stream& to) {
    boost::system::error_code at_end;
    asio::write(to, asio::buffer(message_), at_end);
  }

  std::size_t answered = 0;

private:
  const std::string message_;
  std::array<char, 65536> buffer_{};
  std::size_t owed_ = 0;
};

} // namespace

figure bare_round_trips(const two_sites& who, std::size_t bytes,
                        std::size_t outstanding,
                        std::chrono::milliseconds time) {
  connection both{who, [bytes](stream& peer) {
                    answering theirs{bytes};
                    while (theirs.once(peer)) {
                    }
                  }};
  answering ours{bytes};
  auto began = clock::now();
  auto cpu_began = cpu_time();
  for (std::size_t i = 0; i < outstanding; ++i)
    ours.send(both.socket());
  while (clock::now() - began < time && ours.once(both.socket())) {
  }
  return of(static_cast<double>(ours.answered), 1, began, cpu_began);
}

std::chrono::microseconds cpu_time() {
  rusage x{};
  ::getrusage(RUSAGE_SELF, &x);
  auto us = [](const timeval& t) {
    return std::chrono::seconds{t.tv_sec}
           + std::chrono::microseconds{t.tv_usec};
  };
  return us(x.ru_utime) + us(x.ru_stime);
}

figure bare_bulk(const two_sites& who, std::size_t bytes,
                 std::chrono::milliseconds time) {
  std::size_t came = 0; // Read once the other thread has ended.
  connection both{who, [&came](stream& peer) {
                    std::vector<char> buffer(65536);
                    boost::system::error_code end;
                    while (!end)
                      came += peer.read_some(asio::buffer(buffer), end);
                  }};
  const std::string message(bytes, 'x');
  auto began = clock::now();
  auto cpu_began = cpu_time();
  while (clock::now() - began < time)
    asio::write(both.socket(), asio::buffer(message));
  both.end();
  return of(static_cast<double>(came), 1e6, began, cpu_began);
}

} // namespace cheops::bench
