#include "http/body.hpp"

#include "cheops/names.hpp"
#include "cheops/percent.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace cheops::http {

namespace {

/// Extensions say nothing that anybody reads: all those of one body together
/// may take this much.
constexpr std::size_t extension_bytes_max = 4096;

/// RFC 9110, 6.5.1: what a head alone may say: who asks, for what, on whose
/// behalf, and how the content is to be read. A reader that merges trailers
/// into the head would take it from somebody who was not asked there.
constexpr std::array<std::string_view, 30> head_only{"age",
                                                     "authorization",
                                                     "baggage",
                                                     "cache-control",
                                                     "content-encoding",
                                                     "content-range",
                                                     "content-type",
                                                     "cookie",
                                                     "date",
                                                     "expires",
                                                     "forwarded",
                                                     "if-match",
                                                     "if-modified-since",
                                                     "if-none-match",
                                                     "if-range",
                                                     "if-unmodified-since",
                                                     "location",
                                                     "max-forwards",
                                                     "pragma",
                                                     "proxy-authenticate",
                                                     "proxy-authorization",
                                                     "range",
                                                     "retry-after",
                                                     "set-cookie",
                                                     "traceparent",
                                                     "tracestate",
                                                     "trailer",
                                                     "vary",
                                                     "www-authenticate",
                                                     "x-auth-token"};

bool may_trail(std::string_view name) noexcept {
  constexpr std::string_view forwarded = "x-forwarded-";
  return identify(name) == known::other && !begins_with_name(name, forwarded)
         && std::ranges::none_of(head_only,
                                 [&](auto x) { return same_name(name, x); });
}

} // namespace

void body_reader::start(framing of, std::uint64_t length, bool decode,
                        std::size_t trailer_bytes_max) noexcept {
  kind_ = of;
  decode_ = decode && of == framing::chunked;
  bad_ = false;
  digits_ = 0;
  left_ = length;
  extension_bytes_ = 0;
  trailer_bytes_ = 0;
  trailer_bytes_max_ = trailer_bytes_max;
  line_.clear();
  trailers_out_.clear();
  switch (of) {
  case framing::none:
    state_ = state::done;
    break;
  case framing::length:
    state_ = length > 0 ? state::data : state::done;
    break;
  case framing::chunked:
    state_ = state::size;
    left_ = 0;
    break;
  case framing::until_close:
    state_ = state::endless;
    break;
  }
}

bool body_reader::refuse(std::string_view what) noexcept {
  defect_ = {refusal::bad_chunk, 400, what};
  bad_ = true;
  return false;
}

body_reader::step body_reader::scan(char* bytes, std::size_t size) {
  step out;
  std::size_t at = 0;   // looked at
  std::size_t data = 0; // decoded
  auto looked = [&] { return decode_ ? data : at; };
  while (at < size && !bad_ && state_ != state::done) {
    if (state_ == state::endless) {
      at = size;
    } else if (state_ == state::data) {
      auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - at));
      if (decode_ && data != at)
        std::memmove(bytes + data, bytes + at, n);
      data += n;
      at += n;
      left_ -= n;
      if (left_ == 0)
        state_ = kind_ == framing::chunked ? state::data_cr : state::done;
    } else if (state_ == state::trailers) {
      out.pass = looked();
      auto n = take_trailer_bytes(bytes + at, size - at);
      out.drop = at + n - out.pass;
      out.bad = bad_;
      return out;
    } else if (framing_char(bytes[at])) {
      ++at;
    }
  }
  out.pass = looked();
  out.drop = at - out.pass;
  out.bad = bad_;
  return out;
}

bool body_reader::framing_char(char c) {
  switch (state_) {
  case state::size:
    return size_char(c);
  case state::extension:
    return extension_char(c);
  case state::size_lf:
    if (c != '\n')
      return refuse("a chunk's size line ends without CR LF");
    state_ = left_ > 0 ? state::data : state::trailers;
    digits_ = 0;
    return true;
  case state::data_cr:
    if (c != '\r')
      return refuse("a chunk is longer than its size");
    state_ = state::data_lf;
    return true;
  default:
    if (c != '\n')
      return refuse("a chunk ends without CR LF");
    state_ = state::size;
    left_ = 0;
    return true;
  }
}

bool body_reader::size_char(char c) {
  if (auto digit = hex_digit(c); digit >= 0) {
    // 15 digits: far over any body, and no overflow.
    if (++digits_ > 15)
      return refuse("a chunk's size is too large");
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    return true;
  }
  if (digits_ == 0)
    return refuse("a chunk's size is not a number");
  if (c == '\r')
    state_ = state::size_lf;
  else if (c == ';')
    state_ = state::extension;
  else
    return refuse("a chunk's size is not a number");
  return true;
}

bool body_reader::extension_char(char c) {
  if (c == '\r') {
    state_ = state::size_lf;
    return true;
  }
  if (++extension_bytes_ > extension_bytes_max)
    return refuse("the chunk extensions are too long");
  auto u = static_cast<unsigned char>(c);
  return (u >= 0x20 && u != 0x7f) || c == '\t'
         || refuse("a chunk extension holds a control character");
}

std::size_t body_reader::take_trailer_bytes(const char* bytes,
                                            std::size_t size) {
  std::size_t at = 0;
  while (at < size && !bad_ && state_ == state::trailers) {
    const auto* nl =
      static_cast<const char*>(std::memchr(bytes + at, '\n', size - at));
    auto end = nl != nullptr ? static_cast<std::size_t>(nl - bytes) + 1 : size;
    trailer_bytes_ += end - at;
    if (trailer_bytes_ > trailer_bytes_max_) {
      refuse("the trailers are over limits.header_bytes");
      break;
    }
    line_.append(bytes + at, end - at);
    at = end;
    if (nl == nullptr)
      break;
    trailer_line(line_);
    line_.clear();
  }
  return at;
}

/// Fields that mean something in a head alone are dropped, as ours are; the
/// rest passes.
bool body_reader::trailer_line(std::string_view line) {
  if (line.size() < 2 || line[line.size() - 2] != '\r')
    return refuse("a trailer line ends without CR LF");
  auto text = line.substr(0, line.size() - 2);
  if (text.empty()) {
    trailers_out_ += "\r\n";
    state_ = state::done;
    return true;
  }
  traffic::field f;
  if (!split_field(text, f, defect_)) {
    bad_ = true;
    return false;
  }
  if (may_trail(f.name))
    trailers_out_ += line;
  return true;
}

} // namespace cheops::http
