#include "http/head.hpp"

#include "cheops/names.hpp"
#include "cheops/text.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace cheops::http {

namespace {

using table = std::array<bool, 256>;

/// HTAB, SP, VCHAR, obs-text: no NUL, CR, LF, other controls, DEL.
constexpr table make_value_chars() {
  table t{};
  for (int c = 0x20; c < 0x100; ++c)
    t[c] = c != 0x7f;
  t['\t'] = true;
  return t;
}

/// Visible ASCII without "#": a fragment is never sent.
constexpr table make_target_chars() {
  table t{};
  for (int c = 0x21; c < 0x7f; ++c)
    t[c] = c != '#';
  return t;
}

/// Of reg-name and IP literals, without the brackets and the colon.
constexpr table make_host_chars() {
  auto t = token_chars;
  for (char c : std::string_view{"#^`|"})
    t[static_cast<unsigned char>(c)] = false;
  for (char c : std::string_view{"();=,"})
    t[static_cast<unsigned char>(c)] = true;
  return t;
}

constexpr table value_chars = make_value_chars();
constexpr table target_chars = make_target_chars();
constexpr table host_chars = make_host_chars();

bool only(const table& of, std::string_view x) noexcept {
  for (char c : x)
    if (!of[static_cast<unsigned char>(c)])
      return false;
  return true;
}

std::string_view moved(std::string_view x, std::ptrdiff_t by) noexcept {
  return x.data() == nullptr ? x : std::string_view{x.data() + by, x.size()};
}

bool decimal(std::string_view x, std::uint64_t& out) noexcept {
  if (x.empty() || x.size() > 18)
    return false;
  out = 0;
  for (char c : x) {
    if (c < '0' || c > '9')
      return false;
    out = out * 10 + static_cast<unsigned>(c - '0');
  }
  return true;
}

} // namespace

known identify(std::string_view n) noexcept {
  auto is = [&](std::string_view x) { return same_name(n, x); };
  switch (n.size()) {
  case 2:
    return is("te") ? known::hop_by_hop : known::other;
  case 3:
    return is("via") ? known::via : known::other;
  case 4:
    return is("host") ? known::host : is("date") ? known::date : known::other;
  case 5:
    return is("scope") ? known::ours : known::other;
  case 6:
    return is("expect") ? known::expect : known::other;
  case 7:
    if (is("upgrade"))
      return known::upgrade;
    break;
  case 9:
    if (is("forwarded") || is("x-real-ip"))
      return known::forwarded;
    break;
  case 10:
    if (is("connection"))
      return known::connection;
    if (is("keep-alive"))
      return known::hop_by_hop;
    break;
  case 12:
    if (is("max-forwards"))
      return known::max_forwards;
    break;
  case 14:
    if (is("content-length"))
      return known::content_length;
    if (is("http2-settings"))
      return known::hop_by_hop;
    break;
  case 16:
    if (is("proxy-connection"))
      return known::hop_by_hop;
    break;
  case 17:
    if (is("transfer-encoding"))
      return known::transfer_encoding;
    break;
  default:
    break;
  }
  if (n.size() >= 7 && (n[0] | 0x20) == 'c'
      && same_name(n.substr(0, 7), "cheops-"))
    return known::ours;
  constexpr std::string_view forwarded = "x-forwarded-";
  if (n.size() > forwarded.size() && (n[0] | 0x20) == 'x'
      && same_name(n.substr(0, forwarded.size()), forwarded))
    return known::forwarded;
  return known::other;
}

bool valid_host(std::string_view x) noexcept {
  std::string_view port;
  if (!x.empty() && x.front() == '[') {
    auto end = x.find(']');
    if (end == x.npos || end < 3
        || x.substr(1, end - 1).find_first_not_of("0123456789abcdefABCDEF:.")
             != x.npos)
      return false;
    port = x.substr(end + 1);
    if (!port.empty() && port.front() != ':')
      return false;
  } else {
    auto colon = x.find(':');
    auto name = x.substr(0, colon);
    if (name.empty() || !only(host_chars, name))
      return false;
    if (colon == x.npos)
      return true;
    port = x.substr(colon);
  }
  return port.size() <= 6
         && port.find_first_not_of("0123456789", port.empty() ? 0 : 1)
              == port.npos;
}

bool split_field(std::string_view line, traffic::field& out,
                 defect& why) noexcept {
  if (line.front() == ' ' || line.front() == '\t') {
    why = {refusal::obs_fold, 400, "a header line is folded"};
    return false;
  }
  std::size_t colon = 0;
  while (colon < line.size()
         && token_chars[static_cast<unsigned char>(line[colon])])
    ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    why = {refusal::bad_syntax, 400, "a header field's name is not a token"};
    return false;
  }
  auto value = line.substr(colon + 1);
  if (!only(value_chars, value)) {
    why = {refusal::bad_syntax, 400,
           "a header field's value holds a control character"};
    return false;
  }
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
    value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
    value.remove_suffix(1);
  out = {line.substr(0, colon), value};
  return true;
}

void head::clear() noexcept {
  auto f = std::move(fields);
  auto i = std::move(ids);
  auto n = std::move(nominated);
  f.clear();
  i.clear();
  n.clear();
  *this = head{};
  fields = std::move(f);
  ids = std::move(i);
  nominated = std::move(n);
}

void head::rebase(const char* copy) noexcept {
  if (bytes.data() == nullptr || bytes.data() == copy)
    return;
  auto by = copy - bytes.data();
  for (auto* x : {&method, &target, &reason, &host, &upgrade, &bytes})
    *x = moved(*x, by);
  for (auto& f : fields)
    f = {moved(f.name, by), moved(f.value, by)};
  for (auto& x : nominated)
    x = moved(x, by);
}

std::string_view head::line(std::size_t i) const noexcept {
  const auto* from = fields[i].name.data();
  const auto* to = i + 1 < fields.size() ? fields[i + 1].name.data()
                                         : bytes.data() + bytes.size() - 2;
  return {from, static_cast<std::size_t>(to - from)};
}

std::string_view head::get(std::string_view name) const noexcept {
  for (const auto& f : fields)
    if (same_name(f.name, name))
      return f.value;
  return {};
}

void head_reader::reset() noexcept {
  head_.clear();
  started_ = false;
  at_ = scanned_ = skipped_ = 0;
  base_ = nullptr;
  has_length_ = has_coding_ = false;
}

bool head_reader::refuse(refusal why, unsigned status,
                         std::string_view what) noexcept {
  defect_ = {why, status, what};
  return false;
}

void head_reader::moved_to(const char* bytes) noexcept {
  if (base_ == bytes)
    return;
  if (base_ != nullptr) {
    head_.bytes = {base_, at_};
    head_.rebase(bytes);
  }
  base_ = bytes;
}

head_reader::outcome head_reader::read(std::string_view bytes,
                                       const site::limits& most) {
  moved_to(bytes.data());
  for (;;) {
    if (!started_ && side_ == side::request && at_ < bytes.size()
        && !begins_request(bytes[at_]))
      return outcome::refused;
    const auto* nl = static_cast<const char*>(
      std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_));
    auto end = nl != nullptr ? static_cast<std::size_t>(nl - bytes.data())
                             : bytes.size();
    if (!started_ && side_ == side::request
        && end - at_ > most.target_bytes + std::size_t{256})
      return refuse(refusal::target_too_long, 414,
                    "the request line is over limits.target_bytes"),
             outcome::refused;
    if (end - skipped_ >= most.header_bytes)
      return refuse(refusal::header_too_large, 431,
                    "the header is over limits.header_bytes"),
             outcome::refused;
    scanned_ = end;
    if (nl == nullptr)
      return outcome::more;
    auto line = bytes.substr(at_, end - at_);
    scanned_ = at_ = end + 1;
    if (line.empty() || line.back() != '\r')
      return refuse(refusal::bad_syntax, 400, "a line ends without CR LF"),
             outcome::refused;
    line.remove_suffix(1);
    if (!started_) {
      if (line.empty() && side_ == side::request
          && skipped_ < blank_bytes_max) {
        skipped_ = at_;
        continue;
      }
      if (!start_line(line, most))
        return outcome::refused;
      started_ = true;
    } else if (line.empty()) {
      head_.bytes = bytes.substr(skipped_, at_ - skipped_);
      return finish() ? outcome::complete : outcome::refused;
    } else if (!field_line(line, most)) {
      return outcome::refused;
    }
  }
}

/// What cannot become a request is refused at its first byte: who speaks
/// another protocol waits for our word, and would wait for a line's end.
bool head_reader::begins_request(char first) noexcept {
  constexpr char tls_handshake = 0x16;
  if (token_chars[static_cast<unsigned char>(first)] || first == '\r'
      || first == '\n')
    return true;
  if (first == tls_handshake)
    return refuse(refusal::bad_handshake, 400,
                  "this is TLS, and the front speaks plain HTTP");
  return refuse(refusal::bad_syntax, 400, "the method is not a token");
}

bool head_reader::start_line(std::string_view line, const site::limits& most) {
  return side_ == side::request ? request_line(line, most) : status_line(line);
}

bool head_reader::request_line(std::string_view line,
                               const site::limits& most) {
  auto sp1 = line.find(' ');
  auto sp2 = line.rfind(' ');
  if (sp1 == line.npos || sp2 == sp1)
    return refuse(refusal::bad_syntax, 400,
                  "the request line is not of "
                  "method, target and version");
  head_.method = line.substr(0, sp1);
  head_.target = line.substr(sp1 + 1, sp2 - sp1 - 1);
  auto version = line.substr(sp2 + 1);
  if (!is_token(head_.method))
    return refuse(refusal::bad_syntax, 400, "the method is not a token");
  if (head_.target.size() > most.target_bytes)
    return refuse(refusal::target_too_long, 414,
                  "the target is over limits.target_bytes");
  if (head_.target.empty() || !only(target_chars, head_.target))
    return refuse(refusal::bad_syntax, 400,
                  "the target holds a character that must be encoded");
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/"
      || version[6] != '.' || version[5] < '0' || version[5] > '9'
      || version[7] < '0' || version[7] > '9')
    return refuse(refusal::bad_syntax, 400, "the version is malformed");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return refuse(refusal::bad_syntax, 505,
                  "only HTTP/1.1 and HTTP/1.0 are spoken here");
  head_.version = version[7] == '1' ? 11 : 10;
  return true;
}

bool head_reader::status_line(std::string_view line) {
  auto digit = [&](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  if (line.size() < 12 || line.substr(0, 7) != "HTTP/1." || line[8] != ' '
      || (line[7] != '1' && line[7] != '0') || !digit(9) || !digit(10)
      || !digit(11) || line[9] == '0' || (line.size() > 12 && line[12] != ' '))
    return refuse(refusal::bad_syntax, 502, "the status line is malformed");
  head_.version = line[7] == '1' ? 11 : 10;
  head_.status = static_cast<unsigned>(
    (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0');
  head_.reason = line.substr(std::min<std::size_t>(13, line.size()));
  if (!only(value_chars, head_.reason))
    return refuse(refusal::bad_syntax, 502,
                  "the reason holds a control character");
  return true;
}

bool head_reader::field_line(std::string_view line, const site::limits& most) {
  if (head_.fields.size() >= most.header_fields)
    return refuse(refusal::too_many_fields, 431,
                  "there are more header fields than limits.header_fields");
  traffic::field f;
  if (!split_field(line, f, defect_))
    return false;
  auto id = identify(f.name);
  head_.fields.push_back(f);
  head_.ids.push_back(id);
  return id == known::other || note(id, f);
}

bool head_reader::note(known id, const traffic::field& f) {
  switch (id) {
  case known::host:
    if (head_.has_host)
      return refuse(refusal::bad_host, 400, "there is more than one Host");
    head_.has_host = true;
    head_.host = f.value;
    // RFC 9110, 7.2: empty where the target has no authority.
    return side_ == side::answer || f.value.empty() || valid_host(f.value)
           || refuse(refusal::bad_host, 400, "Host is not a host and port");
  case known::content_length:
    if (has_length_)
      return refuse(refusal::bad_framing, 400,
                    "there is more than one Content-Length");
    has_length_ = true;
    return decimal(f.value, head_.length)
           || refuse(refusal::bad_framing, 400,
                     "Content-Length is not a number");
  case known::transfer_encoding:
    if (has_coding_)
      return refuse(refusal::bad_framing, 400,
                    "there is more than one Transfer-Encoding");
    has_coding_ = true;
    return same_name(f.value, "chunked")
           || refuse(refusal::bad_framing, 501,
                     "the only Transfer-Encoding known here is chunked");
  case known::connection:
    note_connection(f.value);
    return true;
  case known::upgrade:
    head_.upgrade = f.value;
    return true;
  case known::expect:
    head_.expects_continue |= same_name(f.value, "100-continue");
    return true;
  case known::via:
    head_.has_via = true;
    return true;
  case known::max_forwards:
    if (head_.method != "OPTIONS" && head_.method != "TRACE")
      return true; // Means nothing there.
    return decimal(f.value, head_.forwards.emplace())
           || refuse(refusal::bad_syntax, 400, "Max-Forwards is not a number");
  default:
    return true;
  }
}

void head_reader::note_connection(std::string_view value) {
  for_each_member(value, [this](std::string_view x) {
    if (same_name(x, "close"))
      head_.close = true;
    else if (same_name(x, "keep-alive"))
      head_.keep_alive = true;
    else if (same_name(x, "upgrade"))
      head_.wants_upgrade = true;
    else
      head_.nominated.push_back(x);
  });
}

bool head_reader::finish() {
  if (has_coding_ && has_length_)
    return refuse(refusal::bad_framing, 400,
                  "Transfer-Encoding and Content-Length exclude each other");
  if (has_coding_ && head_.version == 10)
    return refuse(refusal::bad_framing, 400,
                  "HTTP/1.0 has no Transfer-Encoding");
  if (side_ == side::answer)
    return finish_answer();
  if (!head_.has_host && head_.version == 11)
    return refuse(refusal::bad_host, 400, "Host is missing");
  if (has_coding_)
    head_.body = framing::chunked;
  else if (has_length_ && head_.length > 0)
    head_.body = framing::length;
  return true;
}

bool head_reader::finish_answer() {
  auto s = head_.status;
  // A body that may not be there: nobody knows where the next answer begins.
  if (s == 204 && (has_coding_ || head_.length > 0))
    head_.close = true;
  if (s < 200 || s == 204 || s == 304 || head_request_)
    head_.body = framing::none;
  else if (has_coding_)
    head_.body = framing::chunked;
  else if (!has_length_)
    head_.body = framing::until_close;
  else if (head_.length > 0)
    head_.body = framing::length;
  return true;
}

} // namespace cheops::http
