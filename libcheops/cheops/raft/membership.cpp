// Changes of the members, one at a time: chapter 4.

#include "cheops/raft/machine.hpp"

#include <algorithm>

namespace cheops::raft {

bool machine::is_member() const {
  return find(s_.members(), s_.self) != nullptr;
}

member_role machine::own_role() const {
  const auto* me = find(s_.members(), s_.self);
  return me == nullptr ? member_role::learner : me->role;
}

/// Keeps one `progress` for each other member.
void machine::follow_members() {
  if (s_.now != role::leader)
    return;
  std::erase_if(s_.peers, [&](const auto& x) {
    return find(s_.members(), x.first) == nullptr;
  });
  for (const auto& x : s_.members())
    if (x.id != s_.self && !s_.peers.contains(x.id)) {
      progress p;
      // What is new in this step is offered too: a leader probes from the
      // entry before its first own one (3.5).
      p.next = std::max(s_.log.last_index(), s_.log.first_index());
      s_.peers.emplace(x.id, std::move(p));
    }
}

void machine::on(const change_asked& in) {
  auto no = [&](refusal why) { put(refused{in.request, why}); };
  if (s_.now != role::leader) {
    no(is_member() ? refusal::no_leader : refusal::not_member);
    return;
  }
  // One change at a time, and not before an entry of this term is committed:
  // else two leaders could each count a majority of their own (4.1; the
  // correction of 2015 on the raft-dev list).
  if (s_.log.members_index() > s_.commit || s_.successor
      || s_.log.term_at(s_.commit) != s_.term) {
    no(refusal::busy);
    return;
  }
  if (s_.requests.size() >= s_.set.waiting_max
      || s_.requests.contains(in.request)) {
    no(refusal::busy);
    return;
  }
  auto next = changed(s_.members(), in);
  if (!next) {
    no(refusal::bad_change);
    return;
  }
  // A learner votes once it has caught up, so that a slow one does not stop
  // the group (4.2.1).
  auto promotes = in.role == member_role::voter;
  if (promotes) {
    auto i = s_.peers.find(in.who);
    if (i == s_.peers.end() || i->second.match < s_.commit) {
      no(refusal::busy);
      return;
    }
  }
  wake();
  s_.quiet_ticks = 0;
  s_.requests.emplace(in.request, asked{{}, true, true, true, 0});
  entry x{s_.term, s_.log.last_index() + 1, entry_kind::configure, in.request,
          {},      std::move(*next)};
  append_here(std::move(x));
  send_to_all();
  advance_commit();
}

} // namespace cheops::raft
