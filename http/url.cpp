#include "http/url.hpp"

#include "cheops/names.hpp"
#include "http/text.hpp"

#include <boost/url.hpp>

namespace cheops::http {

namespace {

constexpr std::string_view unix_scheme = "http+unix://";
constexpr std::size_t url_bytes_max = 64 * 1024;
constexpr std::size_t unix_path_max = 107; // sockaddr_un, with its end.

error bad_url(std::string_view text, std::string why) {
  return {errc::bad_request, clean_utf8(text, 256) + ": " + std::move(why), "",
          "read URL", ""};
}

bool is_target(std::string_view x) {
  for (auto c : x)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '#')
      return false;
  return x.starts_with('/');
}

result<url> parse_unix(std::string_view text) {
  auto rest = text.substr(unix_scheme.size());
  auto end = rest.find(":/");
  url out;
  out.unix_path = rest.substr(0, end);
  out.target = end == std::string_view::npos ? "/" : rest.substr(end + 1);
  out.authority = "localhost";
  if (!out.unix_path.starts_with('/') || out.unix_path.size() > unix_path_max)
    return bad_url(text, "the socket's path is absolute and of at most 107 "
                         "bytes: http+unix:///run/x.sock:/target");
  if (!is_target(out.target))
    return bad_url(text, "the target has a character that it cannot have");
  return out;
}

} // namespace

result<url> parse_url(std::string_view text) {
  if (text.size() > url_bytes_max)
    return bad_url(text, "is longer than 64 KiB");
  if (text.starts_with(unix_scheme))
    return parse_unix(text);
  auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (parsed.has_error())
    return bad_url(text, "is not a URL: expected http://host[:port]/path with "
                         "what is not ASCII as %xx");
  auto x = *parsed;
  url out;
  auto scheme = std::string{x.scheme()};
  if (same_name(scheme, "https"))
    out.tls = true;
  else if (!same_name(scheme, "http"))
    return bad_url(text, "expected http, https or http+unix as the scheme");
  if (x.has_userinfo())
    return bad_url(text, "credentials in a URL are refused: use a field");
  out.host =
    x.host_type() == boost::urls::host_type::name ? x.host() : x.host_address();
  if (out.host.empty())
    return bad_url(text, "has no host");
  for (auto c : out.host)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '/')
      return bad_url(text, "the host has a character that it cannot have");
  std::uint16_t usual = out.tls ? 443 : 80;
  out.port = usual;
  if (x.has_port() && !x.port().empty()) {
    out.port = x.port_number();
    if (out.port == 0)
      return bad_url(text, "the port is 1 to 65535");
  }
  out.authority = std::string{x.encoded_host()};
  if (out.port != usual)
    out.authority += ":" + std::to_string(out.port);
  out.target = std::string{x.encoded_target()};
  if (!out.target.starts_with('/')) // "http://h", "http://h?q".
    out.target.insert(0, 1, '/');
  return out;
}

} // namespace cheops::http
