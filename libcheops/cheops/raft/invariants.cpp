// What always holds in one member, in one place.

#include "cheops/raft/quorum.hpp"
#include "cheops/raft/step.hpp"

namespace cheops::raft {

namespace {

std::string broken_order(const state& x) {
  if (x.commit > x.log.last_index())
    return "committed beyond the log";
  if (x.dispatched > x.commit)
    return "handed out what is not committed";
  if (x.applied > x.dispatched)
    return "applied what was not handed out";
  if (x.stable > x.log.last_index())
    return "stored beyond the log";
  if (x.log.base().index > x.commit)
    return "folded what is not committed";
  if (x.log.last_term() > x.term)
    return "the log is of a later term";
  return {};
}

std::string broken_role(const state& x) {
  auto leads = x.now == role::leader;
  if (leads && x.leader != x.self)
    return "a leader that names another";
  if (!leads && x.leader == x.self)
    return "names itself leader and is none";
  if (!leads && !x.peers.empty())
    return "follows others' progress and is no leader";
  if (x.now == role::candidate && x.voted_for != x.self)
    return "a candidate that voted for another";
  if ((x.now == role::rehearsing || x.now == role::candidate) && x.leader)
    return "a candidate that has a leader";
  return {};
}

std::string broken_progress(const state& x) {
  for (const auto& [id, p] : x.peers) {
    if (p.match > x.log.last_index())
      return id.site.value + " has more than the leader's log";
    if (p.next <= p.match)
      return id.site.value + " would be sent what it has";
    if (p.in_flight.size() > x.set.in_flight_max)
      return id.site.value + " has too many messages in flight";
    if (find(x.members(), id) == nullptr)
      return id.site.value + " is followed and no member";
  }
  return {};
}

std::string broken_bounds(const state& x) {
  if (x.requests.size() > x.set.waiting_max)
    return "more requests wait than the bound";
  if (x.reads.size() > x.set.reads_max)
    return "more reads wait than the bound";
  for (const auto& d : x.held_back)
    if (d.sequence > x.sequence)
      return "holds back for a store that never comes";
  if (x.on_the_way.empty() && !x.held_back.empty())
    return "holds back though all is stored";
  return {};
}

} // namespace

std::string broken_invariant(const state& x) {
  for (auto* check :
       {broken_order, broken_role, broken_progress, broken_bounds})
    if (auto what = check(x); !what.empty())
      return x.self.site.value + ": " + what;
  return {};
}

} // namespace cheops::raft
