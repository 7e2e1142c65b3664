#pragma once

#include "cheops/names.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What a site knows of the others.
namespace cheops::mesh {

/// A TCP address. The host is an IP literal or a DNS name.
struct address {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const address&, const address&) = default;
};

/// "host:port", IPv6 in brackets.
[[nodiscard]] std::string to_string(const address& x);

/// Parses "host:port" and "[v6]:port"; nullopt if it is neither.
[[nodiscard]] std::optional<address> to_address(std::string_view x);

enum class reach : std::uint8_t {
  self,       ///< This site.
  connecting, ///< No link yet, and none was lost.
  up,         ///< Heartbeats are answered.
  down,       ///< There was a link, or dialling failed: cut off.
};

[[nodiscard]] std::string_view to_string(reach x) noexcept;

/// Counters of the link to a peer, since the start of this process.
struct link_stats {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;
  std::uint64_t dials = 0;
  std::uint64_t times_down = 0;
  std::uint64_t refused = 0;    ///< Messages that limits.link_output_bytes met.
  std::uint64_t stalls = 0;     ///< Times that messages waited for credit.
  std::uint64_t held_bytes = 0; ///< Of the peer's messages, now at this site.
  std::string last_error;       ///< Why it went down last, for people.
};

/// One site, as this site sees it.
struct site {
  site_id name;
  address peer_front;            ///< HTTP between sites; port 0: none known.
  address link;                  ///< Frames between actors; port 0: none known.
  std::uint64_t incarnation = 0; ///< Grows with each start of that node.
  std::string store;             ///< The id of its store.
  std::vector<service_id> services; ///< Those that it offers, canonical.
  reach state = reach::connecting;
  std::chrono::system_clock::time_point since; ///< Of `state`.
  /// Round trips that *that* site measured to others (smoothed), as gossip
  /// told; for `self`, our own.
  std::map<site_id, std::chrono::microseconds> round_trips;
  link_stats stats;
};

/// A snapshot, published whole and never changed after: readers hold a
/// pointer and take no lock. Sites are in the order of their names; `self`
/// is among them.
struct view {
  site_id self;
  std::uint64_t version = 0;
  std::vector<site> sites;

  /// By canonical name; nullptr if not known.
  [[nodiscard]] const site* find(const site_id& name) const noexcept;
  /// By a name in any case.
  [[nodiscard]] const site* find_any_case(std::string_view name) const noexcept;
  /// The round trip between two sites as either of them measured it: the
  /// larger where both did, zero between a site and itself.
  [[nodiscard]] std::optional<std::chrono::microseconds>
  round_trip(const site_id& a, const site_id& b) const;
};

using view_ptr = std::shared_ptr<const view>;

/// What an experiment does to the traffic with one peer, in one direction.
struct fault {
  bool cut = false;                   ///< Nothing passes, silently.
  std::chrono::microseconds delay{0}; ///< Added to each frame and head.
  double loss = 0;                    ///< Probability of a lost frame.
  friend bool operator==(const fault&, const fault&) = default;
};
struct peer_faults {
  fault in;  ///< From the peer to us.
  fault out; ///< From us to the peer.
  friend bool operator==(const peer_faults&, const peer_faults&) = default;
};

/// All injected faults of this node, by peer. Replaced as a whole.
using fault_table = std::map<site_id, peer_faults>;

} // namespace cheops::mesh
