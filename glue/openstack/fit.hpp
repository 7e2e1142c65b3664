#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"
#include "cheops/scope/plan.hpp"
#include "cheops/site/config.hpp"

#include <string>
#include <vector>

/// What the scopes of requests ask of OpenStack's services together.
namespace cheops::glue::openstack {

/// What Nova needs beside itself; each is null where there is none.
struct together {
  const application::service* compute;
  const application::service* network;
  const application::service* placement;
};

/// Whether a request that will run at `sites` can, with what its scope says of
/// the services that Nova calls. Errors: bad_scope, with what would work.
[[nodiscard]] result<void> fit(const application::description& app,
                               const together& of, const scope::tree& scope,
                               const scope::question& ask,
                               const std::vector<site_id>& sites,
                               const site::config& config);

/// The text of a scope that names its sites for no service: for each one.
[[nodiscard]] bool is_bare(const std::string& text);

/// One that says something of other services than this one.
[[nodiscard]] bool says_more(const std::string& text,
                             const application::service& than,
                             const application::description& app);

} // namespace cheops::glue::openstack
