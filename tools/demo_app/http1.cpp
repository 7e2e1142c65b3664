#include "tools/demo_app/http1.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <strings.h>

namespace demo {

namespace {

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size()
         && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view x) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!x.empty() && blank(x.front()))
    x.remove_prefix(1);
  while (!x.empty() && blank(x.back()))
    x.remove_suffix(1);
  return x;
}

bool token(std::string_view x) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !x.empty() && std::all_of(x.begin(), x.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c))
           || marks.find(c) != std::string_view::npos;
  });
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    auto comma = list.find(',');
    if (same(trim(list.substr(0, comma)), word))
      return true;
    if (comma == std::string_view::npos)
      return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

template <class Number>
bool number(std::string_view text, Number& out, int base = 10) {
  auto end = text.data() + text.size();
  auto done = std::from_chars(text.data(), end, out, base);
  return !text.empty() && done.ec == std::errc{} && done.ptr == end;
}

bool parse_target(request& to) {
  auto mark = to.target.find('?');
  auto path = decode(std::string_view{to.target}.substr(0, mark));
  if (!path || path->empty() || path->front() != '/')
    return false;
  to.path = *path;
  if (mark == std::string::npos)
    return true;
  std::string_view rest{to.target};
  rest.remove_prefix(mark + 1);
  while (!rest.empty()) {
    auto end = std::min(rest.find('&'), rest.size());
    auto pair = rest.substr(0, end);
    auto equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value)
      return false;
    to.query[*name] = *value;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return true;
}

bool parse_field(std::string_view line, parsed_head& to) {
  auto colon = line.find(':');
  if (colon == std::string_view::npos || !token(line.substr(0, colon)))
    return false;
  auto name = line.substr(0, colon);
  auto value = trim(line.substr(colon + 1));
  to.what.fields.emplace_back(name, value);
  if (same(name, "Content-Length"))
    return number(value, to.how.length);
  if (same(name, "Transfer-Encoding"))
    return to.how.chunked = same(value, "chunked");
  if (same(name, "Connection"))
    to.how.keep_alive = has_word(value, "close")        ? false
                        : has_word(value, "keep-alive") ? true
                                                        : to.how.keep_alive;
  if (same(name, "Expect"))
    return to.how.expects_continue = same(value, "100-continue");
  return true;
}

std::string_view reason_of(unsigned status) {
  switch (status) {
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 204:
    return "No Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 409:
    return "Conflict";
  case 412:
    return "Precondition Failed";
  case 413:
    return "Content Too Large";
  case 422:
    return "Unprocessable Content";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 507:
    return "Insufficient Storage";
  default:
    return "Error";
  }
}

} // namespace

std::string_view request::get(std::string_view name) const noexcept {
  for (const auto& [key, value] : fields)
    if (same(key, name))
      return value;
  return {};
}

std::optional<parsed_head> parse_head(std::string_view text) {
  parsed_head out;
  auto end = text.find("\r\n");
  auto line = text.substr(0, end);
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (end == std::string_view::npos || first == std::string_view::npos
      || last <= first)
    return std::nullopt;
  out.what.method = line.substr(0, first);
  out.what.target = line.substr(first + 1, last - first - 1);
  auto version = line.substr(last + 1);
  out.how.keep_alive = version == "HTTP/1.1";
  if (!token(out.what.method)
      || (version != "HTTP/1.1" && version != "HTTP/1.0")
      || !parse_target(out.what))
    return std::nullopt;
  for (text.remove_prefix(end + 2); !text.empty();) {
    end = text.find("\r\n");
    if (end == 0)
      break;
    if (end == std::string_view::npos || !parse_field(text.substr(0, end), out))
      return std::nullopt;
    text.remove_prefix(end + 2);
  }
  return out;
}

std::optional<std::uint64_t> parse_chunk_size(std::string_view line) {
  std::uint64_t out = 0;
  if (!number(trim(line.substr(0, line.find(';'))), out, 16))
    return std::nullopt;
  return out;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned code = 0;
    if (i + 2 >= text.size() || !number(text.substr(i + 1, 2), code, 16))
      return std::nullopt;
    out += static_cast<char>(code);
    i += 2;
  }
  return out;
}

bool match(std::string_view pattern, std::string_view path,
           std::map<std::string, std::string>& parameters) {
  while (!pattern.empty() && !path.empty()) {
    // Both begin with "/".
    auto a = pattern.substr(1, pattern.find('/', 1) - 1);
    auto b = path.substr(1, path.find('/', 1) - 1);
    if (!a.empty() && a.front() == '{' && !b.empty())
      parameters[std::string{a.substr(1, a.size() - 2)}] = b;
    else if (a != b)
      return false;
    pattern.remove_prefix(a.size() + 1);
    path.remove_prefix(b.size() + 1);
  }
  return pattern.empty() && path.empty();
}

std::string render_head(const response& x, bool keep_alive) {
  auto out = "HTTP/1.1 " + std::to_string(x.status) + ' ';
  out.append(reason_of(x.status)).append("\r\n");
  auto add = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  if (!x.type.empty())
    add("Content-Type", x.type);
  for (const auto& [name, value] : x.fields)
    add(name, value);
  if (x.source && !x.source_bytes)
    add("Transfer-Encoding", "chunked");
  else if (x.status != 204 && x.status != 304)
    add("Content-Length",
        std::to_string(x.source ? x.source_bytes : x.body.size()));
  if (!keep_alive)
    add("Connection", "close");
  return out.append("\r\n");
}

} // namespace demo
