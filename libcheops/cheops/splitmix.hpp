#pragma once

#include <cstdint>

namespace cheops {

/// The next number of the splitmix64 sequence (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", 2014), and `state` moves on. The
/// same numbers from the same seed everywhere; not for secrets.
constexpr std::uint64_t splitmix64(std::uint64_t& state) noexcept {
  auto z = state += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

} // namespace cheops
