#pragma once

#include "actors/node.hpp"
#include "http/metrics.hpp"
#include "http/server.hpp"
#include "http/service.hpp"
#include "tools/replication.hpp"
#include "tools/site_files.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace cheops::tools {

/// Loads what a start loads beside them, and lets go of it: certificates,
/// keys, authorities, CRLs, the admin endpoint's token. Errors: bad_config, as
/// the start would say it.
[[nodiscard]] result<void> check_site(const site_files& files);

/// Has the process log as it says.
void apply(const site::log_settings& to);

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
  /// False: this site makes no experiments, and `x` is not empty.
  bool put_faults(const mesh::fault_table& x);

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
