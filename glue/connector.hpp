#pragma once

#include "cheops/application/description.hpp"
#include "cheops/replication.hpp"
#include "cheops/site/config.hpp"
#include "glue/application_calls.hpp"

#include <functional>
#include <map>
#include <memory>

namespace cheops::glue {

/// How the site's own application is called for replicants.
struct connector_plan {
  std::shared_ptr<const application::description> app;
  std::map<service_id, site::backend> backends;
  unsigned calls_max = 8;         ///< At once, for each service.
  std::size_t waiting_max = 4096; ///< Calls that wait for their turn, each.
  std::chrono::milliseconds timeout{60'000}; ///< Of each step of a call.
  std::size_t answer_bytes_max = 3 * 1024 * 1024;

  /// The field in which the application takes a key under which a call that
  /// is repeated has no further effect; empty: it has none.
  std::function<std::string(const service_id&, std::string_view kind)>
    key_field;
  /// What is known of calls to the application beside its description, and
  /// how they are made on behalf of a principal. Null: a call is one request,
  /// as it is, and the principal is not told.
  std::shared_ptr<const application_calls> calls;
};

[[nodiscard]] connector_plan
connector_plan_of(const site::config& config,
                  std::shared_ptr<const application::description> app);

/// Each call on a connection of its own: a kept one may turn out closed when
/// the request is out, and then nobody could tell whether it was done. What
/// answers say is read by `replicant/intake.hpp`.
class application_connector : public ports::connector {
public:
  /// For calls from now on: other backends and times. The services and the
  /// number of calls stay what they were.
  virtual void reload(connector_plan plan) = 0;
};

[[nodiscard]] std::shared_ptr<application_connector>
make_connector(connector_plan plan);

} // namespace cheops::glue
