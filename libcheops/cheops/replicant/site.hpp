#pragma once

#include "cheops/replicant/record.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What one site keeps of its own copy.
namespace cheops::replicant {

/// How a site stands to the replicant. Stored and sent: append only.
enum class site_state : std::uint8_t {
  pending = 0,   ///< Decided entries wait to be done there.
  ok = 1,        ///< All that is decided is done.
  diverged = 2,  ///< Its application refused what another accepted.
  uncertain = 3, ///< A call was abandoned; nobody can tell what it did.
};

[[nodiscard]] std::string_view to_string(site_state x) noexcept;

/// Stored before the application is called: after a crash it says that the
/// call may have been made. It holds what is needed to find out, also if the
/// entry itself is folded away by then.
struct intent {
  index_id index = 0;
  operation_id id;
  operation about; ///< Without fields and body.
  friend bool operator==(const intent&, const intent&) = default;
};

/// Stored after the application answered.
struct outcome {
  index_id index = 0;
  std::uint16_t status = 0; ///< 0: nothing was called.
  site_state how = site_state::ok;
  digest128 answer; ///< Of the body.
  friend bool operator==(const outcome&, const outcome&) = default;
};

/// An entry that makes this site `diverged` or `uncertain`.
struct trouble {
  index_id index = 0;
  change does = change::create;
  site_state how = site_state::diverged;
  std::uint16_t status = 0; ///< Of the application; 424: what it needs is
                            ///< not there; 0: no answer.
  bool compensate = false;  ///< Its rule says so, and it can be undone.
  bool lasting = false;     ///< The call may act at any time: nothing that
                            ///< comes later heals it.
  friend bool operator==(const trouble&, const trouble&) = default;
};

/// What a site tells the others of itself.
struct summary {
  std::uint64_t session = 0; ///< With `version`: the newer counts.
  std::uint64_t version = 0;
  index_id done = 0;  ///< Every entry up to here is dealt with.
  bool ended = false; ///< It knows that the resource is deleted.
  bool gone = false;  ///< It has forgotten the whole replicant.
  site_state state = site_state::ok;
  std::string local_id;
  std::vector<outcome> last;
  friend bool operator==(const summary&, const summary&) = default;
};

inline constexpr std::size_t outcomes_max = 16;
inline constexpr std::size_t troubles_max = 64;

/// Plain data, stored as a whole.
struct site_record {
  index_id known = 0;   ///< Committed up to here, as far as was known.
  index_id done = 0;    ///< Dealt with up to here: done, a no-op, or a trouble.
  bool exists = false;  ///< The application here has the resource …
  std::string local_id; ///< … under that id, if it gave one,
  service_id service;   ///< of that service
  std::string kind;     ///< and kind.
  std::optional<intent> doing;
  /// What we were asked and will not be done: our application refused it, or
  /// (`pending`) surely did not run it. The verdict is not in the log yet.
  std::optional<outcome> refused;
  std::deque<outcome> last; ///< The newest.
  std::vector<trouble> troubles;
  /// The members as of `known`; empty: those that the group began with.
  raft::configuration members;
  /// Of the other members, as they said last.
  std::map<raft::member_id, summary> others;
  friend bool operator==(const site_record&, const site_record&) = default;
};

/// The create whose call may have made a copy here of which this record does
/// not know yet; null: there is none, or it is `uncertain` and a person's.
[[nodiscard]] const operation* unsettled_create(const site_record& x);

[[nodiscard]] intent intent_of(index_id index, const operation_id& id,
                               const operation& what);
[[nodiscard]] const outcome* find(const site_record& in, index_id index);
void note_outcome(site_record& in, const outcome& x);

/// Whether a site that refuses it has it undone everywhere.
[[nodiscard]] bool compensates(const operation& x);

/// The worst of its troubles; `ok` without any.
[[nodiscard]] site_state worst(const site_record& x);

[[nodiscard]] std::string broken_invariant(const site_record& x);

} // namespace cheops::replicant
