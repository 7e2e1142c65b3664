#pragma once

#include "cheops/application/description.hpp"
#include "cheops/scope/tree.hpp"

/// Two scopes for one request: what it says itself, and what it belongs to.
namespace cheops::traffic {

/// Whether `whole` says of each service that `part` names what `part` does.
[[nodiscard]] bool agrees(const scope::tree& part, const scope::tree& whole,
                          const application::description& app);

/// `asked`, and what `kept` says of further services that a request at
/// `front` can lead to.
[[nodiscard]] scope::tree completed(scope::tree asked, const scope::tree& kept,
                                    const service_id& front,
                                    const application::description& app);

} // namespace cheops::traffic
