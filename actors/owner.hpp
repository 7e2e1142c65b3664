#pragma once

#include "actors/replication_parts.hpp"
#include "actors/router.hpp"
#include "cheops/replicant/step.hpp"

#include <spdlog/fwd.h>

namespace cheops::actors {

/// A group whose owner is to be made where there was none.
struct new_group {
  replicant::birth born;
  bool founding = false;     ///< A client of this site asks for the resource.
  replicant::member_id self; ///< Who we are in it.
};

/// What an OWNER is born with.
struct owner_plan {
  replicant::owner_identity who;
  std::variant<new_group, replicant::stored_replicant> from;
  parts_ptr parts;
  owners_actor owners;
  keeper_actor keeper;
  std::shared_ptr<actors::router> router;
  std::shared_ptr<spdlog::logger> log;
};

[[nodiscard]] owner_actor spawn_owner(caf::actor_system& sys,
                                      std::shared_ptr<owner_plan> plan);

/// The kind in the address of an OWNER's envelopes; the resource is the meta
/// id.
inline constexpr std::string_view replicant_kind = "replicant";

} // namespace cheops::actors
