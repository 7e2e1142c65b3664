#pragma once

#include <cstdint>

namespace cheops::sim {

/// splitmix64: the same numbers from the same seed, everywhere.
class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : x_(seed) {}

  std::uint64_t next() noexcept {
    x_ += 0x9e3779b97f4a7c15ULL;
    auto z = x_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
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
