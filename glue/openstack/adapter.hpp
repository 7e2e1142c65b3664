#pragma once

#include "glue/adapters.hpp"

/// OpenStack, as far as a description cannot say it; decision 0009.
namespace cheops::glue::openstack {

/// Services are known by their official types, as aliases: identity, compute,
/// network, placement. Empty: all that is needed is there.
[[nodiscard]] std::string fault_of(const application::description& app);

[[nodiscard]] std::shared_ptr<traffic::adapter>
make(std::shared_ptr<const application::description> app,
     const site::config& config, keyed_digest digest);

} // namespace cheops::glue::openstack
