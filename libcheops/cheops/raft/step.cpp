#include "cheops/raft/step.hpp"

#include "cheops/ensure.hpp"
#include "cheops/planted.hpp"
#include "cheops/raft/machine.hpp"

#include <algorithm>

namespace cheops::raft {

state make_member(member_id self, configuration members, settings set,
                  std::uint64_t seed, std::optional<member_id> founder) {
  snapshot start;
  std::ranges::sort(members, {}, &member::id);
  start.members = std::move(members);
  term_id term = founder ? 1 : 0;
  return recovered(std::move(self), term, std::move(founder),
                   log{std::move(start)}, 0, set, seed);
}

state recovered(member_id self, term_id term,
                std::optional<member_id> voted_for, log from, index_id done,
                settings set, std::uint64_t seed) {
  state out;
  out.set = set;
  out.self = std::move(self);
  out.random = seed | 1;
  out.term = term;
  out.voted_for = std::move(voted_for);
  out.log = std::move(from);
  out.stable = out.log.last_index();
  out.applied = out.dispatched = done;
  // A snapshot ahead of what was applied is yet to be restored.
  out.commit = std::max(done, out.log.base().index);
  // What is behind `commit` may be decided or not: somebody must find out.
  out.awake = out.commit < out.log.last_index();
  std::vector<effect> none;
  machine{out, none}.begin();
  return out;
}

std::vector<effect> step(state& self, const input& in) {
  std::vector<effect> out;
  machine m{self, out};
  std::visit([&](const auto& x) { m.on(x); }, in);
  m.finish();
  // In release builds too: a broken invariant must not reach the disk.
  if (auto what = broken_invariant(self); !what.empty())
    broken("raft, " + what);
  return out;
}

void machine::wake() {
  s_.awake = true;
}

void machine::send_now(const member_id& to, message_body body, term_id term) {
  put(send{message{s_.self, to, term, std::move(body)}});
}

void machine::send_stored(const member_id& to, message_body body) {
  after_store_.push_back(message{s_.self, to, s_.term, std::move(body)});
}

void machine::dirty_from(index_id i) {
  dirty_ = true;
  dirty_from_ = std::min(dirty_from_.value_or(i), i);
}

void machine::finish() {
  hand_out();
  if (dirty_ || dirty_snapshot_) {
    persist x;
    x.sequence = ++s_.sequence;
    x.term = s_.term;
    x.voted_for = s_.voted_for;
    x.from = s_.log.last_index() + 1;
    if (dirty_snapshot_)
      x.whole = s_.log.base();
    if (dirty_from_) {
      x.from = std::max(*dirty_from_, s_.log.first_index());
      for (auto i = x.from; i <= s_.log.last_index(); ++i)
        x.entries.push_back(s_.log.at(i));
    }
    s_.on_the_way.push_back({x.sequence, s_.log.last_index()});
    out_.insert(out_.begin(), std::move(x));
  }
  for (auto& m : after_store_) {
    if (s_.on_the_way.empty() || planted(bug::skip_sync))
      put(send{std::move(m)});
    else
      s_.held_back.push_back({s_.sequence, std::move(m)});
  }
  if (needs_leader())
    s_.awake = true;
}

void machine::on(const stored& in) {
  while (!s_.on_the_way.empty()
         && s_.on_the_way.front().sequence <= in.sequence) {
    s_.stable = std::max(s_.stable, s_.on_the_way.front().upto);
    s_.on_the_way.pop_front();
  }
  s_.stable = std::min(s_.stable, s_.log.last_index());
  while (!s_.held_back.empty()
         && s_.held_back.front().sequence <= in.sequence) {
    // An answer of an older term would be a promise that is no longer ours.
    if (s_.held_back.front().what.term == s_.term)
      put(send{std::move(s_.held_back.front().what)});
    s_.held_back.pop_front();
  }
  // Our own ballot and our own copy count once our disk has them (10.2.1).
  if (s_.now == role::candidate && s_.on_the_way.empty())
    count_ballot(s_.self, true);
  if (s_.now == role::leader)
    advance_commit();
}

void machine::on(const applied& in) {
  ensure(in.index <= s_.dispatched, "applied what was not handed out");
  s_.applied = std::max(s_.applied, in.index);
}

void machine::on(const ticked&) {
  if (!s_.awake)
    return;
  if (s_.now == role::leader)
    tick_leader();
  else
    tick_follower();
  age_requests();
}

void machine::on(const received& in) {
  const auto& m = in.what;
  // A message to a store that this site no longer has is nobody's.
  if (m.to != s_.self || m.from == s_.self || !take_term(m))
    return;
  std::visit([&](const auto& x) { take(m, x); }, m.body);
}

void machine::on(const reachable& in) {
  if (s_.now != role::leader)
    return;
  auto i = s_.peers.find(in.who);
  if (i == s_.peers.end() || i->second.match == s_.log.last_index())
    return;
  wake();
  start_over(i->second);
  send_more(i->first, i->second);
}

} // namespace cheops::raft
