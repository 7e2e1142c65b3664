#pragma once

#include "cheops/raft/state.hpp"
#include "cheops/replicant/storage.hpp"
#include "cheops/replicant/types.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace cheops::replicant {

/// Bounds and paces. A tick is as long as the caller makes it.
struct settings {
  raft::settings group;
  unsigned tick_ms = 100; ///< How long a tick is, for `settles_after_ms`.
  std::size_t entry_bytes_max = 3 * 1024 * 1024;
  std::size_t build_bytes_max = 16 * 1024 * 1024; ///< What rebuilds it.
  std::size_t waiting_max = 256; ///< Clients and readers of one replicant.
  unsigned patience_ticks = 100; ///< A client's, where it says nothing.
  /// Others go on without the asking site's word after so long.
  unsigned judge_ticks = 100;
  unsigned dependency_ticks = 100; ///< For another replicant.
  unsigned retry_ticks_max = 300;  ///< Between two calls: 1, 2, 4, … of them.
  unsigned attempts_max = 8;       ///< Calls that are answered with a 5xx.
  unsigned report_ticks = 2;       ///< Until the others are told …
  unsigned report_ticks_max = 64;  ///< … and told again,
  unsigned report_tries = 8;       ///< so many times.
  std::size_t fold_entries = 64;
  std::size_t fold_bytes = 1024 * 1024;
};

/// What is being done with the next entry at this site's application.
enum class phase : std::uint8_t {
  idle,     ///< Nothing is left to do, or it waits for a verdict.
  awaiting, ///< Other replicants are not as far yet.
  calling,  ///< The intent is stored, or on its way; then `called` comes.
  settling, ///< A call was abandoned: until it can no longer act.
  probing,  ///< `probed` comes.
  resting,  ///< Until the next attempt.
  stuck,    ///< A create that is uncertain: a person must say.
};

struct work {
  phase now = phase::idle;
  index_id index = 0;
  operation_id id;
  operation what;
  bool undo = false;       ///< `what.undo` is to be called, not `what`.
  bool leaving = false;    ///< As `undo`, because this site leaves.
  bool soon = false;       ///< Somebody waits for every site.
  bool superseded = false; ///< Only to be settled: the entry is dropped.
  bool probes = false;     ///< `resting`: the probe is to be tried again.
  bool maybe = false;      ///< A call of unknown fate was not settled since.
  call_id call = 0;
  unsigned ticks = 0;       ///< Left in `awaiting`, `settling`, `resting`.
  unsigned rests = 0;       ///< So many times already.
  unsigned attempts = 0;    ///< Answered with a 5xx.
  std::uint16_t status = 0; ///< Of the last answer.
  /// The other replicants' local ids; unset: not reached yet.
  std::map<meta_id, std::optional<std::string>> needs;
};

/// A client that waits.
struct waiter {
  token_id token = 0;
  wait_for until = wait_for::here;
  bool scales = false; ///< Asked for members, not for an operation.
  operation_id id;
  operation what;
  index_id index = 0; ///< 0: not known to be committed.
  index_id first = 0; ///< Of the one that it repeats.
  call_id call = 0;   ///< Whose answer is its own.
  std::uint16_t stale_status = 0;
  unsigned ticks = 0;
  unsigned patience = 0;
  bool told = false; ///< Its answer waits for the disk.
};

struct reader {
  token_id token = 0;
  std::uint64_t read = 0; ///< As raft knows it.
  std::optional<index_id> index;
  unsigned ticks = 0;
};

/// Something of our own that goes through the log.
struct proposal {
  enum class kind : std::uint8_t { verdict, compensation };
  kind what = kind::verdict;
  index_id index = 0;
};

/// A member that has not heard our newest summary.
struct untold_member {
  unsigned ticks = 0; ///< Until it is told (again).
  unsigned tries = 0;
};

/// What may go out once `sequence` is stored.
struct held_effect {
  std::uint64_t sequence = 0;
  effect what;
};

/// A `persist` on its way, and raft's number of what it holds.
struct storing {
  std::uint64_t sequence = 0;
  std::uint64_t group = 0;
};

/// The owner of one replicant at one site. Plain data; only `step` changes
/// it.
struct state {
  settings set;
  meta_id meta;
  birth born;
  std::uint64_t mark = 0; ///< `fingerprint` of `born`.
  member_id self;
  std::uint64_t origin = 0; ///< Of `self`.
  std::uint64_t session = 0;
  std::uint64_t random = 1;
  std::shared_ptr<const ports::vault> keys; ///< None: content is in clear.

  raft::state group;
  record shared;
  site_record site;
  std::string halted; ///< Why nothing goes on here; empty: it does.

  // -- this session's --------------------------------------------------------
  bool founding = false;  ///< We are to begin the group.
  bool born_kept = false; ///< `born` is stored.
  stored_range range;
  std::uint64_t next_sequence = 1;
  call_id next_call = 1;
  std::map<std::uint64_t, waiter> waiters; ///< By sequence.
  std::vector<reader> readers;
  std::map<std::uint64_t, proposal> proposals; ///< By sequence.
  unsigned propose_rest = 0;
  work doing;
  bool fresh_intent = false; ///< `site.doing` is of this session.
  index_id judged = 0;       ///< The open entry that `judge_ticks` counts.
  unsigned judge_ticks = 0;
  std::set<member_id> heard; ///< They know the group.
  std::set<member_id> foreign;
  std::map<member_id, untold_member> untold;
  std::set<member_id> told;          ///< Are, or were, among `untold`.
  std::uint64_t version = 0;         ///< Of our summary.
  std::set<member_id> departed_told; ///< They know that they left.
  std::set<member_id> lost;          ///< Their sites have other stores now.
  unsigned farewell_ticks = 0;
  std::uint64_t change_out = 0; ///< Sequence of a change of members.
  unsigned change_rest = 0;
  std::optional<farewell> leaving;
  bool over_elsewhere = false; ///< `leaving`: the others have forgotten it.
  std::uint64_t catch_up = 0;  ///< As raft knows the read that asks for it.
  unsigned behind_ticks = 0;
  unsigned behind_tries = 0;
  bool forgotten = false;

  // -- the disk --------------------------------------------------------------
  std::uint64_t sequence = 0;
  std::deque<storing> on_the_way;
  std::deque<held_effect> held;
};

} // namespace cheops::replicant
