#pragma once

#include "cheops/site/config.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cheops::bench {

/// One of the sites that are measured: a node that replicates, with a store,
/// in front of an application that answers at once, and a small HTTP server
/// for the load. `make bench-replication` starts one process for each.
struct node_settings {
  std::string name;
  std::string data;        ///< Folder of the store.
  std::uint16_t link = 0;  ///< Port for other nodes.
  std::uint16_t front = 0; ///< Port for the load.
  std::vector<std::pair<std::string, std::uint16_t>> peers; ///< Names, links.
  /// Added to each frame to a peer: half of a round trip.
  std::chrono::microseconds delay{0};
};

/// Until SIGTERM:
///
///   POST /NAME              makes a resource at all sites; answers its id
///   PUT  /ID                replaces it; answered when it was done here
///   PUT  /ID?decided        … when it was decided
///   PUT  /cut               cuts this node off from all others
///   PUT  /heal              … and no longer
///   GET  /counters          `key value` lines
///
/// 200, 201; anything else did not work.
int run_node(const node_settings& with);

} // namespace cheops::bench
