#pragma once

#include "actors/interfaces.hpp"
#include "actors/router.hpp"

#include <caf/actor_system.hpp>

namespace cheops::actors {

/// What a LINK is born with.
struct link_plan {
  mesh::link::settings rules;
  mesh::link::role as = mesh::link::role::dialled;
  site_id expected; ///< Dialled: the site; else empty.
  int fd = -1;
  std::shared_ptr<const tls::trust> trust;
  mesh::peer_faults faults;
  supervisor_actor supervisor;
  std::shared_ptr<actors::router> router;
  /// Heartbeats of all links of a node beat together, so that an idle node
  /// wakes once for them; those of different nodes should not.
  mesh::link::instant beat{};
};

/// A LINK over a socket whose connection has begun.
[[nodiscard]] link_actor spawn_link(caf::actor_system& sys, link_plan plan);

/// A LISTENER on a listening socket; `plan` is for who connects, but for its
/// `fd`.
[[nodiscard]] listener_actor spawn_listener(caf::actor_system& sys, int fd,
                                            link_plan plan);

/// The rules of a link as the configuration has them.
[[nodiscard]] mesh::link::settings link_rules(const site::config& config,
                                              wire::hello hello);

} // namespace cheops::actors
