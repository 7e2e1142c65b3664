#pragma once

#include "actors/node.hpp"
#include "actors/router.hpp"

#include <caf/fwd.hpp>

namespace cheops::actors {

/// A node with its actors in reach: for code of this folder, for tests and
/// for benchmarks. It needs CAF's headers; `node` does not.
class local_node : public node {
public:
  [[nodiscard]] static result<std::unique_ptr<local_node>>
  start(std::shared_ptr<const site::config> config,
        std::vector<service_id> services, node_events events,
        std::shared_ptr<replicants> replicated = nullptr);

  [[nodiscard]] virtual caf::actor_system& system() noexcept = 0;
  [[nodiscard]] virtual const std::shared_ptr<actors::router>&
  router() const noexcept = 0;
};

} // namespace cheops::actors
