#include "cheops/traffic/carriers.hpp"

#include "cheops/names.hpp"
#include "cheops/percent.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/traffic/keyed_hash.hpp"

#include <algorithm>
#include <array>

namespace cheops::traffic {

namespace {

constexpr std::string_view baggage_key = "cheops.scope";
constexpr std::string_view state_key = "cheops=";
constexpr std::string_view prefix = "/scope/";
constexpr std::size_t state_members_max = 32; // W3C Trace Context, 3.3.1.1.

std::string_view trim(std::string_view x) noexcept {
  while (!x.empty() && (x.front() == ' ' || x.front() == '\t'))
    x.remove_prefix(1);
  while (!x.empty() && (x.back() == ' ' || x.back() == '\t'))
    x.remove_suffix(1);
  return x;
}

/// Cuts the part before the next `by` off the front of `rest`.
std::string_view next_part(std::string_view& rest, char by) noexcept {
  auto end = rest.find(by);
  auto part = rest.substr(0, end);
  rest =
    end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return -1;
}

bool all_hex(std::string_view x) noexcept {
  return std::ranges::all_of(x, [](char c) { return hex_value(c) >= 0; });
}

bool all_zero(std::string_view x) noexcept {
  return std::ranges::all_of(x, [](char c) { return c == '0'; });
}

std::string percent_decoded(std::string_view x) {
  std::string out;
  out.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto code = [&](std::size_t k) { return hex_digit(x[i + k]); };
    if (x[i] == '%' && i + 2 < x.size() && code(1) >= 0 && code(2) >= 0) {
      out += static_cast<char>(code(1) * 16 + code(2));
      i += 2;
    } else {
      out += x[i];
    }
  }
  return out;
}

constexpr std::string_view alphabet =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool is_baggage_scope(std::string_view member) noexcept {
  return trim(member.substr(0, member.find('='))) == baggage_key
         && member.find('=') != std::string_view::npos;
}

} // namespace

marks find_marks(const request_view& in) noexcept {
  marks out;
  auto take = [](std::string_view& to, const field& x, std::string_view name) {
    if (to.data() == nullptr && same_name(x.name, name))
      to = x.value;
  };
  for (const auto& x : in.fields) {
    switch (x.name.size()) {
    case 5:
      if (same_name(x.name, "scope")) {
        out.scope = x.value;
        ++out.scope_count;
      }
      break;
    case 6:
      take(out.cookie, x, "cookie");
      break;
    case 7:
      take(out.baggage, x, "baggage");
      break;
    case 10:
      take(out.tracestate, x, "tracestate");
      break;
    case 11:
      take(out.traceparent, x, "traceparent");
      break;
    case 12:
      take(out.auth_token, x, "x-auth-token");
      break;
    case 13:
      take(out.authorization, x, "authorization");
      break;
    default:
      break;
    }
  }
  return out;
}

std::uint64_t credential_digest(const marks& in, std::string_view certificate,
                                std::uint64_t secret) noexcept {
  std::uint64_t kind = 0;
  std::string_view what;
  if (!in.authorization.empty()) {
    kind = 1;
    what = in.authorization;
  } else if (!in.auth_token.empty()) {
    kind = 2;
    what = in.auth_token;
  } else if (!in.cookie.empty()) {
    kind = 3;
    what = in.cookie;
  } else if (!certificate.empty()) {
    kind = 4;
    what = certificate;
  } else {
    return 0;
  }
  auto h = keyed_hash(what, {secret, kind});
  return h == 0 ? 1 : h;
}

std::string_view trace_id(std::string_view x) noexcept {
  // version "-" trace-id "-" parent-id "-" flags; later versions may be
  // longer, behind another dash (W3C Trace Context, 3.2).
  if (x.size() < 55 || x[2] != '-' || x[35] != '-' || x[52] != '-')
    return {};
  auto version = x.substr(0, 2), trace = x.substr(3, 32),
       parent = x.substr(36, 16), flags = x.substr(53, 2);
  if (!all_hex(version) || !all_hex(trace) || !all_hex(parent)
      || !all_hex(flags) || all_zero(trace) || all_zero(parent)
      || version == "ff")
    return {};
  if (version == "00" ? x.size() != 55 : x.size() > 55 && x[55] != '-')
    return {};
  return trace;
}

std::optional<result<prefixed>> take_prefix(std::string_view target) {
  if (!target.starts_with(prefix))
    return std::nullopt;
  auto rest = target.substr(prefix.size());
  auto end = rest.find_first_of("/?");
  auto code = rest.substr(0, end);
  auto text = from_base64url(code);
  if (code.empty() || !text || text->size() > scope::text_bytes_max)
    return error{errc::bad_scope,
                 "the path prefix /scope/… does not hold a scope in base64url",
                 "", "read scope", "make it with: cheops run --scope S -- env"};
  prefixed out;
  out.scope = std::move(*text);
  if (end == std::string_view::npos)
    out.target = "/";
  else if (rest[end] == '?')
    out.target = "/" + std::string{rest.substr(end)};
  else
    out.target = rest.substr(end);
  return out;
}

std::string make_prefix(std::string_view scope) {
  return std::string{prefix} + base64url(scope);
}

std::string base64url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int have = 0;
  for (unsigned char c : bytes) {
    bits = bits << 8 | c;
    have += 8;
    while (have >= 6) {
      have -= 6;
      out += alphabet[bits >> have & 63];
    }
  }
  if (have > 0)
    out += alphabet[bits << (6 - have) & 63];
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1)
    return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int have = 0;
  for (auto c : text) {
    auto value = alphabet.find(c);
    if (value == std::string_view::npos)
      return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> have & 255);
    }
  }
  if ((bits & ((1U << have) - 1)) != 0)
    return std::nullopt; // Two texts must not mean the same bytes.
  return out;
}

std::string baggage_scope(std::string_view baggage) {
  while (!baggage.empty()) {
    auto member = next_part(baggage, ',');
    if (!is_baggage_scope(member))
      continue;
    auto value = member.substr(member.find('=') + 1);
    return percent_decoded(trim(next_part(value, ';')));
  }
  return {};
}

std::string with_baggage_scope(std::string_view baggage,
                               std::string_view scope) {
  auto out = std::string{baggage_key} + "=" + percent_encoded(scope);
  while (!baggage.empty()) {
    auto member = trim(next_part(baggage, ','));
    if (member.empty() || is_baggage_scope(member))
      continue;
    out += ",";
    out += member;
  }
  return out;
}

std::string with_former_trace(std::string_view tracestate,
                              std::string_view former) {
  auto out = std::string{state_key} + std::string{former};
  for (std::size_t members = 1;
       !tracestate.empty() && members < state_members_max; ++members) {
    auto member = trim(next_part(tracestate, ','));
    if (member.empty() || member.starts_with(state_key))
      continue;
    out += ",";
    out += member;
  }
  return out;
}

} // namespace cheops::traffic
