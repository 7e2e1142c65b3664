#pragma once

#include <cstdint>
#include <string_view>

namespace cheops::traffic {

/// The key of a hash.
struct hash_key {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

/// SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012):
/// who does not know the key cannot choose texts that collide. For tables
/// whose keys come from users.
[[nodiscard]] std::uint64_t keyed_hash(std::string_view x,
                                       const hash_key& key) noexcept;

} // namespace cheops::traffic
