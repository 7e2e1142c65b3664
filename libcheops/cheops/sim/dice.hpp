#pragma once

#include "cheops/splitmix.hpp"

#include <cstdint>

namespace cheops::sim {

/// The same numbers from the same seed, everywhere.
class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : x_(seed) {}

  std::uint64_t next() noexcept { return splitmix64(x_); }
  /// In [0, n); `n` > 0.
  std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
  /// In [low, high].
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }
  /// True in so many of a thousand cases.
  bool per_mille(unsigned n) noexcept { return below(1000) < n; }

private:
  std::uint64_t x_;
};

} // namespace cheops::sim
