#pragma once

#include "actors/replication_parts.hpp"
#include "actors/router.hpp"

#include <spdlog/fwd.h>

namespace cheops::actors {

/// What OWNERS is born with.
struct owners_plan {
  parts_ptr parts;
  std::uint64_t incarnation = 0; ///< Of the process; raised on the disk.
  keeper_actor keeper;
  std::shared_ptr<actors::router> router;
  std::shared_ptr<spdlog::logger> log;
};

[[nodiscard]] owners_actor spawn_owners(caf::actor_system& sys,
                                        owners_plan plan);

} // namespace cheops::actors
