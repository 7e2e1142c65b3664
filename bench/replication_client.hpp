#pragma once

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace cheops::bench {

namespace asio = boost::asio;
namespace http = boost::beast::http;

/// One request after the other on one connection.
class client {
public:
  client(asio::io_context& loop, std::uint16_t port) : socket_(loop) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    socket_.set_option(asio::ip::tcp::no_delay{true});
  }

  /// Calls `done(status, body)`.
  template <class Done>
  void ask(http::verb method, const std::string& target, std::string body,
           Done done) {
    out_ = {method, target, 11};
    out_.set(http::field::host, "127.0.0.1");
    out_.body() = std::move(body);
    out_.prepare_payload();
    http::async_write(
      socket_, out_, [this, done](auto failed, std::size_t) mutable {
        if (failed)
          throw std::runtime_error("a member closed the connection");
        in_ = {};
        http::async_read(
          socket_, buffer_, in_, [this, done](auto bad, std::size_t) mutable {
            if (bad)
              throw std::runtime_error("a member closed the connection");
            done(in_.result_int(), in_.body());
          });
      });
  }

private:
  asio::ip::tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> out_;
  http::response<http::string_body> in_;
};

} // namespace cheops::bench
