#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cheops::replicant {

/// SHA-256 (FIPS 180-4). Pure, so that every site gives a name the same id.
[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::string_view x);

/// The first 128 bits of a SHA-256.
struct digest128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const digest128&, const digest128&) = default;
  friend auto operator<=>(const digest128&, const digest128&) = default;
};
[[nodiscard]] digest128 digest_of(std::string_view x);

} // namespace cheops::replicant
