#pragma once

#include "cheops/replicant/state.hpp"
#include "cheops/replicant/types.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cheops::replicant {

/// What an owner is made of.
struct owner_identity {
  meta_id meta;
  /// In a new group: this store. Where a message came: to whom it was sent,
  /// which must be this store or a membership of it (`store_of`). Of one that
  /// is recovered: not looked at, it was stored.
  member_id self;
  /// Greater than that of any earlier owner of this replicant at this store,
  /// also of those whom the same process has passivated.
  std::uint64_t session = 1;
  std::uint64_t seed = 1; ///< Of random waits; another one at each site.
  std::shared_ptr<const ports::vault> keys; ///< Null: no witness may come.
};

/// An owner where there was none. `founding`: a client of this site asks for
/// the resource, so this site begins the group; false: a message came of a
/// group that is not known here (it carries `born`).
[[nodiscard]] state make_owner(const owner_identity& who, birth born,
                               const settings& set, bool founding);

/// An owner as its store had it.
[[nodiscard]] state recover_owner(const owner_identity& who,
                                  stored_replicant from, const settings& set);

/// What to do with a message of a replicant that has no owner here and
/// nothing in the store.
enum class contact : std::uint8_t {
  spawn,   ///< Make an owner (not founding) and give it the message.
  unknown, ///< Reply with `unknown_group`.
  gone,    ///< Reply with `group_gone`.
  left,    ///< Reply with `farewell_heard`.
  ignore,
};
[[nodiscard]] contact first_contact(const message& m, const meta_id& meta,
                                    const generations& over);
[[nodiscard]] message reply_to(const message& m, message_body body);

/// Moves `self` by one input and says what must now be done, in this order.
/// Reads no clock, no random source, no I/O: equal calls give equal effects.
///
/// The caller's duties: `persist` effects reach the disk whole and in their
/// order, and `stored` tells of the last that is synced; each `call`, `probe`
/// and `await` is answered as types.hpp says; while `is_awake`, `ticked` comes
/// at a steady pace. Messages may be lost, doubled and reordered.
[[nodiscard]] std::vector<effect> step(state& self, const input& in);

/// Whether it wants ticks.
[[nodiscard]] bool is_awake(const state& x);

/// Whether it may be stopped and recovered later: nobody waits, nothing runs,
/// everything is stored.
[[nodiscard]] bool is_idle(const state& x);

/// Whether another replicant at this site is as far as somebody waits for:
/// everything up to `index` is done here, without trouble. To be asked again
/// after each of its steps.
[[nodiscard]] std::optional<reached> has_reached(const state& x,
                                                 index_id index);

/// Whether it needs somebody to lead the group: it lags behind another site,
/// or the members are not who they shall be.
[[nodiscard]] bool wants_leader(const state& x);

/// Sites whose link wakes it: they have not dealt with all that is decided, as
/// far as is known here, or its end waits for a word of theirs.
[[nodiscard]] std::vector<site_id> behind(const state& x);

/// How this site stands to the replicant.
[[nodiscard]] site_state state_of(const state& x);

/// The create whose call may have made a copy here under an id that is not
/// known yet; null: there is none, or it is `uncertain` and a person's.
[[nodiscard]] const operation* unsettled_create(const state& x);

inline constexpr std::string_view sealed_for_others =
  "it is sealed, and this site has no key that opens it: give it that of the "
  "others (replication.key_file), restart it, and `cheops retry replicant`";

/// Whether something of it is sealed, and no key of this site opens it.
[[nodiscard]] bool lacks_key(const state& x);

/// What is broken in `self`; empty if nothing is. `step` asserts that.
[[nodiscard]] std::string broken_invariant(const state& self);

} // namespace cheops::replicant
