#pragma once

#include "glue/adapters.hpp"

/// Kubernetes, as far as a description cannot say it; decision 0013.
namespace cheops::glue::kubernetes {

/// Empty: all that is needed is there.
[[nodiscard]] std::string fault_of(const application::description& app);

[[nodiscard]] std::shared_ptr<traffic::adapter>
make(std::shared_ptr<const application::description> app,
     const site::config& config, keyed_digest digest);

} // namespace cheops::glue::kubernetes
