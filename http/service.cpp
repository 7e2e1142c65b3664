#include "http/service.hpp"

#include "cheops/names.hpp"
#include "http/listen.hpp"
#include "http/problem.hpp"
#include "http/service_session.hpp"
#include "http/tls.hpp"

#include <boost/asio.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl.hpp>

#include <algorithm>
#include <thread>

namespace cheops::http {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;
using stream_socket = asio::generic::stream_protocol::socket;
using acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// What is read from files; all empty on a Unix socket.
struct service_files {
  std::optional<token_digest> token;
  ssl_context tls;
};

result<service_files> read_files(const site::admin_endpoint& at, bool guarded) {
  service_files out;
  if (!at.unix_path.empty())
    return out;
  if (guarded) {
    if (at.token_file.empty())
      return error{errc::bad_config,
                   "an admin endpoint on TCP needs a token file", "", "listen",
                   "set admin.token_file, or use admin.unix"};
    auto read = read_token(at.token_file);
    if (!read)
      return read.error();
    out.token = *read;
  }
  if (!at.tls.empty()) {
    auto made = front_context(at.tls);
    if (!made)
      return made.error();
    out.tls = *made;
  }
  return out;
}

class service_impl final : public service {
public:
  service_impl(service_settings with, listening at, service_files files)
    : state_{with, routes{std::move(with.routes)}, files.token, nullptr},
      guarded_(files.token.has_value()),
      handlers_(std::max(1U, with.threads)),
      acceptor_(io_, asio::generic::stream_protocol{at.family, 0}, at.fd),
      port_(at.port) {
    state_.handlers = &handlers_;
    state_.with.routes.clear(); // They are in `known`.
    take(files.tls);
    asio::co_spawn(io_, accept(), asio::detached);
    thread_ = std::thread{[this] { io_.run(); }};
  }

  ~service_impl() override {
    asio::post(io_, [this] {
      boost::system::error_code ec;
      acceptor_.close(ec);
      stopping_ = true;
      for (auto* x : live_)
        x->close();
    });
    thread_.join(); // When the last connection has ended.
    handlers_.join();
    if (!state_.with.at.unix_path.empty())
      ::unlink(state_.with.at.unix_path.c_str());
  }

  std::uint16_t port() const noexcept override { return port_; }

  result<void> reload() override {
    auto files = read_files(state_.with.at, guarded_);
    if (!files)
      return files.error();
    asio::post(io_, [this, now = std::move(*files)] {
      state_.token = now.token;
      take(now.tls);
    });
    return {};
  }

private:
  void take(const ssl_context& tls) {
    if (!tls)
      return;
    SSL_CTX_up_ref(tls.get());
    tls_.emplace(tls.get()); // Takes that reference.
  }

  awaitable<void> accept() {
    while (!stopping_) {
      stream_socket client{io_};
      auto [ec] = co_await acceptor_.async_accept(client, as_result);
      if (stopping_ || ec == asio::error::operation_aborted)
        co_return;
      if (ec) { // Out of descriptors, for one: they may come back.
        asio::steady_timer rest{io_, 50ms};
        co_await rest.async_wait(as_result);
        continue;
      }
      if (live_.size() >= state_.with.connections_max)
        turn_away(client);
      else
        take(std::move(client));
    }
  }

  void take(stream_socket client) {
    client.non_blocking(true);
    if (state_.with.at.unix_path.empty()) {
      boost::system::error_code ec;
      client.set_option(asio::ip::tcp::no_delay{true}, ec);
    }
    serve(std::move(client), tls_ ? &*tls_ : nullptr, state_, live_);
  }

  // One answer that fits any send buffer; nothing is waited for.
  void turn_away(stream_socket& client) const {
    if (tls_)
      return;
    static constexpr std::string_view text =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
      "Retry-After: 1\r\nConnection: close\r\n\r\n";
    (void) ::send(client.native_handle(), text.data(), text.size(),
                  MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  service_state state_; ///< Of the I/O thread, once it runs.
  const bool guarded_;
  asio::io_context io_{1};
  asio::thread_pool handlers_;
  acceptor acceptor_;
  std::optional<asio::ssl::context> tls_;
  service_connections live_;
  bool stopping_ = false; ///< Of the I/O thread, as `live_`.
  std::uint16_t port_;
  std::thread thread_;
};

} // namespace

std::string_view service_request::get(std::string_view field) const noexcept {
  for (auto& [name, value] : fields)
    if (same_name(name, field))
      return value;
  return {};
}

service_response to_response(unsigned status, const error& x,
                             std::string_view here) {
  auto made = to_problem(status, x, application::error_shape::problem, here);
  service_response out;
  out.status = made.status;
  out.type = std::move(made.type);
  out.body = std::move(made.body);
  out.fields = std::move(made.fields);
  return out;
}

service_response to_response(const error& x, std::string_view here) {
  return to_response(describe(x.code).status, x, here);
}

result<void> service::check(const site::admin_endpoint& at) {
  if (auto files = read_files(at, true); !files)
    return files.error();
  return {};
}

result<std::unique_ptr<service>> service::start(service_settings with) {
  auto guarded = std::any_of(with.routes.begin(), with.routes.end(),
                             [](auto& x) { return x.needs_token; });
  auto files = read_files(with.at, guarded);
  if (!files)
    return files.error();
  auto at = listen_at(with.at);
  if (!at)
    return at.error();
  if (files->token && !files->tls && !at->loopback) {
    ::close(at->fd);
    return error{errc::bad_config,
                 "a token would cross the network in the clear", "", "listen",
                 "set admin.tls, or listen on 127.0.0.1"};
  }
  return std::unique_ptr<service>{
    std::make_unique<service_impl>(std::move(with), *at, std::move(*files))};
}

} // namespace cheops::http
