#pragma once

#include "tools/scenario/model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cheops::scenario {

/// A generator whose numbers depend on its seed alone, also across compilers
/// (std::uniform_int_distribution promises no such thing): splitmix64.
class seeded {
public:
  explicit seeded(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() noexcept;
  /// From 0 to `bound` - 1; `bound` > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;

private:
  std::uint64_t state_;
};

/// A fault that begins `at` after the start and is mended `lasts` later.
struct fault_event {
  milliseconds at{0};
  fault_kind kind = fault_kind::cut;
  std::size_t site = 0; ///< Index.
  milliseconds lasts{0};
  std::size_t peer = 0; ///< Of a kind that has two sites.
  milliseconds by{0};   ///< Of a delay.
};

/// All faults of a run, in the order of their begin. Equal arguments give
/// equal schedules. A site has one fault at a time.
[[nodiscard]] std::vector<fault_event>
make_schedule(const random_faults& what, std::size_t sites, std::uint64_t seed);

/// Makes the load that follows the steps last so many times longer, with so
/// many times more faults.
void prolong(scenario& what, unsigned times);

} // namespace cheops::scenario
