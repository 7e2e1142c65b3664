#pragma once

#include "actors/owner.hpp"
#include "actors/owners.hpp"

#include <deque>
#include <map>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

/// What OWNERS knows, and the parts that it is made of: owners.cpp is the
/// actor, owners_asked.cpp what is asked of it, residents.cpp how owners come
/// and owners_state.cpp what is counted.
namespace cheops::actors {

using replicant::meta_id;

/// A replicant with an owner, or on its way to or from one.
struct resident {
  enum class phase : std::uint8_t {
    loading, ///< KEEPER reads it.
    awake,
    resting, ///< Told to sleep; it may yet say that it stays.
    erasing, ///< KEEPER removes it.
  };
  phase now = phase::loading;
  owner_actor owner;
  std::uint64_t given = 0;       ///< Inputs, to this owner.
  std::vector<owner_input> held; ///< Until there is an owner.
  bool woken = false;   ///< One of those that are woken a few at a time.
  bool awaited = false; ///< It has waited for others.
};

struct neighbour_site {
  std::string store;
  bool up = false;
};

struct owners_state {
  static inline const char* name = "owners";
  owners_plan plan;
  catalogue known;
  replicant::generations over; ///< Reads the store beside KEEPER.
  std::unordered_map<meta_id, resident> residents;
  std::unordered_map<caf::actor_id, meta_id> by_actor;
  /// Who waits for a replicant, by whom it waits for.
  std::unordered_map<meta_id, std::vector<wish>> wishes;
  std::map<site_id, neighbour_site> sites;
  std::map<site_id, unsigned> bits; ///< In `known_replicant::behind`.
  /// And the link to the site that it is woken for.
  std::deque<std::pair<meta_id, std::optional<link_up>>> to_wake;
  std::size_t waking = 0;
  /// Times that an owner of it has ended out of order.
  std::unordered_map<meta_id, unsigned> fallen;
  std::size_t awake_most = 0; ///< Since memory was last given back.
  std::uint64_t next_session = 0;
  std::mt19937_64 random;
  bool failed = false;
  bool stopping = false;

  [[nodiscard]] raft::member_id self() const {
    const auto& x = plan.parts->plan;
    return {x.self, x.store_id};
  }
  [[nodiscard]] replicant::owner_identity
  identity(const meta_id& meta, const replicant::member_id& as);
};

using owners_ptr = owners_actor::stateful_pointer<owners_state>;
using phase = resident::phase;

// -- owners_state.cpp --------------------------------------------------------

/// The members that a client asks for. Errors: unknown_site, bad_request.
[[nodiscard]] result<raft::configuration> members_of(const owners_state& st,
                                                     const ports::creation& x);

/// Puts the id of the new replicant where another stands for it.
void name_itself(replicant::operation& x, const meta_id& was,
                 const meta_id& meta);

/// Counts it, as it is now in place of what it was.
void show(owners_state& st, const meta_id& meta, const owner_shows& x);
void know(owners_state& st, const meta_id& meta);
void forget(owners_state& st, const meta_id& meta);
/// Counts all that the store has.
void count_all(owners_state& st);
[[nodiscard]] bool is_behind(const owners_state& st, const known_replicant& x,
                             const site_id& site);

// -- residents.cpp -----------------------------------------------------------

[[nodiscard]] bool has(const owners_state& st, const meta_id& meta);
/// Whether it was here and is over, as far as can be said.
[[nodiscard]] bool is_over(const owners_state& st, const meta_id& meta);
[[nodiscard]] bool has_room(const owners_state& st);
[[nodiscard]] error no_room();
/// There is no such replicant, or no more.
void refuse(const change_ptr& x, const owners_state& st);
void give(owners_ptr self, resident& to, owner_input x);
void give_if_awake(owners_ptr self, const meta_id& meta, owner_input x);
/// To the owner, which is loaded where it sleeps.
void give_or_load(owners_ptr self, const meta_id& meta, owner_input x);
void spawn(owners_ptr self, const meta_id& meta, resident& as,
           std::variant<new_group, replicant::stored_replicant> from);
resident& load(owners_ptr self, const meta_id& meta);
/// From now on the router brings it what peers say, or no longer.
void attach(owners_state& st, const meta_id& meta, const resident& x);
void detach(owners_state& st, const meta_id& meta, const resident& x);
/// As if it came anew, to an owner that is no more.
void give_again(owners_ptr self, const meta_id& meta, owner_input x);
/// Gives what was held for it.
void give_held(owners_ptr self, resident& to);
/// Some of those that are to be woken, as long as there is room.
void wake_more(owners_ptr self);

// -- owners_asked.cpp --------------------------------------------------------

/// Finds or makes the group for a create, and gives it to its owner.
void create(owners_ptr self, const change_ptr& x);
void on_delivered(owners_ptr self, delivered& x);
void on_question(owners_ptr self, const question_asked& x);

} // namespace cheops::actors
