#pragma once

#include "tools/scenario/report.hpp"
#include "tools/scenario/schedule.hpp"
#include "tools/scenario/sites.hpp"

#include <map>

/// Random faults under load, and what must hold in spite of them.
namespace cheops::scenario {

/// What the nodes used before the load.
struct usage {
  std::size_t descriptors = 0;
  std::uint64_t resident = 0;
};
[[nodiscard]] std::map<std::string, usage> usage_of(sites& all);

/// Runs workloads, and the random faults beside them where there are some,
/// until both are over; everything is healed at the end.
void run_load(sites& all, const std::vector<const workload*>& what,
              const random_faults* faults, std::uint64_t seed,
              const printer& out, run_report& report);

/// Whether what a check names holds now.
[[nodiscard]] check_outcome
evaluate(const check& x, sites& all, const run_report& so_far,
         const std::map<std::string, usage>& before);

} // namespace cheops::scenario
