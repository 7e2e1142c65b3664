#include "http/service.hpp"

#include "http/listen.hpp"
#include "http/problem.hpp"
#include "http/routes.hpp"
#include "http/text.hpp"
#include "http/tls.hpp"

#include <boost/asio.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ctime>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace cheops::http {

namespace {

namespace asio = boost::asio;
namespace bh = boost::beast::http;
using namespace std::chrono_literals;
using asio::awaitable;
using stream_socket = asio::generic::stream_protocol::socket;
using acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t token_bytes_min = 16;

// -- what a request must fulfil
// ------------------------------------------------

digest digest_of(std::string_view x) {
  digest out{};
  SHA256(reinterpret_cast<const unsigned char*>(x.data()), x.size(),
         out.data());
  return out;
}

// Tokens are compared by their digests: neither length nor content shows in
// the time that it takes.
bool same_token(std::string_view given, const digest& wanted) {
  auto x = digest_of(given);
  return CRYPTO_memcmp(x.data(), wanted.data(), wanted.size()) == 0;
}

result<digest> read_token(const std::string& file) {
  std::ifstream in{file};
  std::ostringstream all;
  if (!in || !(all << in.rdbuf()))
    return error{errc::bad_config, file + ": cannot be read", "",
                 "read token file", ""};
  auto text = all.str();
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  if (text.size() < token_bytes_min)
    return error{errc::bad_config,
                 file + ": a token has at least 16 characters", "",
                 "read token file", "make one: openssl rand -hex 32"};
  return digest_of(text);
}

std::string_view host_part(std::string_view host) {
  if (host.starts_with('['))
    return host.substr(1, host.find(']') == host.npos ? host.npos
                                                      : host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_literal(std::string_view host) {
  in6_addr scratch;
  std::string text{host};
  return inet_pton(AF_INET, text.c_str(), &scratch) == 1
         || inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

// "application/json; charset=utf-8" is application/json.
bool same_type(std::string_view given, std::string_view wanted) {
  given = given.substr(0, given.find(';'));
  while (given.ends_with(' ') || given.ends_with('\t'))
    given.remove_suffix(1);
  return same_text(given, wanted);
}

std::string http_date() {
  auto now = std::time(nullptr);
  std::tm broken{};
  gmtime_r(&now, &broken);
  std::array<char, 40> out{};
  auto length =
    std::strftime(out.data(), out.size(), "%a, %d %b %Y %H:%M:%S GMT", &broken);
  return {out.data(), length};
}

service_response plain_problem(unsigned status, errc code, std::string what,
                               std::string hint = {}) {
  auto out = to_response(status, {code, std::move(what), "", "", hint}, "");
  // Not an error of a node: `Cheops-Error` would say so.
  std::erase_if(out.fields,
                [](auto& x) { return x.first.starts_with("Cheops-"); });
  return out;
}

bool has_no_body(unsigned status) {
  return status / 100 == 1 || status == 204 || status == 304;
}

/// What all connections of a service share; nothing of it changes.
struct shared_state {
  service_settings with;
  routes known;
  std::optional<digest> token; ///< Unset: nobody needs one.
  asio::thread_pool* handlers = nullptr;
};

service_response run_handler(const route& of, const service_request& in) {
  try {
    return of.run(in);
  } catch (const std::exception& x) {
    spdlog::error("{} {}: {}", in.method, of.path, x.what());
    return plain_problem(500, errc::io, "this endpoint failed");
  }
}

class closable {
public:
  virtual ~closable() = default;
  virtual void close() = 0;
};
using live_connections = std::set<closable*>;

// -- a connection
// --------------------------------------------------------------

/// One connection; everything but handlers runs on the service's I/O thread.
template <class Stream>
class session final : public closable,
                      public std::enable_shared_from_this<session<Stream>> {
public:
  session(Stream stream, const shared_state& state, live_connections& live)
    : stream_(std::move(stream)),
      timer_(stream_.get_executor()),
      state_(state),
      live_(live),
      input_(read_bytes) {
    live_.insert(this);
  }
  ~session() override { live_.erase(this); }

  void start() {
    asio::co_spawn(
      stream_.get_executor(),
      [self = this->shared_from_this()] { return self->run(); },
      asio::detached);
  }

  void close() override {
    boost::system::error_code ec;
    stream_.lowest_layer().close(ec);
    timer_.cancel();
    closed_ = true;
  }

private:
  using parser = bh::request_parser<bh::string_body>;

  awaitable<void> run() {
    if constexpr (!std::is_same_v<Stream, stream_socket>) {
      arm(state_.with.header);
      auto [ec] = co_await stream_.async_handshake(
        asio::ssl::stream_base::server, as_result);
      disarm();
      if (ec)
        co_return;
    }
    // An await stands alone everywhere here: within && and || g++ 12 frees
    // the awaited coroutine too early.
    for (bool more = true; more && !closed_;)
      more = co_await exchange();
    co_await say_goodbye();
  }

  // One request and its answer; false: the connection ends.
  awaitable<bool> exchange() {
    parser in;
    in.header_limit(static_cast<std::uint32_t>(state_.with.header_bytes_max));
    in.body_limit(state_.with.body_bytes_max);
    if (held_ == 0) {
      auto came = co_await read(state_.with.idle);
      if (!came)
        co_return false; // Idle for too long, or gone.
    }
    auto limit = std::chrono::steady_clock::now() + state_.with.header;
    while (!in.is_header_done()) {
      auto bad = parse(in);
      if (bad)
        co_return co_await refuse(*bad);
      if (in.is_header_done())
        break;
      auto left = limit - std::chrono::steady_clock::now();
      auto came = co_await read(left);
      if (came)
        continue;
      if (!late_)
        co_return false;
      co_return co_await refuse(plain_problem(
        408, errc::timed_out, "the request's head did not come in time"));
    }
    service_request asked;
    routes::match to;
    auto refusal = check(in, asked, to);
    if (!refusal)
      refusal = co_await read_body(in);
    if (refusal)
      co_return co_await refuse(*refusal, in.get().method() == bh::verb::head);
    asked.body = std::move(in.get().body());
    auto head = asked.method == "HEAD";
    auto keep = in.get().keep_alive();
    auto old = in.get().version() < 11;
    auto out = co_await handle(*to.found, asked);
    co_return co_await reply(out, head, keep, old);
  }

  // Feeds the parser with what is held; what it leaves stays.
  std::optional<service_response> parse(parser& in) {
    std::size_t used = 0;
    boost::system::error_code ec;
    while (used < held_ && !in.is_done() && !ec) {
      auto header_was_done = in.is_header_done();
      used +=
        in.put(asio::const_buffer{input_.data() + used, held_ - used}, ec);
      if (!header_was_done && in.is_header_done())
        break; // The body is read when we know that we want it.
    }
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(used),
              input_.begin() + static_cast<std::ptrdiff_t>(held_),
              input_.begin());
    held_ -= used;
    if (held_ == input_.size()) // Bounded by the limit on heads.
      input_.resize(2 * input_.size());
    if (!ec || ec == bh::error::need_more)
      return {};
    if (ec == bh::error::header_limit)
      return plain_problem(431, errc::too_large,
                           "the head is over "
                             + std::to_string(state_.with.header_bytes_max)
                             + " bytes");
    if (ec == bh::error::body_limit)
      return plain_problem(413, errc::too_large,
                           "the body is over "
                             + std::to_string(state_.with.body_bytes_max)
                             + " bytes");
    return plain_problem(400, errc::bad_request, ec.message());
  }

  // Everything that a head alone can be refused for.
  std::optional<service_response> check(const parser& in, service_request& out,
                                        routes::match& to) const {
    auto& head = in.get();
    if (auto bad = check_framing(head))
      return bad;
    out.method = std::string{head.method_string()};
    for (auto& x : head)
      out.fields.emplace_back(std::string{x.name_string()},
                              std::string{x.value()});
    if (state_.with.check_host && !good_host(out.get("Host")))
      return plain_problem(403, errc::forbidden,
                           "the Host field names another host",
                           "use the address that is listened on");
    std::string target{head.target()};
    if (!state_.known.find(target, out, to))
      return plain_problem(400, errc::bad_request, "the target is malformed");
    if (to.found == nullptr && to.allow.empty())
      return plain_problem(404, errc::bad_request,
                           "there is nothing at " + clean_utf8(out.path, 256));
    if (to.found == nullptr) {
      auto refused = plain_problem(405, errc::bad_request,
                                   "this path has the methods " + to.allow);
      refused.fields.emplace_back("Allow", to.allow);
      return refused;
    }
    if (state_.token && to.found->needs_token && !good_token(out)) {
      auto refused =
        plain_problem(401, errc::forbidden, "a bearer token is needed",
                      "see admin.token_file");
      refused.fields.emplace_back("WWW-Authenticate", "Bearer");
      return refused;
    }
    auto type = out.get("Content-Type");
    if (!type.empty() && !to.found->takes.empty()
        && !same_type(type, to.found->takes))
      return plain_problem(415, errc::bad_request,
                           "the body's type is to be " + to.found->takes);
    return {};
  }

  template <class Head>
  static std::optional<service_response> check_framing(const Head& head) {
    auto hosts = head.count(bh::field::host);
    if (hosts > 1 || (hosts == 0 && head.version() == 11))
      return plain_problem(400, errc::bad_request,
                           "a request has one Host field");
    if (head.version() != 11 && head.version() != 10)
      return plain_problem(505, errc::bad_request, "HTTP/1.1 is spoken here");
    auto encodings = head.count(bh::field::transfer_encoding);
    if (encodings == 0)
      return {};
    std::string_view encoding{head[bh::field::transfer_encoding].data(),
                              head[bh::field::transfer_encoding].size()};
    if (encodings > 1 || !same_text(encoding, "chunked") || head.version() == 10
        || head.count(bh::field::content_length) != 0)
      return plain_problem(400, errc::bad_request,
                           "the body's framing is ambiguous");
    return {};
  }

  [[nodiscard]] bool good_host(std::string_view host) const {
    if (!state_.with.at.unix_path.empty())
      return true; // No browser gets there.
    auto name = host_part(host);
    return is_literal(name) || same_text(name, "localhost")
           || same_text(name, state_.with.at.listen->host);
  }

  [[nodiscard]] bool good_token(const service_request& in) const {
    auto given = in.get("Authorization");
    constexpr std::string_view scheme = "Bearer ";
    return given.size() > scheme.size()
           && same_text(given.substr(0, scheme.size()), scheme)
           && same_token(given.substr(scheme.size()), *state_.token);
  }

  awaitable<std::optional<service_response>> read_body(parser& in) {
    std::string_view expect{in.get()[bh::field::expect].data(),
                            in.get()[bh::field::expect].size()};
    if (!in.is_done() && held_ == 0 && same_text(expect, "100-continue")) {
      auto sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      if (!sent)
        co_return plain_problem(408, errc::timed_out, "no body came");
    }
    in.eager(true);
    auto needs_more = held_ == 0;
    while (!in.is_done()) {
      if (needs_more) {
        auto came = co_await read(state_.with.idle);
        if (!came)
          co_return plain_problem(408, errc::timed_out,
                                  "the request's body did not come in time");
      }
      if (auto bad = parse(in))
        co_return bad;
      needs_more = true;
    }
    co_return std::nullopt;
  }

  awaitable<service_response> handle(const route& of,
                                     const service_request& in) {
    co_return co_await asio::co_spawn(
      *state_.handlers,
      [](const route& r, const service_request& q)
        -> awaitable<service_response> { co_return run_handler(r, q); }(of, in),
      asio::use_awaitable);
  }

  awaitable<bool> refuse(service_response out, bool head = false) {
    co_return co_await reply(out, head, false, false);
  }

  // `old`: HTTP/1.0 knows no chunks. True: another request may come.
  awaitable<bool> reply(const service_response& out, bool head, bool keep,
                        bool old) {
    keep = keep && !(out.stream && old);
    auto text = make_head(out, keep, old);
    if (!out.stream && !head && !has_no_body(out.status))
      text += out.body;
    auto sent = co_await write(text);
    if (sent && out.stream && !head)
      sent = co_await reply_stream(out, old);
    co_return sent&& keep;
  }

  static std::string make_head(const service_response& out, bool keep,
                               bool old) {
    auto phrase = reason_phrase(out.status);
    auto text = "HTTP/1.1 " + std::to_string(out.status) + ' '
                + std::string{phrase} + "\r\nDate: " + http_date() + "\r\n";
    if (!has_no_body(out.status)) {
      if (!out.type.empty())
        text += "Content-Type: " + clean_field(out.type, 256) + "\r\n";
      if (!out.stream)
        text += "Content-Length: " + std::to_string(out.body.size()) + "\r\n";
      else if (!old)
        text += "Transfer-Encoding: chunked\r\n";
    }
    text += "X-Content-Type-Options: nosniff\r\n";
    for (auto& [name, value] : out.fields)
      text += name + ": " + clean_field(value, 16 * 1024) + "\r\n";
    if (!keep)
      text += "Connection: close\r\n";
    else if (old)
      text += "Connection: keep-alive\r\n";
    return text + "\r\n";
  }

  awaitable<bool> reply_stream(const service_response& out, bool old) {
    std::string piece;
    while (!closed_) {
      piece.clear();
      auto more = co_await asio::co_spawn(
        *state_.handlers,
        [](const service_response& r, std::string& to) -> awaitable<bool> {
          co_return next_piece(r, to);
        }(out, piece),
        asio::use_awaitable);
      std::string text;
      if (!piece.empty())
        text = old ? piece : chunk_of(piece);
      if (!more && !old)
        text += "0\r\n\r\n";
      auto good = true;
      if (!text.empty())
        good = co_await write(text);
      else if (more)
        good = co_await pause();
      if (!good || !more)
        co_return good;
    }
    co_return false;
  }

  static bool next_piece(const service_response& from, std::string& to) {
    try {
      return from.stream(to);
    } catch (const std::exception& x) {
      spdlog::error("a streamed answer failed: {}", x.what());
      return false;
    }
  }

  static std::string chunk_of(const std::string& piece) {
    std::array<char, 20> size{};
    auto n = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    std::string out;
    out.reserve(piece.size() + 24);
    out.append(size.data(), static_cast<std::size_t>(n));
    out += piece;
    return out += "\r\n";
  }

  // False: the client has gone. What it sends meanwhile is kept.
  awaitable<bool> pause() {
    timer_.expires_after(100ms);
    co_await timer_.async_wait(as_result);
    if (closed_)
      co_return false;
    char byte = 0;
    auto fd = stream_.lowest_layer().native_handle();
    auto n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    co_return n > 0 || (n < 0 && errno == EAGAIN);
  }

  // Reads once behind what is held. False: late_, or the client has gone.
  awaitable<bool> read(std::chrono::steady_clock::duration within) {
    arm(within);
    auto [ec, n] = co_await stream_.async_read_some(
      asio::buffer(input_.data() + held_, input_.size() - held_), as_result);
    disarm();
    held_ += n;
    co_return !ec;
  }

  awaitable<bool> write(std::string_view text) {
    arm(state_.with.idle);
    auto [ec, n] = co_await asio::async_write(
      stream_, asio::buffer(text.data(), text.size()), as_result);
    disarm();
    co_return !ec;
  }

  awaitable<void> say_goodbye() {
    boost::system::error_code ec;
    if constexpr (!std::is_same_v<Stream, stream_socket>) {
      if (closed_)
        co_return;
      arm(1s);
      co_await stream_.async_shutdown(as_result);
      disarm();
    }
    stream_.lowest_layer().shutdown(asio::socket_base::shutdown_send, ec);
    // A client that still sends would get a reset instead of our answer.
    arm(1s);
    for (std::size_t total = 0; total < 1024 * 1024 && !closed_;) {
      auto [failed, n] =
        co_await raw().async_read_some(asio::buffer(input_), as_result);
      if (failed)
        break;
      total += n;
    }
    disarm();
  }

  // Cancels what is running after that time. A timer may have ended just
  // before what it guards: it must not hit what comes next.
  void arm(std::chrono::steady_clock::duration within) {
    late_ = false;
    timer_.expires_after(within);
    timer_.async_wait([self = this->shared_from_this(),
                       mine = ++armed_](boost::system::error_code ec) {
      if (ec || self->armed_ != mine)
        return;
      self->late_ = true;
      self->stream_.lowest_layer().cancel(ec);
    });
  }
  void disarm() {
    ++armed_;
    timer_.cancel();
  }

  stream_socket& raw() {
    if constexpr (std::is_same_v<Stream, stream_socket>)
      return stream_;
    else
      return stream_.next_layer();
  }

  Stream stream_;
  asio::steady_timer timer_;
  const shared_state& state_;
  live_connections& live_;
  std::vector<char> input_;
  std::size_t held_ = 0; ///< Bytes in its front that are not parsed yet.
  std::uint64_t armed_ = 0;
  bool late_ = false;
  bool closed_ = false;
};

// -- the service
// ---------------------------------------------------------------

class service_impl final : public service {
public:
  service_impl(service_settings with, listening at, std::optional<digest> token,
               ssl_context tls)
    : state_{with, routes{std::move(with.routes)}, token, nullptr},
      handlers_(std::max(1U, with.threads)),
      acceptor_(io_, asio::generic::stream_protocol{at.family, 0}, at.fd),
      port_(at.port) {
    state_.handlers = &handlers_;
    state_.with.routes.clear(); // They are in `known`.
    if (tls) {
      SSL_CTX_up_ref(tls.get());
      tls_.emplace(tls.get()); // Takes that reference.
    }
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

private:
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
    if (tls_)
      std::make_shared<session<asio::ssl::stream<stream_socket>>>(
        asio::ssl::stream<stream_socket>{std::move(client), *tls_}, state_,
        live_)
        ->start();
    else
      std::make_shared<session<stream_socket>>(std::move(client), state_, live_)
        ->start();
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

  shared_state state_;
  asio::io_context io_{1};
  asio::thread_pool handlers_;
  acceptor acceptor_;
  std::optional<asio::ssl::context> tls_;
  live_connections live_;
  bool stopping_ = false; ///< Of the I/O thread, as `live_`.
  std::uint16_t port_;
  std::thread thread_;
};

} // namespace

std::string_view service_request::get(std::string_view field) const noexcept {
  for (auto& [name, value] : fields)
    if (same_text(name, field))
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

result<std::unique_ptr<service>> service::start(service_settings with) {
  auto guarded = std::any_of(with.routes.begin(), with.routes.end(),
                             [](auto& x) { return x.needs_token; });
  auto on_tcp = with.at.unix_path.empty();
  std::optional<digest> token;
  if (on_tcp && guarded) {
    if (with.at.token_file.empty())
      return error{errc::bad_config,
                   "an admin endpoint on TCP needs a token file", "", "listen",
                   "set admin.token_file, or use admin.unix"};
    auto read = read_token(with.at.token_file);
    if (!read)
      return read.error();
    token = *read;
  }
  ssl_context tls;
  if (on_tcp && !with.at.tls.empty()) {
    auto made = front_context(with.at.tls);
    if (!made)
      return made.error();
    tls = *made;
  }
  auto at = listen_at(with.at);
  if (!at)
    return at.error();
  if (token && !tls && !at->loopback) {
    ::close(at->fd);
    return error{errc::bad_config,
                 "a token would cross the network in the clear", "", "listen",
                 "set admin.tls, or listen on 127.0.0.1"};
  }
  return std::unique_ptr<service>{std::make_unique<service_impl>(
    std::move(with), *at, token, std::move(tls))};
}

} // namespace cheops::http
