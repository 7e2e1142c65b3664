#pragma once

#include "tools/scenario/sites.hpp"

#include <boost/json/value.hpp>

#include <string>

/// Calls to a node's admin endpoint.
namespace cheops::scenario {

/// Errors: those of the client; broken (an answer that is not 2xx or JSON).
[[nodiscard]] result<boost::json::value>
ask(const live_site& of, const std::string& method, const std::string& target,
    const std::string& body = {}, milliseconds timeout = milliseconds{2000});

/// The text of /metrics.
[[nodiscard]] result<std::string> metrics_of(const live_site& x);

/// Whether the node answers /readyz with 200.
[[nodiscard]] bool is_ready(const live_site& x);

/// What the node says of the link to a peer.
struct link_seen {
  std::string state;
  std::optional<microseconds> round_trip;
};
[[nodiscard]] result<link_seen> link_of(const live_site& at,
                                        std::string_view peer);

/// The body of PUT /v1/faults.
[[nodiscard]] std::string
faults_body(const std::map<std::string, mesh::peer_faults>& faults);

} // namespace cheops::scenario
