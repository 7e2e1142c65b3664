#include "actors/owners_state.hpp"

#include "cheops/site/config.hpp"

#include <spdlog/logger.h>

#include <algorithm>

namespace cheops::actors {

namespace {

using replicant::site_state;

/// The last bit stands for all sites that have none of their own.
constexpr unsigned bits_max = 64;
constexpr unsigned shared_bit = bits_max - 1;

/// Sessions of one start of the process; more of them run into those of a
/// start as many milliseconds later, which is over by then.
constexpr unsigned session_bits = 20;

std::uint64_t mask_of(owners_state& st, const std::vector<site_id>& sites) {
  std::uint64_t out = 0;
  for (const auto& x : sites) {
    auto fresh = static_cast<unsigned>(st.bits.size());
    auto i = st.bits.emplace(x, std::min(fresh, shared_bit)).first;
    out |= std::uint64_t{1} << i->second;
  }
  return out;
}

void count(owners_state& st, const known_replicant& x, std::uint64_t by) {
  auto& tally = st.plan.parts->tally;
  tally.replicants += by;
  if (x.state == site_state::pending)
    tally.pending += by;
  if (x.state == site_state::diverged)
    tally.diverged += by;
  if (x.state == site_state::uncertain)
    tally.uncertain += by;
  if (x.behind == 0)
    return;
  std::lock_guard lock{tally.guard};
  for (const auto& [site, bit] : st.bits)
    if ((x.behind >> bit & 1) != 0)
      tally.behind[site] += by;
}

/// The one that the configuration gives it. Where none can be had now, the
/// resource is made without: its sites then need each other to change it.
std::optional<site_id> witness_for(const owners_state& st,
                                   const ports::creation& x) {
  const auto& plan = st.plan.parts->plan;
  if (!plan.keys)
    return std::nullopt;
  auto known = [&](const site_id& site) {
    auto i = st.sites.find(site);
    return i != st.sites.end() && !i->second.store.empty();
  };
  auto out = site::witness_for(plan.witnesses, x.sites, known);
  if (!out && !plan.witnesses.empty() && x.sites.size() == 2)
    st.plan.log->warn("replicants of {} and {} get no witness: none of those "
                      "in replication.witnesses was linked yet",
                      x.sites[0].value, x.sites[1].value);
  return out;
}

constexpr std::uint64_t one_less = ~std::uint64_t{0};

} // namespace

replicant::owner_identity
owners_state::identity(const replicant::meta_id& meta,
                       const replicant::member_id& as) {
  return {meta, as, next_session++, random(), plan.parts->plan.keys};
}

void name_itself(replicant::operation& x, const replicant::meta_id& was,
                 const replicant::meta_id& meta) {
  auto in = [&](replicant::templated& t) {
    for (auto& s : t.slots)
      if (s.of == was)
        s.of = meta;
  };
  in(x.what);
  if (x.probe)
    in(*x.probe);
  if (x.undo)
    in(*x.undo);
}

result<raft::configuration> members_of(const owners_state& st,
                                       const ports::creation& x) {
  raft::configuration out;
  auto add = [&](const site_id& site, raft::member_role role) -> result<void> {
    raft::member m{{site, {}}, role};
    if (site == st.plan.parts->plan.self)
      m.id = st.self();
    else if (auto i = st.sites.find(site); i != st.sites.end())
      m.id.store = i->second.store;
    if (m.id.store.empty())
      return error{errc::unknown_site,
                   "no node of that site was linked yet, so its store is not "
                   "known",
                   site.value, "replicate",
                   "look at `cheops get sites`; try again when it is up"};
    out.push_back(std::move(m));
    return {};
  };
  for (const auto& site : x.sites)
    if (auto done = add(site, raft::member_role::voter); !done)
      return done.error();
  if (auto witness = x.witness ? x.witness : witness_for(st, x))
    if (auto done = add(*witness, raft::member_role::witness); !done)
      return done.error();
  std::ranges::sort(out, {}, &raft::member::id);
  return out;
}

// -- the catalogue -----------------------------------------------------------

void know(owners_state& st, const replicant::meta_id& meta) {
  known_replicant fresh{site_state::pending, 0};
  if (st.known.emplace(meta, fresh).second)
    count(st, fresh, 1);
}

void forget(owners_state& st, const replicant::meta_id& meta) {
  auto i = st.known.find(meta);
  if (i == st.known.end())
    return;
  count(st, i->second, one_less);
  st.known.erase(i);
}

void show(owners_state& st, const replicant::meta_id& meta,
          const owner_shows& x) {
  auto i = st.known.find(meta);
  if (i == st.known.end())
    return;
  auto mask = mask_of(st, x.behind);
  count(st, i->second, one_less);
  i->second = {x.state, mask};
  count(st, i->second, 1);
}

void count_all(owners_state& st) {
  for (const auto& [meta, x] : st.known)
    count(st, x, 1);
  std::random_device entropy;
  st.random.seed(std::uint64_t{entropy()} << 32 | entropy());
  st.next_session = (st.plan.incarnation << session_bits) + 1;
}

bool is_behind(const owners_state& st, const known_replicant& x,
               const site_id& site) {
  auto i = st.bits.find(site);
  return i != st.bits.end() && (x.behind >> i->second & 1) != 0;
}

} // namespace cheops::actors
