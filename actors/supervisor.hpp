#pragma once

#include "actors/interfaces.hpp"
#include "actors/router.hpp"

#include <caf/actor_system.hpp>
#include <spdlog/fwd.h>

#include <memory>

namespace cheops::actors {

/// What a SUPERVISOR is born with.
struct supervisor_plan {
  actors::setup setup;
  wire::hello hello;
  std::vector<service_id> services;
  gateway_actor gateway;
  std::shared_ptr<actors::router> router;
  mesh::link::instant beat{}; ///< Of its links.
  std::shared_ptr<spdlog::logger> log;
};

[[nodiscard]] supervisor_actor spawn_supervisor(caf::actor_system& sys,
                                                supervisor_plan plan);

/// Where peers reach a listener: nothing if it is not configured.
[[nodiscard]] mesh::address advertised(const site::listener& x);

} // namespace cheops::actors
