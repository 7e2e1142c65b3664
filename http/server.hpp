#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "cheops/traffic/adapter.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace cheops::ports {
class replication;
}

namespace cheops::http {

class metrics;

/// The data plane of a site: a reverse proxy per service, and the peer front.
///
/// It runs `config->threads` threads with one event loop each; every thread
/// listens on every front (SO_REUSEPORT) and shares nothing that would need
/// a lock on a request's way. All functions may be called from any thread.
class server {
public:
  /// Binds every listener, then starts the threads. `adapted`: what is known
  /// of the application beyond its description. `replicas`: what keeps
  /// resources on several sites; null: nothing does. Errors: bad_config (a
  /// certificate that cannot be used, …), io (an address that is taken).
  [[nodiscard]] static result<std::unique_ptr<server>>
  start(std::shared_ptr<const site::config> config,
        std::shared_ptr<const application::description> app,
        std::shared_ptr<metrics> counters,
        std::shared_ptr<traffic::adapter> adapted = nullptr,
        std::shared_ptr<ports::replication> replicas = nullptr);

  virtual ~server() = default;

  /// What is known of the mesh from now on. A peer that is `down` in it, and
  /// was `up` before, loses its running exchanges: they end with an error.
  virtual void publish(mesh::view_ptr view) = 0;

  /// Injected faults from now on (experiments).
  virtual void publish(mesh::fault_table faults) = 0;

  /// New peers, limits, timeouts and certificates. Listeners stay as they
  /// are. Running exchanges keep what they began with. On an error nothing
  /// has changed.
  [[nodiscard]] virtual result<void>
  reload(std::shared_ptr<const site::config> config) = 0;

  /// The ports that it listens on: a front each, in the configuration's
  /// order, then the peer front, if it has one (a setting of 0 for a front
  /// takes a free one).
  [[nodiscard]] virtual std::vector<std::uint16_t> ports() const = 0;

  /// Whether every thread turns and listens on every front: asks them, and
  /// waits for at most a second. Errors: io, with what does not.
  [[nodiscard]] virtual result<void> health() = 0;

  /// Stops accepting, lets what runs end for `grace`, then cuts it off.
  /// Blocks until the threads have ended.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

} // namespace cheops::http
