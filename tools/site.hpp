#pragma once

#include "actors/node.hpp"
#include "cheops/application/description.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "http/metrics.hpp"
#include "http/server.hpp"
#include "http/service.hpp"
#include "tools/replication.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace cheops::tools {

/// A site's configuration and the description of its application, as read.
struct site_files {
  std::shared_ptr<const site::config> config;
  std::shared_ptr<const application::description> app;
};

/// Reads and checks both. Errors: bad_config with file, line and key.
[[nodiscard]] result<site_files> load_site(const std::string& config_file);

/// A running site: the data plane, the control plane and the admin endpoint,
/// wired to each other.
class site_process {
public:
  /// Starts in this order: the store (so that no request takes a replicated
  /// resource for another), data plane (its listeners are bound, so a taken
  /// port is told before a peer hears of us), control plane, admin endpoint.
  [[nodiscard]] static result<std::unique_ptr<site_process>>
  start(site_files files);

  ~site_process();

  /// Reads the files again. On an error nothing has changed.
  [[nodiscard]] result<void> reload();

  /// Stops in this order: admin endpoint, data plane (drains), control
  /// plane (says goodbye).
  void stop();

  /// Set once a part has died that the site cannot live without.
  [[nodiscard]] bool has_failed() const { return failed_; }

private:
  site_process() = default;
  [[nodiscard]] result<void> start_admin_endpoint();

  mutable std::mutex guard_; ///< Of the two below.
  site_files files_;
  mesh::fault_table faults_;
  std::shared_ptr<http::metrics> metrics_;
  replication replicated_;
  std::unique_ptr<http::server> server_;
  std::unique_ptr<actors::node> node_;
  std::unique_ptr<http::service> admin_;
  std::atomic<bool> failed_{false};
  bool stopped_ = false;
};

} // namespace cheops::tools
