#pragma once

#include "actors/replicants.hpp"
#include "cheops/application/description.hpp"
#include "cheops/site/config.hpp"
#include "glue/connector.hpp"
#include "http/metrics.hpp"

#include <memory>

namespace cheops::tools {

/// Both null where the site has no data folder.
struct replication {
  std::shared_ptr<glue::application_connector> connector;
  std::shared_ptr<actors::replicants> replicants;
};

/// Opens the site's store, in `<data>/store`, and what it knows of
/// replicants. Errors: io, broken.
[[nodiscard]] result<replication>
open_replication(const site::config& config,
                 const std::shared_ptr<const application::description>& app);

/// Has the metrics tell of them.
void show(http::metrics& in,
          const std::shared_ptr<const actors::replicants>& what);

} // namespace cheops::tools
