#include "http/client.hpp"

#include "cheops/names.hpp"
#include "cheops/text.hpp"
#include "http/answer.hpp"
#include "http/identity.hpp"
#include "http/text.hpp"
#include "http/url.hpp"
#include "http/wire.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>
#include <optional>
#include <span>
#include <vector>

namespace cheops::http {

namespace {

namespace bh = boost::beast::http;
using steady = std::chrono::steady_clock;

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::uint32_t head_bytes_max = 256 * 1024;
constexpr unsigned interim_max = 16; ///< Answers 1xx before the real one.

error failure(errc code, std::string what, std::string step) {
  return {code, std::move(what), "", std::move(step), ""};
}

bool is_value(std::string_view x) {
  return std::none_of(x.begin(), x.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

bool may_repeat(const client_request& x) {
  static constexpr std::array<std::string_view, 6> idempotent{
    "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}; // RFC 9110, 9.2.2.
  return !x.source
         && std::find(idempotent.begin(), idempotent.end(), x.method)
              != idempotent.end();
}

bool has_body(const client_request& x) {
  return x.source || !x.body.empty() || x.method == "POST" || x.method == "PUT"
         || x.method == "PATCH";
}

// The request's head, or what is wrong with it.
result<std::string> make_head(const client_request& what, const url& to,
                              bool keep) {
  if (!is_token(what.method) || what.method == "CONNECT")
    return failure(errc::bad_request,
                   clean_utf8(what.method, 64) + ": no method of this client",
                   "write request");
  std::string fields;
  bool host = false, agent = false;
  for (auto& [name, value] : what.fields) {
    if (!is_token(name) || !is_value(value))
      return failure(errc::bad_request,
                     clean_utf8(name, 64)
                       + ": a field's name or value has a character that it "
                         "cannot have",
                     "write request");
    if (same_name(name, "Content-Length")
        || same_name(name, "Transfer-Encoding"))
      return failure(errc::bad_request, name + ": is set by the client itself",
                     "write request");
    host = host || same_name(name, "Host");
    agent = agent || same_name(name, "User-Agent");
    fields.append(name).append(": ").append(value).append("\r\n");
  }
  auto out = what.method + ' ' + to.target + " HTTP/1.1\r\n";
  if (!host)
    out += "Host: " + to.authority + "\r\n";
  if (!agent)
    out += "User-Agent: cheops\r\n";
  out += fields;
  if (!keep)
    out += "Connection: close\r\n";
  if (what.source && !what.source_bytes)
    out += "Transfer-Encoding: chunked\r\n";
  else if (has_body(what))
    out += "Content-Length: "
           + std::to_string(what.source ? *what.source_bytes : what.body.size())
           + "\r\n";
  return out + "\r\n";
}

/// One request and its answer on an open connection.
class exchange {
public:
  exchange(wire& on, const client_request& what, std::vector<char>& buffer)
    : on_(on), what_(what), buffer_(buffer) {
    renew();
  }

  result<client_response> run(const std::string& head) {
    if (auto sent = send_all(head); !sent)
      return sent.error();
    while (!answered()) {
      if (auto moved = receive(head_until_); !moved)
        return moved.error();
    }
    while (!complete()) {
      if (auto moved = receive(next()); !moved)
        return moved.error();
    }
    return std::move(parser_->response);
  }

  /// Whether the connection can take another request.
  [[nodiscard]] bool reusable() const {
    return sent_all_ && parser_->is_done() && parser_->keep_alive()
           && parser_->response.status != 101 && held_ == 0;
  }
  /// Whether any byte of an answer has come.
  [[nodiscard]] bool heard() const { return heard_; }

private:
  [[nodiscard]] deadline next() const { return steady::now() + what_.timeout; }
  [[nodiscard]] bool answered() const { return parser_->is_header_done(); }
  [[nodiscard]] bool complete() const {
    return parser_->is_done()
           || parser_->ended() == answer_parser::end::stopped;
  }

  void renew() {
    parser_.emplace(what_);
    parser_->header_limit(head_bytes_max);
    parser_->body_limit(boost::none);
    parser_->eager(true);
    parser_->skip(what_.method == "HEAD");
  }

  result<void> send_all(const std::string& head) {
    auto sent = head.size() + what_.body.size() <= piece_bytes && !what_.source
                  ? send(head + what_.body) // One packet where it fits.
                  : send_pieces(head);
    if (!sent)
      return sent.error();
    sent_all_ = *sent;
    head_until_ = next();
    return {};
  }

  result<bool> send_pieces(const std::string& head) {
    auto sent = send(head);
    if (!sent || !*sent)
      return sent;
    return what_.source ? send_source() : send(what_.body);
  }

  result<bool> send_source() {
    auto chunked = !what_.source_bytes;
    auto left = what_.source_bytes.value_or(0);
    std::string piece;
    for (;;) {
      constexpr std::size_t before = 10; // "ffffffff\r\n"
      piece.resize(before + piece_bytes + 2);
      auto room =
        chunked ? piece_bytes : std::min<std::uint64_t>(piece_bytes, left);
      auto n = room == 0 ? 0 : what_.source(piece.data() + before, room);
      assert(n <= room);
      if (n == 0)
        break;
      left -= chunked ? 0 : n;
      std::string_view data{piece.data() + before, n};
      if (chunked) {
        std::array<char, 16> size{};
        auto digits = static_cast<std::size_t>(
          std::snprintf(size.data(), size.size(), "%zx\r\n", n));
        auto from = before - digits;
        std::copy_n(size.data(), digits, piece.data() + from);
        piece[before + n] = '\r';
        piece[before + n + 1] = '\n';
        data = {piece.data() + from, digits + n + 2};
      }
      auto sent = send(data);
      if (!sent || !*sent)
        return sent;
    }
    if (left != 0)
      return failure(errc::bad_request, "the body is shorter than it said",
                     "send body");
    return chunked ? send("0\r\n\r\n") : result<bool>{true};
  }

  // False: the answer has come before all was sent. Where sending fails the
  // answer may still lie in our buffers: the reader finds out.
  result<bool> send(std::string_view data) {
    while (!data.empty()) {
      auto out = on_.write(data);
      if (out.what == wire::state::moved) {
        data.remove_prefix(out.bytes);
        continue;
      }
      if (out.what != wire::state::blocked)
        return false;
      auto happened = on_.wait(next(), true);
      if (happened == wire::event::late)
        return failure(errc::timed_out, "the server takes no more",
                       "send request");
      if (happened != wire::event::readable)
        continue;
      if (auto moved = receive(steady::time_point::min()); !moved)
        return moved.error();
      if (answered())
        return false;
    }
    return true;
  }

  // Reads once and parses; waits until the deadline if nothing is there (its
  // minimum: does not wait).
  result<void> receive(deadline until) {
    for (;;) {
      auto in = on_.read(std::span{buffer_}.subspan(held_));
      switch (in.what) {
      case wire::state::moved:
        heard_ = true;
        held_ += in.bytes;
        return parse();
      case wire::state::ended:
        return finish();
      case wire::state::failed:
        return failure(errc::broken, on_.why(), step());
      case wire::state::blocked:
        break;
      }
      if (until == steady::time_point::min())
        return {};
      if (on_.wait(until, false) == wire::event::late)
        return failure(errc::timed_out,
                       "nothing came for "
                         + std::to_string(what_.timeout.count()) + " ms",
                       step());
    }
  }

  // What the parser leaves (it wants heads and lines whole) stays in front.
  result<void> parse() {
    std::size_t used = 0;
    while (used < held_ && !complete()) {
      boost::system::error_code ec;
      used += parser_->put(
        boost::asio::const_buffer{buffer_.data() + used, held_ - used}, ec);
      if (ec == bh::error::need_more)
        break;
      if (ec)
        return refused(ec);
      if (parser_->is_done() && parser_->interim()) {
        if (++interims_ > interim_max)
          return failure(errc::broken, "too many answers 1xx", step());
        renew();
      }
    }
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(used),
              buffer_.begin() + static_cast<std::ptrdiff_t>(held_),
              buffer_.begin());
    held_ -= used;
    if (held_ == buffer_.size()) // Bounded by the parser's limit on heads.
      buffer_.resize(buffer_.size() * 2);
    return {};
  }

  result<void> refused(const boost::system::error_code& ec) {
    switch (parser_->ended()) {
    case answer_parser::end::stopped:
      return {};
    case answer_parser::end::too_large:
      return failure(errc::too_large,
                     "the answer is over "
                       + std::to_string(what_.body_bytes_max) + " bytes",
                     step());
    case answer_parser::end::none:
      break;
    }
    return failure(errc::broken, "not HTTP/1.1: " + ec.message(), step());
  }

  // The server has closed.
  result<void> finish() {
    boost::system::error_code ec;
    if (answered())
      parser_->put_eof(ec);
    if (answered() && !ec && complete())
      return {};
    return failure(errc::broken, "the server closed the connection", step());
  }

  [[nodiscard]] std::string step() const {
    return answered() ? "read answer's body" : "read answer";
  }

  wire& on_;
  const client_request& what_;
  std::optional<answer_parser> parser_;
  std::vector<char>& buffer_;
  std::size_t held_ = 0; ///< Bytes in its front that are not parsed yet.
  deadline head_until_{};
  unsigned interims_ = 0;
  bool heard_ = false;
  bool sent_all_ = false;
};

// What must be the same for a connection to be used again.
std::string origin_of(const client_request& x, const url& to) {
  std::string out = to.tls ? "s" : "p";
  for (auto& part :
       {to.host, std::to_string(to.port), to.unix_path, x.tls.certificate,
        x.tls.key, x.tls.ca, x.tls.crl, std::string{x.verify ? "v" : "-"}})
    out += part + '\n';
  return out;
}

} // namespace

// -- answer_parser ------------------------------------------------------------

answer_parser::answer_parser(const client_request& to) : request_(to) {}

void answer_parser::on_response_impl(int code, text reason, int, error_code&) {
  response.status = static_cast<unsigned>(code);
  response.reason = std::string{reason};
}

void answer_parser::on_field_impl(bh::field, text name, text value,
                                  error_code&) {
  response.fields.emplace_back(std::string{name}, std::string{value});
}

std::size_t answer_parser::take(text piece, error_code& ec) {
  if (request_.sink) {
    if (!request_.sink({piece.data(), piece.size()})) {
      end_ = end::stopped;
      ec = bh::error::body_limit;
    }
  } else if (response.body.size() + piece.size() > request_.body_bytes_max) {
    end_ = end::too_large;
    ec = bh::error::body_limit;
  } else {
    response.body.append(piece.data(), piece.size());
  }
  return piece.size();
}

// -- client -------------------------------------------------------------------

std::string_view client_response::get(std::string_view name) const noexcept {
  for (auto& [key, value] : fields)
    if (same_name(key, name))
      return value;
  return {};
}

struct connection::impl {
  std::unique_ptr<wire> on;
  std::string origin; ///< Of `on`, or of the context.
  ssl_context tls;
  std::vector<char> buffer = std::vector<char>(piece_bytes);

  result<client_response> fetch(const client_request& what, bool keep) {
    auto to = parse_url(what.url);
    if (!to)
      return to.error();
    auto head = make_head(what, *to, keep);
    if (!head)
      return head.error();
    if (!what.token_file.empty()) {
      auto token = read_bearer(what.token_file);
      if (!token)
        return token.error();
      // Before the empty line.
      head->insert(head->size() - 2,
                   "Authorization: Bearer " + *token + "\r\n");
    }
    auto key = origin_of(what, *to);
    if (key != origin) {
      on.reset();
      tls.reset();
      origin = std::move(key);
    }
    auto reused = on != nullptr && on->idle();
    if (!reused)
      if (auto opened = open(what, *to); !opened)
        return opened.error();
    bool heard = false;
    auto got = run(what, *head, heard);
    if (got || !reused || heard || got.error().code != errc::broken
        || !may_repeat(what))
      return got;
    if (auto opened = open(what, *to); !opened)
      return opened.error();
    return run(what, *head, heard);
  }

  result<void> open(const client_request& what, const url& to) {
    on.reset();
    if (to.tls && !tls) {
      auto made = client_context(what.tls, what.verify);
      if (!made)
        return made.error();
      tls = *made;
    }
    auto opened =
      wire::open(to, tls, what.verify, steady::now() + what.timeout);
    if (!opened)
      return opened.error();
    on = std::move(*opened);
    return {};
  }

  result<client_response> run(const client_request& what,
                              const std::string& head, bool& heard) {
    exchange x{*on, what, buffer};
    auto got = x.run(head);
    heard = x.heard();
    if (!got || !x.reusable())
      on.reset();
    return got;
  }
};

connection::connection() : impl_(std::make_unique<impl>()) {}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

result<client_response> connection::fetch(const client_request& what) {
  return impl_->fetch(what, true);
}

result<client_response> fetch(const client_request& what) {
  connection::impl once;
  return once.fetch(what, false);
}

} // namespace cheops::http
