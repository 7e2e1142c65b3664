#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace cheops::bench {

/// Clients that write 1 KB each, one after the other, as fast as they are
/// answered.
struct load_settings {
  bool etcd = false;    ///< Its JSON gateway; else bench/replication_node.
  bool decided = false; ///< Ours: answered when decided, not when done.
  std::vector<std::uint16_t> fronts; ///< Of the members; clients take turns.
  unsigned clients = 1;
  std::chrono::milliseconds time{5000};
  std::chrono::milliseconds warm_up{1000};
};

struct load_figure {
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  std::uint64_t failed = 0;
};

/// Throws where a member cannot be reached, or something cannot be made.
[[nodiscard]] load_figure run_load(const load_settings& with);

/// Makes so many resources, `at_once` at a time.
void make_resources(const std::vector<std::uint16_t>& fronts, unsigned count,
                    unsigned at_once);

} // namespace cheops::bench
