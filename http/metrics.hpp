#pragma once

#include "cheops/mesh/view.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the data plane counts. A thread has a `shard` of its own and takes
/// no lock to count; a scrape adds the shards up.
namespace cheops::http {

/// Why the data plane refused a message, or cut one off: a metric's label.
enum class refusal : std::uint8_t {
  obs_fold,
  bad_host,
  bad_framing,
  bad_chunk,
  bad_syntax,
  header_too_large,
  target_too_long,
  too_many_fields,
  slow_header,
  too_many_connections,
  no_upstream_slot,
  loop,
  hops,
  not_allowed,
  bad_scope,
  not_built,
  bad_peer_certificate,
  idle,
  upstream_timeout,
  upstream_broken,
  peer_unreachable,
  correlations_full,
  no_quorum,       ///< Too few sites of a replicant can be reached.
  undecided,       ///< The fate of a change is open.
  precondition,    ///< A change was stale, a repeated key, in conflict, …
  entry_too_large, ///< A change is over `limits.entry_bytes`.
  no_replication,  ///< The store has failed, or a bound was hit.
  bad_handshake,   ///< TLS came to nothing, but not for a certificate.
  count_           ///< How many there are.
};
[[nodiscard]] std::string_view to_string(refusal x) noexcept;

/// A bound that was reached and turned nobody away: somebody waits, or does
/// without. Those that refuse are reasons of refusal.
enum class bound : std::uint8_t {
  buffer_bytes,         ///< The sender is not read for now.
  retry_body_bytes,     ///< There is no second try.
  upstream_connections, ///< The request waits for one.
  upstream_idle,        ///< A connection is closed instead of resting.
  plans,                ///< The cache of plans begins anew.
  count_                ///< How many there are.
};
[[nodiscard]] std::string_view to_string(bound x) noexcept;

class metrics {
public:
  /// For one thread at a time. Labels are cleaned and bounded; above a cap on
  /// their number everything new is counted under "other".
  class shard {
  public:
    virtual ~shard() = default;
    /// One exchange has ended. `site`: who served it; `plan`: how.
    virtual void exchange(std::string_view service, std::string_view plan,
                          std::string_view site, unsigned status,
                          std::chrono::nanoseconds took) noexcept = 0;
    virtual void refused(refusal why) noexcept = 0;
    virtual void hit(bound which) noexcept = 0;
    /// Gauges, by difference.
    virtual void connections(std::string_view front, int change) noexcept = 0;
    virtual void pooled(std::string_view endpoint, int idle_change,
                        int busy_change) noexcept = 0;
    virtual void tunnels(int change) noexcept = 0;
    virtual void bytes(std::uint64_t from_client,
                       std::uint64_t to_client) noexcept = 0;
  };

  [[nodiscard]] static std::shared_ptr<metrics> make();
  virtual ~metrics() = default;
  /// A new shard; it lives as long as this object.
  [[nodiscard]] virtual shard& add_shard() = 0;
  /// Links and sites come from the snapshot.
  virtual void publish(mesh::view_ptr view) = 0;
  /// A gauge, or (if the name ends in "_total") a counter, that is read at
  /// scrape time; replaces one of the same name.
  virtual void add_gauge(std::string name, std::string help,
                         std::function<double()> read) = 0;
  /// The same, of one number for each value of a label.
  virtual void add_gauges(
    std::string name, std::string help, std::string label,
    std::function<std::vector<std::pair<std::string, double>>()> read) = 0;
  /// The Prometheus text format.
  [[nodiscard]] virtual std::string render() const = 0;
};

} // namespace cheops::http
