#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/replication.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "http/service.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The admin endpoint: docs/admin-api.md says what it answers.
namespace cheops::tools {

/// One line of `/readyz?verbose`.
struct readiness {
  std::string name; ///< "fronts".
  bool ok = true;
  std::string why; ///< If it is not ok.
};

/// Where the answers come from. The functions are called from the
/// endpoint's threads, must not be empty and must not throw.
struct admin_context {
  std::function<mesh::view_ptr()> view;
  std::function<std::shared_ptr<const site::config>()> config;
  std::function<std::shared_ptr<const application::description>()> application;
  std::function<std::string()> metrics; ///< The Prometheus text format.
  std::function<mesh::fault_table()> faults;
  /// False: there are no experiments here, and it is not empty.
  std::function<bool(const mesh::fault_table&)> put_faults;
  /// The parts of this process. Peers are added here and never count.
  std::function<std::vector<readiness>()> checks;
  /// Null: this node keeps nothing on several sites.
  std::shared_ptr<ports::replication> replication;
  std::chrono::system_clock::time_point started;
  std::string version;
};

/// Starts the endpoint at `context.config()->admin`.
[[nodiscard]] result<std::unique_ptr<http::service>>
start_admin(admin_context context);

/// Every call that the endpoint serves.
[[nodiscard]] std::vector<http::route> admin_routes(admin_context context);

/// The OpenAPI 3.1 document (tools/openapi.json), its version filled in.
[[nodiscard]] std::string openapi_document(std::string_view version);

} // namespace cheops::tools
