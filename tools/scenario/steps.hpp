#pragma once

#include "tools/scenario/report.hpp"
#include "tools/scenario/sites.hpp"
#include "tools/scenario/variables.hpp"

namespace cheops::scenario {

/// Does what a step says and compares what came of it.
[[nodiscard]] step_outcome play(sites& all, const step& x, variables& known);

} // namespace cheops::scenario
