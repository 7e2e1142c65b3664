#pragma once

#include "tools/scenario/model.hpp"
#include "tools/scenario/report.hpp"
#include "tools/scenario/sites.hpp"

namespace cheops::scenario {

/// Starts the sites, plays the steps, loads and checks, and stops the sites
/// (unless they are kept). Prints as it goes.
[[nodiscard]] run_report run(const scenario& what, const options& with,
                             std::uint64_t seed, const printer& out,
                             std::unique_ptr<sites>& kept);

} // namespace cheops::scenario
