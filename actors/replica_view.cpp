#include "actors/replica_view.hpp"

#include "cheops/replicant/step.hpp"

#include <algorithm>

namespace cheops::actors {

namespace {

using ports::member_view;
using raft::member_role;
using replicant::site_state;

member_view view_of_member(const raft::member& m,
                           const replicant::site_record& site, site_state here,
                           const raft::member_id& self) {
  member_view out;
  out.id = m.id;
  out.role = m.role;
  if (m.id == self) {
    out.state = here;
    out.done = site.done;
    out.local_id = site.exists ? site.local_id : std::string{};
    out.last.assign(site.last.begin(), site.last.end());
  } else if (auto i = site.others.find(m.id); i != site.others.end()) {
    out.state = i->second.state;
    out.done = i->second.done;
    out.local_id = i->second.local_id;
    out.last = i->second.last;
  }
  return out;
}

template <class Members>
std::vector<member_view>
views_of(const Members& members, const replicant::site_record& site,
         site_state here, const raft::member_id& self) {
  std::vector<member_view> out;
  for (const auto& m : members)
    out.push_back(view_of_member(m, site, here, self));
  std::ranges::stable_partition(
    out, [&](const member_view& x) { return x.id == self; });
  return out;
}

/// How a site stands to one entry.
replicant::site_line line_of_entry(const member_view& m,
                                   replicant::index_id index) {
  replicant::site_line out{m.id.site, site_state::pending, 0};
  auto said = std::ranges::find(m.last, index, &replicant::outcome::index);
  if (said != m.last.end()) {
    out.state = said->how;
    out.status = said->status;
  } else if (m.done >= index) {
    out.state = site_state::ok;
  }
  return out;
}

} // namespace

ports::replicant_view view_of(const replicant::state& x) {
  ports::replicant_view out;
  out.meta = x.meta;
  out.key = x.born.key;
  out.service = x.site.service;
  out.kind = x.site.kind;
  out.term = x.group.term;
  if (x.group.leader)
    out.leader = x.group.leader->site;
  out.last = x.group.log.last_index();
  out.commit = x.group.commit;
  out.applied = x.shared.at;
  out.created_at = x.shared.created_at;
  out.changed_at = x.shared.changed_at;
  out.ended_at = x.shared.ended_at;
  out.members =
    views_of(x.group.members(), x.site, replicant::state_of(x), x.self);
  if (x.shared.goal && x.shared.goal->members != x.shared.members)
    out.goal = x.shared.goal->members;
  out.troubles = x.site.troubles;
  out.operations.assign(x.shared.notes.begin(), x.shared.notes.end());
  out.halted = x.halted;
  if (out.halted.empty() && replicant::lacks_key(x))
    out.halted = replicant::sealed_for_others;
  return out;
}

ports::operation_view view_of(const replicant::state& x,
                              const replicant::operation_id& id) {
  ports::operation_view out;
  out.id = id;
  const auto* note = replicant::find(x.shared, id);
  if (note == nullptr)
    return out;
  out.known = true;
  out.what = *note;
  auto index = note->first != 0 ? note->first : note->index;
  for (const auto& m :
       views_of(x.group.members(), x.site, replicant::state_of(x), x.self))
    if (m.role != member_role::witness)
      out.sites.push_back(line_of_entry(m, index));
  return out;
}

ports::replicant_line line_of(const replicant::meta_id& meta,
                              const replicant::membership& own,
                              const replicant::site_record& site) {
  const auto& [born, self] = own;
  ports::replicant_line out;
  out.meta = meta;
  out.key = born.key;
  out.service = site.service;
  out.kind = site.kind;
  if (site.kind.empty() && born.key) {
    out.service = born.key->service;
    out.kind = born.key->kind;
  }
  auto worst = replicant::worst(site);
  out.state = worst == site_state::ok && site.done < site.known
                ? site_state::pending
                : worst;
  auto members = site.members.empty() ? born.members : site.members;
  // Who has just come, or has left, shows itself all the same.
  if (std::ranges::find(members, self, &raft::member::id) == members.end())
    members.push_back({self, member_role::voter});
  out.members = views_of(members, site, out.state, self);
  for (auto& m : out.members)
    m.last.clear();
  return out;
}

bool fits(const ports::replicant_line& x, const ports::list_filter& which) {
  auto at = [&](const member_view& m) { return m.id.site == *which.site; };
  return (!which.state || *which.state == x.state)
         && (!which.service || *which.service == x.service)
         && (!which.kind || *which.kind == x.kind)
         && (!which.site || std::ranges::any_of(x.members, at));
}

} // namespace cheops::actors
