#pragma once

#include "cheops/raft/state.hpp"
#include "cheops/raft/types.hpp"

#include <string>
#include <vector>

namespace cheops::raft {

/// Moves `self` by one input and says what must now be done, in this order.
/// Reads no clock, no random source, no I/O: equal calls give equal effects.
///
/// The caller's duties: `persist` effects reach the disk in their order, and
/// `stored` tells of the last that is synced; `apply` and `restore` effects
/// are carried out in their order, and `applied` tells how far; while
/// `self.awake`, `ticked` comes at a steady pace, else it need not.
/// Messages may be lost, doubled and reordered as the network likes.
[[nodiscard]] std::vector<effect> step(state& self, const input& in);

/// What is broken in `self`; empty if nothing is. `step` asserts that.
[[nodiscard]] std::string broken_invariant(const state& self);

} // namespace cheops::raft
