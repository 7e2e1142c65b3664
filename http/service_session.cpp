#include "http/service_session.hpp"

#include "cheops/names.hpp"
#include "http/head.hpp"
#include "http/problem.hpp"
#include "http/text.hpp"

#include <boost/asio.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <spdlog/spdlog.h>

#include <array>

namespace cheops::http {

namespace {

namespace asio = boost::asio;
namespace bh = boost::beast::http;
using namespace std::chrono_literals;
using asio::awaitable;
using stream_socket = asio::generic::stream_protocol::socket;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_bytes = 16 * 1024;

bool has_no_body(unsigned status) {
  return status / 100 == 1 || status == 204 || status == 304;
}

service_response run_handler(const service_state& state, const route& of,
                             const service_request& in) {
  try {
    return of.run(in);
  } catch (const std::exception& x) {
    spdlog::error("{} {}: {}", in.method, of.path, x.what());
    return refused_by(state, 500, errc::io, "this endpoint failed",
                      "see the log", "answer");
  }
}

/// One connection; everything but handlers runs on the service's I/O thread.
template <class Stream>
class session final : public service_connection,
                      public std::enable_shared_from_this<session<Stream>> {
public:
  session(Stream stream, const service_state& state, service_connections& live)
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
    // `read_head` has the smaller one.
    in.header_limit(
      static_cast<std::uint32_t>(2 * state_.with.header_bytes_max));
    in.body_limit(state_.with.body_bytes_max);
    if (held_ == 0) {
      auto came = co_await read(state_.with.idle);
      if (!came)
        co_return false; // Idle for too long, or gone.
    }
    auto refusal = co_await read_head();
    if (!refusal && !gone_)
      refusal = parse(in); // The head, and nothing behind it.
    if (gone_)
      co_return false;
    if (refusal)
      co_return co_await refuse(*refusal);
    service_request asked;
    routes::match to;
    refusal = objection(in.get(), state_, asked, to);
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

  // Waits for a whole head that is as strict as those of the proxy: Beast
  // reads what it is then given, but takes more than we do.
  awaitable<std::optional<service_response>> read_head() {
    site::limits most;
    most.header_bytes =
      static_cast<std::uint32_t>(state_.with.header_bytes_max);
    head_reader head{side::request};
    auto limit = std::chrono::steady_clock::now() + state_.with.header;
    for (;;) {
      auto got = head.read({input_.data(), held_}, most);
      if (got == head_reader::outcome::refused)
        co_return head_problem(head.why(), most);
      if (got == head_reader::outcome::complete)
        break;
      make_room();
      auto left = limit - std::chrono::steady_clock::now();
      auto came = co_await read(left);
      if (came)
        continue;
      gone_ = !late_;
      co_return too_late("the request's head did not come in time");
    }
    consume(head.skipped());
    co_return std::nullopt;
  }

  [[nodiscard]] service_response head_problem(const defect& why,
                                              const site::limits& most) const {
    if (why.why == refusal::header_too_large)
      return refused_by(state_, why.status, errc::too_large,
                        "the head is over " + std::to_string(most.header_bytes)
                          + " bytes",
                        "send fewer or shorter fields");
    return refused_by(state_, why.status, errc::bad_request,
                      std::string{why.what}, "correct the request");
  }

  [[nodiscard]] service_response too_late(const char* what) const {
    return refused_by(state_, 408, errc::timed_out, what,
                      "send the request again");
  }

  void consume(std::size_t n) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(n),
              input_.begin() + static_cast<std::ptrdiff_t>(held_),
              input_.begin());
    held_ -= n;
  }

  // What is held is bounded by the limit on heads.
  void make_room() {
    if (held_ == input_.size())
      input_.resize(2 * input_.size());
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
    consume(used);
    make_room();
    if (!ec || ec == bh::error::need_more)
      return {};
    if (ec == bh::error::body_limit)
      return refused_by(state_, 413, errc::too_large,
                        "the body is over "
                          + std::to_string(state_.with.body_bytes_max)
                          + " bytes",
                        "send less");
    return refused_by(state_, 400, errc::bad_request, ec.message(),
                      "correct the request");
  }

  awaitable<std::optional<service_response>> read_body(parser& in) {
    std::string_view expect{in.get()[bh::field::expect].data(),
                            in.get()[bh::field::expect].size()};
    if (!in.is_done() && held_ == 0 && same_name(expect, "100-continue")) {
      auto sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      if (!sent)
        co_return too_late("no body came");
    }
    in.eager(true);
    auto needs_more = held_ == 0;
    while (!in.is_done()) {
      if (needs_more) {
        auto came = co_await read(state_.with.idle);
        if (!came)
          co_return too_late("the request's body did not come in time");
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
      [](const service_state& s, const route& r,
         const service_request& q) -> awaitable<service_response> {
        co_return run_handler(s, r, q);
      }(state_, of, in),
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
                + std::string{phrase} + "\r\n";
    append_date(text);
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
  const service_state& state_;
  service_connections& live_;
  std::vector<char> input_;
  std::size_t held_ = 0; ///< Bytes in its front that are not parsed yet.
  std::uint64_t armed_ = 0;
  bool late_ = false;
  bool closed_ = false;
  bool gone_ = false; ///< The client has left within a head.
};

} // namespace

void serve(stream_socket client, asio::ssl::context* tls,
           const service_state& state, service_connections& live) {
  if (tls != nullptr)
    std::make_shared<session<asio::ssl::stream<stream_socket>>>(
      asio::ssl::stream<stream_socket>{std::move(client), *tls}, state, live)
      ->start();
  else
    std::make_shared<session<stream_socket>>(std::move(client), state, live)
      ->start();
}

} // namespace cheops::http
