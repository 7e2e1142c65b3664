#pragma once

#include "cheops/raft/log.hpp"
#include "cheops/raft/types.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace cheops::raft {

/// Bounds and paces. A tick is as long as the caller makes it.
struct settings {
  unsigned heartbeat_ticks = 2;
  unsigned election_ticks = 10; ///< Drawn anew from [this, 2 * this).
  unsigned sleep_ticks = 10;    ///< Quiet for so long: the group sleeps.
  unsigned patience_ticks = 50; ///< A request's wait for a leader or fate.
  std::size_t append_bytes_max = 256 * 1024; ///< A message's payloads.
  std::size_t append_entries_max = 128;
  std::size_t in_flight_max = 16; ///< Messages to a member, unanswered.
  std::size_t waiting_max = 256;  ///< Requests that no leader has yet.
  std::size_t reads_max = 256;
  std::size_t uncommitted_bytes_max = 32 * 1024 * 1024;
  std::size_t witness_bytes_max = 16 * 1024 * 1024;
  /// Leadership goes to a member that forwards so many in a row; 0: never.
  unsigned follow_writer_after = 4;
  unsigned hold_ticks = 50; ///< … but not sooner than this after it came.
};

enum class role : std::uint8_t { follower, rehearsing, candidate, leader };

/// What a leader knows of another member.
struct progress {
  index_id match = 0;  ///< Stored there up to here.
  index_id next = 1;   ///< To be sent next.
  bool probing = true; ///< Until the logs are known to agree: one at a time.
  bool probe_out = false;
  /// Last indexes of the messages sent and not answered (10.2.2).
  std::deque<index_id> in_flight;
  index_id snapshot_out = 0;  ///< Being sent; 0: none.
  std::uint64_t round = 0;    ///< The newest that it answered.
  unsigned silent_ticks = 0;  ///< Since its last answer.
  unsigned stalled_ticks = 0; ///< Something is out, and `match` stays.
  bool full = false;          ///< A witness at its cap.
};

/// A request that this member was asked to run.
struct asked {
  std::string payload;   ///< Until it was appended here.
  bool appended = false; ///< Here, by us as a leader.
  bool out = false;      ///< Appended or forwarded, and not refused since.
  /// Was ever out. A refusal may be the answer to a copy of the message, the
  /// first of which was appended: nobody can say any more that it is nowhere.
  bool left = false;
  unsigned ticks = 0;
};

struct read {
  member_id from;
  std::uint64_t id = 0;
  index_id index = 0;
  std::uint64_t round = 0; ///< 0: not sent yet (no commit in this term).
  unsigned ticks = 0;
};

/// A message that may leave once `sequence` is stored.
struct deferred {
  std::uint64_t sequence = 0;
  message what;
};

/// A `persist` on its way: after it the log is stored up to `upto`.
struct storing {
  std::uint64_t sequence = 0;
  index_id upto = 0;
};

/// One member of one group. Plain data; only `step` changes it.
struct state {
  settings set;
  member_id self;
  std::uint64_t random = 1; ///< Of the election timeouts (3.4).

  // -- stored (3.8) ----------------------------------------------------------
  term_id term = 0;
  std::optional<member_id> voted_for;
  raft::log log;

  // -- every member ----------------------------------------------------------
  role now = role::follower;
  std::optional<member_id> leader;
  index_id commit = 0;
  index_id dispatched = 0; ///< Handed out by `apply` or `restore`.
  index_id applied = 0;
  index_id stable = 0;      ///< Our own disk has the log up to here.
  bool awake = false;       ///< Wants ticks.
  unsigned quiet_ticks = 0; ///< Since the leader was heard; leader: since
                            ///< something happened.
  unsigned election_wait = 10;
  unsigned wanted_ticks = 0; ///< Somebody needs a leader for so long yet.
  std::uint64_t sequence = 0;
  std::deque<storing> on_the_way;
  std::deque<deferred> held_back;
  std::map<request_id, asked> requests;
  std::vector<read> reads;

  // -- candidates ------------------------------------------------------------
  std::map<member_id, bool> ballots;
  bool by_transfer = false;

  // -- leaders ---------------------------------------------------------------
  std::map<member_id, progress> peers;
  std::uint64_t round = 0;
  unsigned beat_ticks = 0;
  unsigned check_ticks = 0;
  unsigned reign_ticks = 0;
  std::optional<member_id> successor; ///< Leadership is going there.
  unsigned successor_ticks = 0;
  std::optional<member_id> writer; ///< Who forwarded last …
  unsigned writes_in_row = 0;      ///< … and how many times in a row.

  [[nodiscard]] const configuration& members() const { return log.members(); }
};

/// A member of a new group, which starts with all its members (no election
/// is needed for the configuration itself), or a store that knows nothing
/// yet and is to be added as a learner (`members` empty, or without it).
/// `founder`: every member begins as if it had voted for it in term 1, so that
/// it leads without an election. All members must be given the same.
[[nodiscard]] state make_member(member_id self, configuration members,
                                settings set, std::uint64_t seed,
                                std::optional<member_id> founder = {});

/// A member as its store had it. `applied`: what the application has surely
/// taken, by the store's outcomes.
[[nodiscard]] state recovered(member_id self, term_id term,
                              std::optional<member_id> voted_for,
                              raft::log from, index_id applied, settings set,
                              std::uint64_t seed);

} // namespace cheops::raft
