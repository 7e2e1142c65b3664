#pragma once

#include "actors/socket.hpp"
#include "actors/supervisor.hpp"
#include "cheops/mesh/membership.hpp"
#include "cheops/mesh/peering.hpp"
#include "cheops/seldom.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <vector>

/// What a SUPERVISOR knows, and how it shows it. For supervisor.cpp.
namespace cheops::actors {

/// Ids of attempts that an injected cut swallowed; real ones are actor ids.
constexpr std::uint64_t swallowed_from = std::uint64_t{1} << 62;

/// One connection.
struct connection {
  link_actor link;
  site_id peer; ///< Empty: a stranger.
  bool up = false;
  bool refused = false;
  wire::hello hello;
  mesh::link_stats stats; ///< So far.
};

/// All that is known of the links to one site.
struct neighbour {
  mesh::peering::state rules;
  std::vector<mesh::address> at;
  std::size_t next_address = 0;
  link_actor current;
  mesh::link_stats ended; ///< Of connections that are no more.
  mesh::reach shown = mesh::reach::connecting;
  std::chrono::system_clock::time_point since =
    std::chrono::system_clock::now();
};

struct supervisor_state {
  static inline const char* name = "supervisor";
  supervisor_plan plan;
  mesh::membership::state members;
  std::map<site_id, neighbour> neighbours;
  std::map<std::uint64_t, connection> connections;
  std::set<caf::actor_addr> links; ///< All that live, also those that close.
  mesh::fault_table faults;
  std::unique_ptr<socket::resolver> names;
  listener_actor listener;
  std::uint64_t swallowed = swallowed_from;
  seldom strangers_ended{std::chrono::minutes{1}};
  std::uint64_t digest = 0;
  std::chrono::system_clock::time_point started =
    std::chrono::system_clock::now();
  mesh::link::instant last_view{};
  bool urgent = false; ///< The view must be told after this message.
  bool soon = false;   ///< … may be told.
  bool stopping = false;
};

/// Adds what one connection has carried.
void add(mesh::link_stats& to, const mesh::link_stats& x);

/// The sites as others are shown them, by name. Notes since when each has
/// been in the state that it is shown in.
[[nodiscard]] std::vector<mesh::site> sites_of(supervisor_state& st);

} // namespace cheops::actors
