#include "glue/openstack/token.hpp"

#include "cheops/traffic/carriers.hpp"

#include <charconv>

namespace cheops::glue::openstack {

namespace {

constexpr std::string_view scope_opening = "!s.";
constexpr std::string_view mark_opening = "!o.";
constexpr std::size_t mac_bytes = 16;
constexpr std::size_t issuer_bytes_max = 253; // A site's name.

error malformed() {
  return {errc::bad_request,
          "the token ends in something that looks like a scope of Cheops and "
          "is none",
          "", "read the token",
          "take the token as the front of Keystone gave it"};
}

/// Strict: of each value there is one text.
bool decode(std::string_view text, std::size_t bytes_max, std::string& to) {
  if (text.empty() || text.back() == '=')
    return false;
  auto x = traffic::from_base64url(text);
  if (!x || x->empty() || x->size() > bytes_max)
    return false;
  to = std::move(*x);
  return true;
}

bool read_hex(std::string_view text, std::uint64_t& to) {
  auto end = text.data() + text.size();
  auto [at, ec] = std::from_chars(text.data(), end, to, 16);
  if (ec != std::errc{} || at != end || text.front() == '0')
    return false;
  return text.find_first_of("ABCDEF") == std::string_view::npos;
}

std::string hex(std::uint64_t x) {
  char digits[16];
  auto [end, ec] = std::to_chars(digits, digits + sizeof digits, x, 16);
  return {digits, end};
}

std::string_view cut(std::string_view& rest, char by) {
  auto end = std::min(rest.find(by), rest.size());
  auto out = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return out;
}

bool read_mark(std::string_view rest, token& out) {
  auto issuer = cut(rest, '.');
  auto expires = cut(rest, '.');
  out.mac = rest;
  std::string mac;
  return decode(issuer, issuer_bytes_max, out.issuer) && !expires.empty()
         && read_hex(expires, out.expires) && decode(rest, mac_bytes, mac)
         && mac.size() == mac_bytes;
}

/// The time does not tell how much of it is right.
bool same_bytes(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size())
    return false;
  unsigned differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    differs |= static_cast<unsigned char>(a[i] ^ b[i]);
  return differs == 0;
}

std::string marked_text(std::string_view plain, std::string_view issuer,
                        std::uint64_t expires) {
  std::string out{plain};
  return out.append(mark_opening)
    .append(traffic::base64url(issuer))
    .append(".")
    .append(hex(expires));
}

} // namespace

result<token> read_token(std::string_view text) {
  token out;
  out.bare = out.plain = text;
  auto at = text.find('!');
  if (at == std::string_view::npos)
    return out;
  auto suffix = text.substr(at);
  auto is_scope = suffix.starts_with(scope_opening);
  if (!is_scope && !suffix.starts_with(mark_opening))
    return out; // Not of ours: Keystone will say what it is.
  if (at == 0)
    return malformed();
  out.bare = text.substr(0, at);
  if (is_scope) {
    auto code = suffix.substr(scope_opening.size());
    code = code.substr(0, code.find('!'));
    if (!decode(code, suffix_scope_bytes_max, out.scope))
      return malformed();
    at += scope_opening.size() + code.size();
    suffix = text.substr(at);
  }
  out.plain = text.substr(0, at);
  if (suffix.empty())
    return out;
  if (!suffix.starts_with(mark_opening)
      || !read_mark(suffix.substr(mark_opening.size()), out))
    return malformed();
  return out;
}

result<std::string> with_scope(std::string_view bare, std::string_view scope) {
  if (scope.size() > suffix_scope_bytes_max)
    return error{errc::too_large,
                 "a scope of " + std::to_string(scope.size())
                   + " bytes cannot ride on a token: the bound is "
                   + std::to_string(suffix_scope_bytes_max),
                 "", "give out the token",
                 "name fewer services, or send the Scope field"};
  return std::string{bare}
    .append(scope_opening)
    .append(traffic::base64url(scope));
}

// -- marks -------------------------------------------------------------------

std::string marker::mac_of(std::string_view text) const {
  return traffic::base64url(
    digest_("mark\n" + std::string{text}).substr(0, mac_bytes));
}

std::string marker::key_of(std::string_view text) const {
  return digest_("key\n" + std::string{text});
}

std::string marker::mark(std::string_view plain, std::string_view issuer,
                         std::uint64_t expires) const {
  auto text = marked_text(plain, issuer, expires);
  auto mac = mac_of(text);
  return text.append(".").append(mac);
}

result<void> marker::verify(const token& x, std::uint64_t now) const {
  auto wanted = mac_of(marked_text(x.plain, x.issuer, x.expires));
  if (!same_bytes(wanted, x.mac))
    return error{errc::forbidden,
                 "the token carries a mark that this node did not make", "",
                 "read the token",
                 "send the token as Keystone issued it; only a node says who "
                 "issued one"};
  if (now >= x.expires)
    return error{errc::forbidden,
                 "the mark of a token that " + x.issuer
                   + " issued is no longer good here",
                 "", "read the token",
                 "make the request again; timeouts.token_mark is how long a "
                 "mark is good"};
  return {};
}

// -- paths -------------------------------------------------------------------

std::string bare_path(std::string_view target) {
  if (!target.starts_with('/'))
    return std::string{target};
  std::string out;
  auto path = target.substr(0, target.find_first_of("?#"));
  auto rest = path;
  while (!rest.empty()) {
    rest.remove_prefix(1); // The slash.
    auto segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    std::string text{segment};
    for (auto at = text.find("%21"); at != text.npos; at = text.find("%21"))
      text.replace(at, 3, "!");
    auto x = read_token(text);
    out += '/';
    out += x && x->bare.size() != text.size() ? x->bare : segment;
  }
  return out.append(target.substr(path.size()));
}

} // namespace cheops::glue::openstack
