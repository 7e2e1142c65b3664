#pragma once

#include "cheops/sim/plan.hpp"
#include "tools/scenario/model.hpp"
#include "tools/scenario/report.hpp"

#include <cstdint>
#include <string>

/// A scenario in the simulated world: many sites in one thread, whose time is
/// as fast as the machine.
namespace cheops::scenario {

/// The plan that plays a file's changes and random faults. `names_unique`: the
/// application refuses a second resource of one name. Errors: bad_config: what
/// the file asks for is not in the simulated world, a line for each place.
[[nodiscard]] result<sim::plan>
simulated(const scenario& what, bool names_unique, std::uint64_t seed);

/// Runs it from so many seeds, one after the other, and stops at the first
/// that fails. Every check of the file holds if none failed: the simulated
/// world checks all of them, and more.
[[nodiscard]] result<run_report> run_simulated(const scenario& what,
                                               const std::string& bin,
                                               std::uint64_t first_seed,
                                               std::uint64_t seeds,
                                               const printer& out);

} // namespace cheops::scenario
