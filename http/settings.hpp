#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "http/tls.hpp"

#include <memory>
#include <string>
#include <vector>

namespace cheops::http {

/// A front as the data plane uses it.
struct front_settings {
  const application::service* service = nullptr;
  site::front config;
  ssl_context accepts;       ///< Null: plain.
  ssl_context calls;         ///< To the backend; null: plain.
  ssl_context calls_as_node; ///< The same, with `backend.identity`.
  std::string backend;       ///< "host:port".
};

/// All that one reading of the configuration gives: never changed, shared by
/// the threads.
struct settings {
  std::shared_ptr<const site::config> config;
  std::shared_ptr<const application::description> app;
  std::vector<front_settings> fronts;
  ssl_context peer_accepts; ///< Null: plain, on loopback only.
  ssl_context peer_calls;
  std::string via_name; ///< This site as `received-by` of a Via field.

  /// The front of a service; null if the site has none.
  [[nodiscard]] const front_settings*
  front_of(const service_id& service) const noexcept;

  /// Errors: bad_config.
  [[nodiscard]] static result<std::shared_ptr<const settings>>
  make(std::shared_ptr<const site::config> config,
       std::shared_ptr<const application::description> app);
};

using settings_ptr = std::shared_ptr<const settings>;

} // namespace cheops::http
