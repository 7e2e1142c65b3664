#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// IP addresses and CIDR networks, as text rules need them.
namespace cheops::site {

/// An address in network order. IPv4, and IPv6 that maps IPv4, is held as
/// `::ffff:a.b.c.d`, so that both spellings are one address.
using ip = std::array<std::uint8_t, 16>;

/// An IP literal without brackets or zone; nullopt if it is none.
[[nodiscard]] std::optional<ip> to_ip(std::string_view x);

/// 127.0.0.0/8, ::1, or the name `localhost`.
[[nodiscard]] bool is_loopback(std::string_view host);

/// Whether it can be an address's host: an IP literal, or a DNS name by its
/// letters (digits, `-`, `_` and dots too).
[[nodiscard]] bool is_host(std::string_view x);

struct network {
  ip base{};
  unsigned bits = 0; ///< Of `base`, so an IPv4 /8 is 104.
  [[nodiscard]] bool contains(const ip& x) const noexcept;
};

/// "10.0.0.0/8", "fd00::/8", or a single address; nullopt if it is neither,
/// also where bits beyond the prefix are set (10.0.0.1/8: a slip).
[[nodiscard]] std::optional<network> to_network(std::string_view x);

/// Whether one of `networks` has `host`. False for a DNS name: only an
/// address can be checked.
[[nodiscard]] bool contains(const std::vector<std::string>& networks,
                            std::string_view host);

} // namespace cheops::site
