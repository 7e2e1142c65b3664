#pragma once

#include "actors/replicants.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <functional>
#include <memory>

namespace cheops::actors {

/// What the control plane tells the rest of the process. Called from an
/// actor's thread; must return at once.
struct node_events {
  /// Something changed that others see: a site, its state, a round trip.
  /// At least once a second while anything changes, at once for a state.
  std::function<void(mesh::view_ptr)> on_view;
  /// An actor that the node cannot live without has died.
  std::function<void(error)> on_fatal;
};

/// The control plane of a site: one CAF actor system. Safe to call from any
/// thread that is not an actor's.
class node {
public:
  /// Starts the actors in the written order (docs/architecture.md). Errors:
  /// io (the link address is taken), bad_config (certificates). With
  /// `replicated` the node owns this site's part of replicants, and its
  /// store's id is the site's.
  [[nodiscard]] static result<std::unique_ptr<node>>
  start(std::shared_ptr<const site::config> config,
        std::vector<service_id> services, node_events events,
        std::shared_ptr<replicants> replicated = nullptr);

  /// Whether `start` would take the configuration and what its files hold;
  /// opens no socket. Errors: bad_config.
  [[nodiscard]] static result<void>
  check(std::shared_ptr<const site::config> config);

  virtual ~node() = default;

  /// The newest snapshot; never null.
  [[nodiscard]] virtual mesh::view_ptr view() const = 0;

  /// Injected faults from now on (experiments).
  virtual void publish(mesh::fault_table faults) = 0;

  /// New peers, limits and certificates. On an error nothing has changed.
  [[nodiscard]] virtual result<void>
  reload(std::shared_ptr<const site::config> config) = 0;

  /// Whether the link listener, where there is one, takes connections.
  /// Errors: io.
  [[nodiscard]] virtual result<void> health() const = 0;

  /// Says goodbye to the peers and ends every actor, in the written order.
  virtual void stop() = 0;
};

} // namespace cheops::actors
