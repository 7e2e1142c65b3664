#include "cluster.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace cheops::raft::testing {

cluster::cluster(std::uint64_t seed, configuration members, settings set,
                 chances odds)
  : seed_(seed), random_(seed), set_(set), odds_(odds) {
  for (const auto& x : members) {
    auto& n = nodes_[x.id];
    n.now = make_member(x.id, members, set, random_());
    n.stored.kept = n.now.log;
  }
}

void cluster::fail(const std::string& what) const {
  throw std::runtime_error("seed " + std::to_string(seed_) + ": " + what);
}

bool cluster::chance(double p) {
  return std::uniform_real_distribution<>{0, 1}(random_) < p;
}

cluster::node& cluster::pick() {
  auto i = nodes_.begin();
  std::advance(i, static_cast<long>(random_() % nodes_.size()));
  return i->second;
}

std::vector<member_id> cluster::ids() const {
  std::vector<member_id> out;
  for (const auto& [id, n] : nodes_)
    out.push_back(id);
  return out;
}

const state& cluster::of(const member_id& who) const {
  return nodes_.at(who).now;
}

const std::vector<request_id>& cluster::done(const member_id& who) const {
  return nodes_.at(who).done;
}

bool cluster::anybody_awake() const {
  return std::ranges::any_of(nodes_,
                             [](const auto& x) { return x.second.now.awake; });
}

std::optional<member_id> cluster::leader() const {
  std::optional<member_id> out;
  for (const auto& [id, n] : nodes_)
    if (n.now.now == role::leader
        && (!out || n.now.term > nodes_.at(*out).now.term))
      out = id;
  return out;
}

void cluster::give(const member_id& who, const input& in) {
  auto& n = nodes_.at(who);
  perform(n, step(n.now, in));
}

void cluster::propose(const member_id& at) {
  give(at, proposed{next_request_++, "x"});
}

/// Election safety: at most one leader in a term.
void cluster::check_leader(const node& at) {
  if (at.now.now != role::leader)
    return;
  auto [i, fresh] = leaders_.emplace(at.now.term, at.now.self);
  if (i->second != at.now.self)
    fail("two leaders in term " + std::to_string(at.now.term));
  // Leader completeness: what was decided is in every later leader's log.
  if (fresh)
    for (const auto& [index, x] : decided_)
      if (index > at.now.log.base().index
          && (index > at.now.log.last_index()
              || at.now.log.at(index).term != x.term))
        fail("a leader lacks the decided entry " + std::to_string(index));
}

void cluster::perform(node& at, std::vector<effect> effects) {
  for (auto& e : effects) {
    if (auto* p = std::get_if<persist>(&e))
      at.to_store.push_back(std::move(*p));
    else if (auto* s = std::get_if<send>(&e))
      wire_.push_back(std::move(s->what));
    else if (std::holds_alternative<apply>(e)
             || std::holds_alternative<restore>(e))
      at.to_apply.push_back(e);
    last_effects.push_back(e);
  }
  check_leader(at);
}

void cluster::store_one(node& at) {
  if (at.to_store.empty())
    return;
  // Group commit: one sync for some of what waits.
  auto n = 1 + random_() % at.to_store.size();
  std::uint64_t sequence = 0;
  for (std::size_t i = 0; i < n; ++i) {
    auto p = std::move(at.to_store.front());
    at.to_store.pop_front();
    at.stored.term = p.term;
    at.stored.voted_for = p.voted_for;
    if (p.whole)
      at.stored.kept.compact(*p.whole);
    if (p.from <= at.stored.kept.last_index())
      at.stored.kept.truncate(p.from);
    for (auto& x : p.entries)
      at.stored.kept.append(std::move(x));
    sequence = p.sequence;
  }
  perform(at, step(at.now, stored{sequence}));
}

/// State machine safety: one entry an index, everywhere.
void cluster::take(node& at, const entry& x) {
  auto [i, fresh] = decided_.emplace(x.index, x);
  if (i->second != x)
    fail("two entries were applied at " + std::to_string(x.index));
  if (x.request != 0 && x.kind == entry_kind::operation)
    at.done.push_back(x.request);
  answered_.insert(x.request);
}

void cluster::apply_one(node& at) {
  if (at.to_apply.empty())
    return;
  auto e = std::move(at.to_apply.front());
  at.to_apply.pop_front();
  if (auto* a = std::get_if<apply>(&e)) {
    for (const auto& x : a->entries) {
      if (x.index <= at.applied)
        continue; // Known from before a crash.
      if (x.index != at.applied + 1)
        fail("applied with a gap");
      take(at, x);
      at.applied = x.index;
    }
  } else {
    const auto& whole = std::get<restore>(e).whole;
    at.done.clear();
    for (auto& [index, x] : decided_)
      if (index <= whole.index && x.kind == entry_kind::operation)
        at.done.push_back(x.request);
    at.applied = whole.index;
  }
  perform(at, step(at.now, applied{at.applied}));
}

/// Forgets all that was not stored.
void cluster::crash(node& at) {
  at.to_store.clear();
  at.to_apply.clear();
  at.now = recovered(at.now.self, at.stored.term, at.stored.voted_for,
                     at.stored.kept, at.applied, set_, random_());
}

void cluster::deliver(std::size_t i) {
  auto m = wire_[i];
  if (!chance(odds_.twice)) {
    wire_[i] = std::move(wire_.back());
    wire_.pop_back();
  }
  ++messages;
  auto to = nodes_.find(m.to);
  if (to == nodes_.end() || to->second.cut || nodes_.at(m.from).cut
      || chance(odds_.lose))
    return;
  perform(to->second, step(to->second.now, received{std::move(m)}));
}

void cluster::disturb() {
  auto& n = pick();
  if (chance(odds_.crash))
    crash(n);
  if (chance(odds_.cut))
    n.cut = !n.cut;
  auto what = random_() % 100;
  if (what < 60 && !wire_.empty())
    deliver(random_() % wire_.size());
  else if (what < 75)
    store_one(n);
  else if (what < 85)
    apply_one(n);
  else if (what < 95)
    perform(n, step(n.now, ticked{}));
  else if (what < 98)
    propose(n.now.self);
  else if (n.now.applied > n.now.log.base().index)
    perform(n, step(n.now, folded{n.now.applied, "all until here"}));
  if (wire_.size() > 2000)
    wire_.erase(wire_.begin(), wire_.begin() + 1000);
}

void cluster::heal(unsigned ticks) {
  odds_ = {0, 0, 0, 0};
  for (auto& [id, n] : nodes_)
    n.cut = false;
  for (auto& [id, n] : nodes_)
    for (const auto& other : ids())
      if (other != id)
        give(id, reachable{other});
  for (unsigned t = 0; t < ticks; ++t) {
    for (int round = 0; round < 8; ++round) {
      for (auto& [id, n] : nodes_) {
        store_one(n);
        apply_one(n);
      }
      auto now = std::exchange(wire_, {});
      for (auto& m : now) {
        wire_.push_back(std::move(m));
        deliver(wire_.size() - 1);
      }
    }
    for (auto& [id, n] : nodes_)
      perform(n, step(n.now, ticked{}));
  }
}

} // namespace cheops::raft::testing
