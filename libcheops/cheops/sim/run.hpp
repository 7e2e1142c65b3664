#pragma once

#include "cheops/sim/plan.hpp"

#include <cstdint>
#include <string>

namespace cheops::sim {

struct run_result {
  std::string failure; ///< What was found to be wrong; empty: nothing.
  std::string story;   ///< What happened, a line each, if it was asked for.
  std::uint64_t steps = 0;
  std::size_t requests = 0;
  std::size_t done = 0; ///< Of them, acknowledged.
};

/// Runs a plan from its seed, heals everything, and checks it. Equal plans
/// give equal results, byte by byte.
[[nodiscard]] run_result run(const plan& by, bool tells = false);

} // namespace cheops::sim
