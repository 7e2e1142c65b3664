#pragma once

#include "actors/replication_parts.hpp"

#include <spdlog/fwd.h>

namespace cheops::actors {

/// Runs on a thread of its own, for it blocks on the disk.
[[nodiscard]] keeper_actor spawn_keeper(caf::actor_system& sys, parts_ptr parts,
                                        std::shared_ptr<spdlog::logger> log);

} // namespace cheops::actors
