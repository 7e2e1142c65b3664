// Sites that come and go, and one that loses its disk.

#include "cheops/raft/quorum.hpp"
#include "cheops/sim/world.hpp"

#include <algorithm>

namespace cheops::sim {

namespace {

constexpr time_us every_us = 250'000;

} // namespace

/// What an operator does, now and then. A lost site is replaced also when all
/// is healed: without that its groups never come to rest.
void world::operate() {
  after(random.between(every_us / 2, every_us * 3 / 2), [this] {
    if (plan_.lost_disks && !lost_ && !healed_ && random.per_mille(150))
      lose_one();
    replace_lost();
    if (plan_.scales && !healed_ && random.per_mille(500))
      scale_something();
    if (!healed_)
      operate();
  });
}

bool world::scale_at(unsigned site, const meta_id& meta,
                     const std::vector<unsigned>& to) {
  const auto* s = at(site).owner_of(meta);
  if (s == nullptr || is_witness(site) || !at(site).up()
      || paused_until_[site] > now_ || s->shared.created_at == 0
      || s->shared.ended_at != 0
      || raft::find(s->group.members(), s->self) == nullptr)
    return false;
  raft::configuration members;
  for (auto i : to)
    members.push_back({at(i).id(), is_witness(i) ? raft::member_role::witness
                                                 : raft::member_role::voter});
  tell([&] {
    std::string text = to_string(meta) + " shall be on";
    for (const auto& m : members)
      text += " " + m.id.site.value + "/" + m.id.store;
    return text + ", says " + at(site).id().site.value;
  });
  at(site).scale(meta, std::move(members));
  return true;
}

void world::scale_something() {
  auto r = random.below(resources_.size());
  if (resources_[r].metas.empty())
    return;
  std::vector<unsigned> to;
  for (unsigned i = 0; i < sites(); ++i)
    if (random.per_mille(600) || is_witness(i))
      to.push_back(i);
  auto full =
    std::ranges::count_if(to, [&](unsigned i) { return !is_witness(i); });
  if (full == 0 || (plan_.witness && full < 2))
    return;
  auto first = static_cast<unsigned>(random.below(sites()));
  for (unsigned i = 0; i < sites(); ++i)
    if (scale_at((first + i) % sites(), resources_[r].metas.back(), to))
      return;
}

/// Each group that knows a store which is no more gets the new one.
void world::replace_lost() {
  if (!lost_)
    return;
  std::vector<meta_id> all;
  for (const auto& [meta, g] : seen.groups)
    all.push_back(meta);
  for (const auto& meta : all)
    for (unsigned site = 0; site < sites(); ++site) {
      const auto* s = at(site).up() ? at(site).owner_of(meta) : nullptr;
      if (s == nullptr)
        continue;
      std::vector<unsigned> to;
      auto stale = false;
      for (const auto& m : s->group.members()) {
        auto i = number_of(m.id.site);
        stale = stale || replicant::store_of(m.id) != at(i).id();
        if (std::ranges::find(to, i) == to.end())
          to.push_back(i);
      }
      if (stale && scale_at(site, meta, to))
        break;
    }
}

/// Machine and disk are lost, and replaced by empty ones.
void world::lose_one() {
  auto site = static_cast<unsigned>(random.below(sites()));
  if (!at(site).up() || is_witness(site))
    return;
  lost_ = true;
  at(site).crash();
  at(site).lose_disk();
  after(random.between(10'000, 500'000), [this, site] {
    if (at(site).up())
      return;
    tell([&] { return at(site).id().site.value + " starts anew"; });
    at(site).start();
    for (unsigned other = 0; other < sites(); ++other)
      if (other != site)
        join_links(site, other);
  });
}

} // namespace cheops::sim
