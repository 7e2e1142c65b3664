// What always holds in one owner, in one place.

#include "cheops/replicant/step.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

std::string broken_order(const state& x) {
  if (x.shared.at > x.group.dispatched)
    return "has taken what raft has not handed out";
  if (x.site.done > x.shared.at)
    return "has done what it has not taken";
  auto judges = [&](const open_entry& o) {
    return o.what.id.origin == x.origin;
  };
  for (const auto& o : x.shared.open)
    if (o.index <= x.site.done
        && (!judges(o) || o.index != x.shared.open.front().index))
      return "has done an entry that is open, and not its own to judge";
  if (x.site.refused && x.site.done >= x.site.refused->index)
    return "has done what it refused";
  return {};
}

std::string broken_work(const state& x) {
  const auto& w = x.doing;
  if (w.now == phase::idle)
    return {};
  if (w.now == phase::calling
      && (!x.site.doing || x.site.doing->index != w.index))
    return "calls without an intent";
  if (w.now == phase::stuck
      && std::ranges::find(x.site.troubles, w.index, &trouble::index)
           == x.site.troubles.end())
    return "is stuck, and shows no trouble";
  if (!w.superseded && !w.leaving && w.index <= x.site.done
      && w.now != phase::idle)
    return "works on what is done";
  return {};
}

std::string broken_bounds(const state& x) {
  if (x.waiters.size() + x.readers.size() > x.set.waiting_max)
    return "more clients wait than the bound";
  if (x.on_the_way.empty() && !x.held.empty())
    return "holds back though all is stored";
  for (const auto& h : x.held)
    if (h.sequence > x.sequence)
      return "holds back for a store that never comes";
  return {};
}

} // namespace

std::string broken_invariant(const state& x) {
  if (x.forgotten || !x.halted.empty())
    return {};
  auto what = broken_invariant(x.shared);
  if (what.empty())
    what = broken_invariant(x.site);
  for (auto* check : {broken_order, broken_work, broken_bounds})
    if (what.empty())
      what = check(x);
  return what.empty() ? what : x.self.site.value + ": " + what;
}

site_state state_of(const state& x) {
  auto out = worst(x.site);
  if (out != site_state::ok)
    return out;
  const auto& build = x.shared.build;
  auto waits = !build.empty() && build.back().index > x.site.done;
  return waits || x.doing.now != phase::idle ? site_state::pending
                                             : site_state::ok;
}

bool lacks_key(const state& x) {
  auto closed = [&](const submission& s) {
    return s.sealed && (!x.keys || !x.keys->open(x.meta, s.id, s.content));
  };
  return std::ranges::any_of(
           x.shared.build, [&](const kept_entry& k) { return closed(k.what); })
         || std::ranges::any_of(
           x.shared.open, [&](const open_entry& o) { return closed(o.what); });
}

} // namespace cheops::replicant
