#pragma once

#include "actors/replicants.hpp"
#include "cheops/application/description.hpp"
#include "cheops/site/config.hpp"
#include "glue/connector.hpp"
#include "http/metrics.hpp"
#include "http/vault.hpp"

#include <memory>
#include <mutex>

namespace cheops::tools {

/// What peers may have done here, as the configuration says now.
class peer_rights {
public:
  peer_rights(std::shared_ptr<const site::config> config,
              std::shared_ptr<const application::description> app)
    : config_(std::move(config)), app_(std::move(app)) {}

  void reload(std::shared_ptr<const site::config> config);
  [[nodiscard]] bool allows(const site_id& peer, const service_id& service,
                            replicant::change does) const;

private:
  mutable std::mutex guard_;
  std::shared_ptr<const site::config> config_;
  std::shared_ptr<const application::description> app_;
};

/// All null where the site has no data folder.
struct replication {
  std::shared_ptr<peer_rights> rights;
  std::shared_ptr<glue::application_connector> connector;
  std::shared_ptr<actors::replicants> replicants;
  std::shared_ptr<http::changing_vault> keys; ///< Null: there is no key file.
};

/// The keys of `replication.key_file`; null where there is none. Errors:
/// bad_config, which names the place in the configuration.
[[nodiscard]] result<std::shared_ptr<const ports::vault>>
open_vault(const site::config& config);

/// Opens the site's store, in `<data>/store`, and what it knows of
/// replicants. Errors: bad_config, io, broken.
[[nodiscard]] result<replication>
open_replication(const std::shared_ptr<const site::config>& config,
                 const std::shared_ptr<const application::description>& app);

/// Has the metrics tell of them.
void show(http::metrics& in,
          const std::shared_ptr<const actors::replicants>& what);

} // namespace cheops::tools
