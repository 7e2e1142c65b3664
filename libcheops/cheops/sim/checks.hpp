#pragma once

#include "cheops/sim/world.hpp"

namespace cheops::sim {

/// What must hold once everything is healed and at rest (docs/consensus.md,
/// "How it is tested"). Throws `failure`.
void check(world& x);

} // namespace cheops::sim
