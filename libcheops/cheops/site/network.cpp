#include "cheops/site/network.hpp"

#include "cheops/names.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include <algorithm>
#include <charconv>

namespace cheops::site {

namespace {

constexpr unsigned all_bits = 128;
constexpr unsigned mapped_bits = 96; // ::ffff:0:0/96

ip map_v4(const boost::urls::ipv4_address& x) {
  ip out{};
  out[10] = out[11] = 0xff;
  std::ranges::copy(x.to_bytes(), out.begin() + 12);
  return out;
}

/// `x` with all but its first `bits` cleared.
ip prefix(ip x, unsigned bits) noexcept {
  for (unsigned i = 0; i < x.size(); ++i) {
    auto kept = bits > 8 * i ? std::min(bits - 8 * i, 8U) : 0U;
    x[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
  }
  return x;
}

} // namespace

std::optional<ip> to_ip(std::string_view x) {
  if (auto v4 = boost::urls::parse_ipv4_address(x))
    return map_v4(*v4);
  auto v6 = boost::urls::parse_ipv6_address(x);
  if (!v6)
    return std::nullopt;
  ip out{};
  std::ranges::copy(v6->to_bytes(), out.begin());
  return out;
}

bool is_loopback(std::string_view host) {
  if (same_name(host, "localhost"))
    return true;
  auto x = to_ip(host);
  if (!x)
    return false;
  static const auto v4 = *to_network("127.0.0.0/8");
  static const auto v6 = *to_network("::1");
  return v4.contains(*x) || v6.contains(*x);
}

bool is_host(std::string_view x) {
  constexpr std::size_t dns_name_bytes_max = 253;
  constexpr auto letters = "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  auto is_name = !x.empty() && x.size() <= dns_name_bytes_max
                 && x.find_first_not_of(letters) == std::string_view::npos;
  return is_name || to_ip(x);
}

bool network::contains(const ip& x) const noexcept {
  return prefix(x, bits) == prefix(base, bits);
}

std::optional<network> to_network(std::string_view x) {
  auto slash = x.find('/');
  auto base = to_ip(x.substr(0, slash));
  if (!base)
    return std::nullopt;
  if (slash == std::string_view::npos)
    return network{*base, all_bits};
  auto is_v4 = x.substr(0, slash).find(':') == std::string_view::npos;
  auto digits = x.substr(slash + 1);
  unsigned bits = 0;
  auto end = digits.data() + digits.size();
  auto [at, ec] = std::from_chars(digits.data(), end, bits);
  if (digits.empty() || ec != std::errc{} || at != end
      || bits > (is_v4 ? 32U : all_bits))
    return std::nullopt;
  network out{*base, is_v4 ? mapped_bits + bits : bits};
  if (prefix(out.base, out.bits) != out.base)
    return std::nullopt;
  return out;
}

bool contains(const std::vector<std::string>& networks, std::string_view host) {
  auto x = to_ip(host);
  return x && std::ranges::any_of(networks, [&](const std::string& text) {
           auto n = to_network(text);
           return n && n->contains(*x);
         });
}

} // namespace cheops::site
