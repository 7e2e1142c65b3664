#pragma once

#include "cheops/names.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Raft for one replicated resource, as pure steps. Sections are those of
/// D. Ongaro, "Consensus: Bridging Theory and Practice" (Stanford, 2014).
namespace cheops::raft {

using term_id = std::uint64_t;  ///< 0: before the first election.
using index_id = std::uint64_t; ///< 0: before the first entry.
/// Chosen by the asking member, unique in the group. A lost or doubled
/// message can bring an operation into the log twice: the layer above tells
/// by its id, and runs it once.
using request_id = std::uint64_t;

/// A member is a store, not a site: a site that lost its disk comes back
/// under a new store id, so an empty store never votes under its old name.
struct member_id {
  site_id site;
  std::string store;
  friend bool operator==(const member_id&, const member_id&) = default;
  friend auto operator<=>(const member_id&, const member_id&) = default;
};

enum class member_role : std::uint8_t {
  voter,   ///< Votes, keeps the log, applies it.
  learner, ///< Keeps and applies the log; catches up (4.2.1).
  witness, ///< Votes and keeps the newest part of the log; never applies
           ///< (J.-F. Pâris, "Voting with Witnesses", ICDCS 1986).
};

struct member {
  member_id id;
  member_role role = member_role::voter;
  friend bool operator==(const member&, const member&) = default;
};

/// The members, in the order of their ids.
using configuration = std::vector<member>;

enum class entry_kind : std::uint8_t {
  noop,      ///< A new leader's first, so that it can commit (3.6.2).
  operation, ///< A request to the application: opaque here.
  configure, ///< A new configuration, in force once it is in a log (4.1).
};

struct entry {
  term_id term = 0;
  index_id index = 0;
  entry_kind kind = entry_kind::noop;
  request_id request = 0; ///< Of the asking member; 0: none waits for it.
  std::string payload;
  configuration members; ///< With `configure`.
  friend bool operator==(const entry&, const entry&) = default;
};

/// What the log's beginning was folded into (chapter 5).
struct snapshot {
  index_id index = 0;
  term_id term = 0;
  configuration members; ///< As of `index`.
  std::string payload;   ///< The operations that rebuild the resource.
  friend bool operator==(const snapshot&, const snapshot&) = default;
};

// -- messages between members ------------------------------------------------

/// RequestVote (3.4), and its rehearsal, which changes no term (9.6).
struct vote_request {
  bool rehearsal = false;
  index_id last_index = 0;
  term_id last_term = 0;
  bool transfer = false; ///< The leader asked for it: no stickiness (3.10).
};
struct vote_answer {
  bool rehearsal = false;
  bool granted = false;
};

/// AppendEntries (3.5); without entries a heartbeat.
struct append_request {
  index_id previous_index = 0;
  term_id previous_term = 0;
  std::vector<entry> entries;
  index_id commit = 0;
  index_id held_by_all = 0; ///< Every full member has the log up to here.
  std::uint64_t round = 0;  ///< Echoed: confirms leadership to reads (6.4).
  bool sleep = false;       ///< Nothing is going on: stop ticking.
};
struct append_answer {
  bool accepted = false;
  index_id match = 0; ///< Accepted: stored up to here.
  /// Refused: where the logs may still agree, so that the leader goes back
  /// over a whole term at once (3.5, last paragraph).
  index_id hint_index = 0;
  term_id hint_term = 0;
  std::uint64_t round = 0;
  bool full = false; ///< A witness at its cap.
};

/// InstallSnapshot (chapter 5); cutting it into chunks is the link's job.
struct snapshot_request {
  snapshot whole;
  std::uint64_t round = 0;
};

/// A follower's client: run this (6.2).
struct forwarded {
  request_id request = 0;
  std::string payload;
};
/// The leader to the asking follower: this message was not appended, another
/// member may be asked. (A copy of it may have been.)
struct forward_refused {
  request_id request = 0;
};

/// "Campaign now" (3.10).
struct timeout_now {};

/// A follower's reader asks for the read index (6.4).
struct read_index_request {
  std::uint64_t read = 0;
};
struct read_index_answer {
  std::uint64_t read = 0;
  bool granted = false;
  index_id index = 0;
};

using message_body =
  std::variant<vote_request, vote_answer, append_request, append_answer,
               snapshot_request, forwarded, forward_refused, timeout_now,
               read_index_request, read_index_answer>;

/// What travels; `from` is the link's word, not the sender's.
struct message {
  member_id from;
  member_id to;
  term_id term = 0;
  message_body body;
};

// -- inputs ------------------------------------------------------------------

/// A client asks this member.
struct proposed {
  request_id request = 0;
  std::string payload;
};
struct received {
  message what;
};
/// The disk has everything up to that `persist`.
struct stored {
  std::uint64_t sequence = 0;
};
/// The application has taken everything up to `index`.
struct applied {
  index_id index = 0;
};
/// Time moves by one.
struct ticked {};
/// A linearizable read (6.4).
struct read_asked {
  std::uint64_t read = 0;
};
/// The log up to `index` is folded into `payload`; for `index <= applied`.
struct folded {
  index_id index = 0;
  std::string payload;
};
/// Changes one member (4.1): adds it as a learner or witness, promotes a
/// learner to a voter, or removes it.
struct change_asked {
  request_id request = 0;
  member_id who;
  std::optional<member_role> role; ///< Unset: remove.
};
/// Move the leadership there (3.10).
struct transfer_asked {
  member_id to;
};
/// A link to that member's site came up: what it lacks may be sent.
struct reachable {
  member_id who;
};
/// This member founds the group, now. The founder leads the first term; in a
/// group without one, it campaigns without a wait. Given once, before anything
/// else: never to a member that comes back from its store.
struct founded {};

using input =
  std::variant<proposed, received, stored, applied, ticked, read_asked, folded,
               change_asked, transfer_asked, reachable, founded>;

// -- effects -----------------------------------------------------------------

/// What must survive a crash (3.8). Answered by `stored` once it is synced;
/// later ones include what earlier ones said.
struct persist {
  std::uint64_t sequence = 0;
  term_id term = 0;
  std::optional<member_id> voted_for;
  /// The stored log is cut before this index, then `entries` follow.
  index_id from = 0;
  std::vector<entry> entries;
  std::optional<snapshot> whole; ///< Replaces the log up to its index.
  friend bool operator==(const persist&, const persist&) = default;
};

/// May be lost, doubled, overtaken.
struct send {
  message what;
};

/// Committed: to be applied once and in order; answered by `applied`.
struct apply {
  std::vector<entry> entries;
};

/// The resource must be rebuilt from this; answered by `applied`.
struct restore {
  snapshot whole;
};

/// Why a request of `proposed` or `change_asked` will not be run.
enum class refusal : std::uint8_t {
  no_leader,    ///< Surely appended nowhere: it may be tried again.
  busy,         ///< A bound was hit, or a change is under way.
  witness_full, ///< The witness is at its cap, and needed for a quorum.
  not_member,   ///< This store does not belong to the group (any more).
  bad_change,   ///< The change makes no sense: see docs/consensus.md.
};
struct refused {
  request_id request = 0;
  refusal why = refusal::no_leader;
};

/// The request may or may not be run: it left this member, and no answer
/// came within the election timeouts allowed.
struct fate_open {
  request_id request = 0;
};

/// The read may be served once `index` is applied here.
struct read_granted {
  std::uint64_t read = 0;
  index_id index = 0;
};
struct read_refused {
  std::uint64_t read = 0;
};

/// For people and metrics: who leads, as far as known here.
struct leads {
  std::optional<member_id> who;
  term_id term = 0;
};

using effect = std::variant<persist, send, apply, restore, refused, fate_open,
                            read_granted, read_refused, leads>;

} // namespace cheops::raft
