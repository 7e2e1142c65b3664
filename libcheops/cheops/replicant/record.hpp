#pragma once

#include "cheops/replicant/entry.hpp"

#include <deque>
#include <map>
#include <optional>
#include <vector>

/// What every site of a replicant knows alike: a function of the log alone.
namespace cheops::replicant {

/// What became of a submission. Stored and sent: append, never renumber.
enum class fate : std::uint8_t {
  open = 0,       ///< Its verdict is not in the log yet.
  stands = 1,     ///< To be done at every site.
  voided = 2,     ///< The asking site's application refused it: nowhere.
  stale = 3,      ///< What it changes was changed since it was read: nowhere.
  repeated = 4,   ///< A retry of an earlier one (Idempotency-Key): nowhere.
  key_reused = 5, ///< That key belongs to another request: nowhere.
  absent = 6,     ///< There is no resource yet: nowhere.
  over = 7,       ///< The resource was deleted: nowhere.
  undone = 8,     ///< Stood, and was compensated.
};

[[nodiscard]] std::string_view to_string(fate x) noexcept;

/// A submission and its fate, kept for who asks later.
struct note {
  operation_id id;
  index_id index = 0;
  change does = change::create;
  fate how = fate::open;
  std::uint16_t status = 0; ///< Of the asking site's application; 0: none.
  index_id first = 0;       ///< `repeated`: the index of the first.
  friend bool operator==(const note&, const note&) = default;
};

/// A submission that is committed and has no fate yet.
struct open_entry {
  index_id index = 0;
  submission what;
  std::optional<verdict> said; ///< Came before those in front were decided.
  friend bool operator==(const open_entry&, const open_entry&) = default;
};

/// A submission that stands and is needed to build the resource.
struct kept_entry {
  index_id index = 0;
  submission what;
  index_id undoes = 0; ///< Set: the `undo` of `what`, which stood there.
  friend bool operator==(const kept_entry&, const kept_entry&) = default;
};

/// What came of one origin (dissertation, 6.3).
struct session_note {
  std::uint64_t session = 0;
  std::uint64_t floor = 0;         ///< What is below it is over.
  std::vector<std::uint64_t> seen; ///< Above it, ascending.
  index_id used_at = 0;
  friend bool operator==(const session_note&, const session_note&) = default;
};

/// Of a change that came to nothing it is forgotten: a retry is a new try.
struct key_note {
  client_key key;
  index_id index = 0;
  friend bool operator==(const key_note&, const key_note&) = default;
};

/// A member that was removed, until all have told it.
struct departed_member {
  raft::member_id who;
  index_id at = 0;
  bool remove = true; ///< Its application is to lose the resource.
  friend bool operator==(const departed_member&,
                         const departed_member&) = default;
};

inline constexpr std::size_t notes_max = 64;
inline constexpr std::size_t keys_max = 64;
inline constexpr std::size_t sessions_max = 128;
inline constexpr std::size_t departed_max = 16;

/// Plain data; only `take` changes it.
struct record {
  index_id at = 0;         ///< Taken up to here.
  index_id created_at = 0; ///< 0: not yet.
  index_id changed_at = 0; ///< Of the last that stands.
  index_id ended_at = 0;   ///< 0: lives.
  std::deque<open_entry> open;
  std::vector<kept_entry> build; ///< By index: what a new site must do.
  std::deque<note> notes;        ///< The newest, by the time of decision.
  std::map<std::uint64_t, session_note> sessions; ///< By origin.
  std::deque<key_note> keys;
  raft::configuration members; ///< As of `at`.
  std::optional<membership_goal> goal;
  std::vector<departed_member> departed;
  friend bool operator==(const record&, const record&) = default;
};

/// A record before the first entry.
[[nodiscard]] record empty_record(const raft::configuration& members);

/// Takes the next entry of the log: `x.index` is `to.at + 1`. Gives what was
/// decided by it. An entry that cannot be read is passed over, at every site
/// alike.
std::vector<note> take(record& to, const raft::entry& x);

/// The fate of an operation, if it is still known.
[[nodiscard]] const note* find(const record& in, const operation_id& id);
[[nodiscard]] const note* find(const record& in, index_id index);
[[nodiscard]] const kept_entry* kept(const record& in, index_id index);
/// The entry, where it has no fate yet.
[[nodiscard]] const open_entry* find_open(const record& in, index_id index);

/// Whether the entry, which had a client's key, surely stood: also where its
/// note has made room for newer ones. False: it did not, or nobody knows.
[[nodiscard]] bool stood(const record& in, index_id index, change does);

/// Bytes of what `build` and `open` hold.
[[nodiscard]] std::size_t bytes_of(const record& x);

/// What is broken in it; empty if nothing is.
[[nodiscard]] std::string broken_invariant(const record& x);

} // namespace cheops::replicant
