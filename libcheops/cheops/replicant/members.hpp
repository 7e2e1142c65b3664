#pragma once

#include "cheops/raft/types.hpp"

#include <optional>

namespace cheops::replicant {

/// The next single change (dissertation, 4.1) on the way from the members that
/// are to those that are wanted; nullopt: nothing is left to do. New voters
/// come as learners and are promoted; whoever goes does so last, and of those
/// the leader. `request` is left to the caller.
[[nodiscard]] std::optional<raft::change_asked>
next_change(const raft::configuration& now, const raft::configuration& wanted,
            const raft::member_id& leader);

} // namespace cheops::replicant
