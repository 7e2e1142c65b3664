// Sites that come and go: one change at a time, towards the goal in the log.

#include "cheops/replicant/members.hpp"

#include "cheops/raft/quorum.hpp"
#include "cheops/replicant/owner.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

using raft::member_role;

const raft::member* missing(const raft::configuration& from,
                            const raft::configuration& wanted,
                            member_role role) {
  for (const auto& m : wanted)
    if (m.role == role && raft::find(from, m.id) == nullptr)
      return &m;
  return nullptr;
}

bool unwanted(const raft::member& x, const raft::configuration& wanted) {
  const auto* m = raft::find(wanted, x.id);
  return m == nullptr || raft::is_witness(*m) != raft::is_witness(x);
}

} // namespace

std::optional<raft::change_asked> next_change(const raft::configuration& now,
                                              const raft::configuration& wanted,
                                              const member_id& leader) {
  raft::change_asked out;
  // What would be refused later for want of voters goes first.
  for (const auto& m : now)
    if (raft::is_witness(m) && unwanted(m, wanted))
      return raft::change_asked{0, m.id, std::nullopt};
  for (const auto& m : now)
    if (m.role == member_role::learner && !unwanted(m, wanted))
      return raft::change_asked{0, m.id, member_role::voter};
  if (const auto* m = missing(now, wanted, member_role::voter))
    return raft::change_asked{0, m->id, member_role::learner};
  if (const auto* m = missing(now, wanted, member_role::witness)) {
    // A store has one part in a group: its copy goes before it votes only.
    for (const auto& x : now)
      if (store_of(x.id) == store_of(m->id))
        return raft::change_asked{0, x.id, std::nullopt};
    return raft::change_asked{0, m->id, member_role::witness};
  }
  // The leader goes last: it is the one who brings it about.
  const raft::member* goes = nullptr;
  for (const auto& m : now)
    if (unwanted(m, wanted) && (goes == nullptr || goes->id == leader))
      goes = &m;
  if (goes == nullptr)
    return std::nullopt;
  return raft::change_asked{0, goes->id, std::nullopt};
}

void owner::drive_members() {
  // The goal names members as of what was taken.
  if (!leads() || !s_.shared.goal || s_.change_out != 0 || s_.change_rest > 0
      || s_.shared.at < s_.group.log.members_index())
    return;
  auto change =
    next_change(s_.group.members(), s_.shared.goal->members, s_.self);
  if (!change)
    return;
  s_.change_out = s_.next_sequence++;
  change->request = request_of({s_.origin, s_.session, s_.change_out});
  // It may have come while the group slept.
  if (change->role == member_role::voter)
    give(raft::reachable{change->who});
  give(*change);
}

/// The create of the copy here. Of what was deleted, only the removal is kept.
const submission* owner::what_made_it() const {
  for (const auto& k : s_.shared.build)
    if (k.what.does == change::create || k.what.does == change::remove)
      return &k.what;
  // Done here, where it was asked for; the word on it did not come this far.
  for (const auto& o : s_.shared.open)
    if (o.what.does == change::create)
      return &o.what;
  return nullptr;
}

/// This site is no member any more: the resource goes, if that was asked for.
void owner::leave() {
  if (!s_.leaving)
    return;
  auto& w = s_.doing;
  if (w.leaving || w.now == phase::calling || w.now == phase::settling
      || w.now == phase::probing)
    return; // First what runs.
  // And what may have made a copy of which nobody would know.
  if (w.maybe && !s_.site.exists
      && (w.now == phase::resting || w.now == phase::awaiting))
    return;
  if (!s_.leaving->remove || !s_.site.exists) {
    left();
    return;
  }
  if (const auto* made = what_made_it())
    if (auto what = content_of(*made);
        what && (what->undo || what->does == change::remove)) {
      w = {};
      w.index = s_.leaving->at;
      w.id = made->id;
      w.what = std::move(*what);
      w.leaving = true;
      call_now();
      return;
    }
  left(); // Nobody said how to remove it.
}

void owner::left() {
  if (s_.forgotten)
    return;
  s_.doing = {};
  s_.forgotten = true;
  if (s_.site.exists)
    unmade();
  for (const auto& m : s_.group.members())
    if (m.id != s_.self)
      say_stored(m.id, farewell_heard{});
  // Nobody is left to answer them afterwards.
  settle_waiters();
  serve_readers();
  hold(forget{{s_.over_elsewhere, s_.born.key.has_value()}, s_.self});
}

} // namespace cheops::replicant
