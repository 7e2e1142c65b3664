#pragma once

#include "actors/interfaces.hpp"
#include "actors/questions.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/replicant/storage.hpp"
#include "cheops/replication.hpp"
#include "cheops/wire/messages.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Every actor, message and atom of replication, on one page.
///
///   data plane --questions--> OWNERS --inputs--> OWNER (one for each awake
///   router ----envelopes----->  |  ^              |  ^   replicant)
///   GATEWAY ------views------>  |  +---reports----+  |
///                             loads               |  kept
///                               v                 v  |
///                             KEEPER <--batches---+--+--> router, connector
namespace cheops::actors {

/// To be stored, from OWNER to KEEPER; answered by `kept`.
struct keep {
  replicant::meta_id meta;
  std::uint64_t sequence = 0;
  ports::batch what;
  caf::actor owner; ///< Null: nobody waits.
};

/// All that came before, and that one, is on the disk.
struct kept {
  std::uint64_t sequence = 0;
};

/// A replicant as the store has it. Shared because messages are copied.
struct loaded {
  replicant::meta_id meta;
  /// Unset: the store does not know it.
  std::shared_ptr<result<std::optional<replicant::stored_replicant>>> what;
};

/// Everything of a replicant goes, behind all that was to be kept of it;
/// answered by `erased`.
struct erase_order {
  replicant::meta_id meta;
  replicant::forgetting how;
};
struct erased {
  replicant::meta_id meta;
};

/// The store takes nothing more: for the rest of the process.
struct store_failed {
  error why;
};

/// Of somebody asleep: KEEPER looks into the store.
struct store_look {
  std::variant<std::shared_ptr<list_question>, std::shared_ptr<view_question>,
               std::shared_ptr<operation_question>>
    what;
};

/// From the data plane and the admin endpoint to OWNERS.
struct question_asked {
  std::variant<change_ptr, std::shared_ptr<read_question>,
               std::shared_ptr<list_question>, std::shared_ptr<view_question>,
               std::shared_ptr<operation_question>>
    what;
};

/// The sites as the GATEWAY shows them.
struct view_seen {
  mesh::view_ptr view;
};

/// The link to that site came up.
struct link_up {
  site_id site;
  std::string store; ///< That it has now.
};
/// `asker` waits for this replicant to be as far as `index`.
struct wish {
  replicant::meta_id asker;
  replicant::index_id index = 0;
};

/// From OWNERS to OWNER, who counts them.
struct owner_input {
  std::variant<delivered, change_ptr, std::shared_ptr<read_question>,
               std::shared_ptr<view_question>,
               std::shared_ptr<operation_question>, link_up, wish,
               replicant::reached>
    what;
};

/// Nothing is to be done; so many inputs were taken. May it sleep?
struct owner_rests {
  std::uint64_t taken = 0;
};
/// It ends, as it was told to.
struct owner_sleeps {
  bool marked = false; ///< Something was stored since it woke.
};
/// Something came for it when it was told to sleep.
struct owner_stays {};
/// What others need to know of it, while it is awake and after.
struct owner_shows {
  replicant::site_state state = replicant::site_state::pending;
  std::vector<site_id> behind; ///< Have not dealt with all that is decided.
};
/// It needs the replicant no more, and ends.
struct owner_forgets {
  replicant::forgetting how;
  raft::member_id who; ///< Who it was in the group.
};
/// This generation is over since `ended_at`: take the next.
struct owner_is_over {
  change_ptr asked;
  replicant::index_id ended_at = 0;
};
/// It waits for another.
struct owner_awaits {
  replicant::meta_id on;
  replicant::index_id index = 0;
};
/// For `asker`, who waited for it.
struct owner_reached {
  replicant::meta_id asker;
  replicant::reached what;
};

/// From OWNER to OWNERS.
struct owner_report {
  replicant::meta_id meta;
  std::variant<owner_rests, owner_sleeps, owner_stays, owner_shows,
               owner_forgets, owner_is_over, owner_awaits, owner_reached>
    what;
};

} // namespace cheops::actors

CAF_BEGIN_TYPE_ID_BLOCK(cheops_replication, caf::id_block::cheops::end)

CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::keep))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::kept))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::loaded))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::erase_order))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::erased))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::store_failed))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::store_look))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::question_asked))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::view_seen))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::owner_input))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::actors::owner_report))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::replicant::meta_id))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::replicant::probed))
CAF_ADD_TYPE_ID(cheops_replication, (cheops::ports::call_result))
CAF_ADD_ATOM(cheops_replication, cheops::atom, load, "load")
CAF_ADD_ATOM(cheops_replication, cheops::atom, commit, "commit")
CAF_ADD_ATOM(cheops_replication, cheops::atom, rest, "rest")
CAF_ADD_ATOM(cheops_replication, cheops::atom, sleep, "sleep")

CAF_END_TYPE_ID_BLOCK(cheops_replication)

// None of these leaves the process: between sites go frames of our codec.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::keep)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::kept)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::erase_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::erased)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::store_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::store_look)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::question_asked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::view_seen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::owner_input)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::owner_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::replicant::meta_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::replicant::probed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::ports::call_result)

namespace cheops::actors {

/// The KEEPER has a thread of its own and is the only user of the store. What
/// waits when it begins to write is written with one sync.
using keeper_actor = caf::typed_actor<
  // Start: OWNERS, to be told of erasures and of the end.
  caf::reacts_to<atom::begin, caf::actor>,
  // From an OWNER.
  caf::reacts_to<keep>,
  // From OWNERS, for an OWNER to be.
  caf::replies_to<atom::load, replicant::meta_id>::with<loaded>,
  // From OWNERS.
  caf::reacts_to<erase_order>,
  // From OWNERS.
  caf::reacts_to<store_look>,
  // From itself: all that waited before it is written now.
  caf::reacts_to<atom::commit>,
  // The last message of its life.
  caf::reacts_to<atom::stop>>;

/// An OWNER has one replicant of this site while it is awake: it turns what
/// comes into inputs of `replicant::step`, and effects into messages.
using owner_actor = caf::typed_actor<
  // From the owner of the same replicant at another site, by the router.
  caf::reacts_to<delivered>,
  // From OWNERS.
  caf::reacts_to<owner_input>,
  // From OWNERS, who has seen to it that nothing comes any more: end, if
  // there is still nothing to do.
  caf::reacts_to<atom::sleep>,
  // From the KEEPER.
  caf::reacts_to<kept>,
  // From the connector.
  caf::reacts_to<ports::call_result>,
  // From the connector.
  caf::reacts_to<replicant::probed>,
  // Its own timer, while there is something to do.
  caf::reacts_to<caf::tick_atom>,
  // Its own timer, when there was nothing to do: with what was taken then.
  caf::reacts_to<atom::rest, std::uint64_t>,
  // The last message of its life.
  caf::reacts_to<atom::stop>>;

/// OWNERS knows which replicants this site has, and the OWNER of each that is
/// awake. What clients ask of an OWNER comes through it.
using owners_actor = caf::typed_actor<
  // Start: wake who was awake when the process ended last.
  caf::reacts_to<atom::begin>,
  // From the router, for replicants without an OWNER.
  caf::reacts_to<delivered>,
  // From the data plane and the admin endpoint.
  caf::reacts_to<question_asked>,
  // From the GATEWAY.
  caf::reacts_to<view_seen>,
  // From an OWNER.
  caf::reacts_to<owner_report>,
  // From the KEEPER.
  caf::reacts_to<erased>,
  // From the KEEPER: the end of what can be promised here.
  caf::reacts_to<store_failed>,
  // Ends when the last OWNER has.
  caf::reacts_to<atom::stop>>;

} // namespace cheops::actors
