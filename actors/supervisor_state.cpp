#include "actors/supervisor_state.hpp"

#include <algorithm>

namespace cheops::actors {

void add(mesh::link_stats& to, const mesh::link_stats& x) {
  to.bytes_sent += x.bytes_sent;
  to.bytes_received += x.bytes_received;
  to.frames_sent += x.frames_sent;
  to.frames_received += x.frames_received;
  to.refused += x.refused;
  to.stalls += x.stalls;
}

namespace {

/// Why a site is down, and what of it is not believed. While it is down the
/// former comes first: the latter may be news that another site passed on,
/// and must not hide it.
std::string last_error(const mesh::peering::state& rules,
                       const std::string& doubt) {
  if (doubt.empty())
    return rules.last_error;
  if (rules.seen == mesh::reach::up || rules.last_error.empty())
    return doubt;
  return rules.last_error + "; " + doubt;
}

mesh::site seen(supervisor_state& st, const mesh::membership::member& m) {
  mesh::site out;
  out.name = m.name;
  out.state = mesh::reach::connecting;
  if (m.declared)
    out.link = *m.declared;
  if (m.says) {
    out.peer_front = m.says->peer_front;
    out.link = m.says->link;
    out.incarnation = m.says->incarnation;
    out.store = m.says->store;
    out.services = m.says->services;
    out.round_trips = m.says->round_trips;
  }
  out.since = st.started;
  auto i = st.neighbours.find(m.name);
  if (i != st.neighbours.end()) {
    auto& n = i->second;
    // Of use only once we know where it is and what it offers.
    out.state = n.rules.seen == mesh::reach::up && !m.says
                  ? mesh::reach::connecting
                  : n.rules.seen;
    if (out.state != n.shown) {
      n.shown = out.state;
      n.since = std::chrono::system_clock::now();
    }
    out.since = n.since;
    out.stats = n.ended;
    for (const auto& [id, c] : st.connections)
      if (c.peer == m.name) {
        add(out.stats, c.stats);
        out.stats.held_bytes += c.stats.held_bytes;
      }
    out.stats.dials = n.rules.dials;
    out.stats.times_down = n.rules.times_down;
    out.stats.last_error = last_error(n.rules, m.doubt);
  } else {
    out.stats.last_error = m.doubt;
  }
  return out;
}

mesh::site seen_self(const supervisor_state& st) {
  const auto& own = st.members.own;
  mesh::site out;
  out.name = own.site;
  out.peer_front = own.peer_front;
  out.link = own.link;
  out.incarnation = own.incarnation;
  out.store = own.store;
  out.services = own.services;
  out.state = mesh::reach::self;
  out.since = st.started;
  out.round_trips = st.members.measured;
  return out;
}

} // namespace

std::vector<mesh::site> sites_of(supervisor_state& st) {
  std::vector<mesh::site> all;
  all.push_back(seen_self(st));
  for (const auto& [name, m] : st.members.members)
    all.push_back(seen(st, m));
  std::ranges::sort(all, {}, &mesh::site::name);
  return all;
}

} // namespace cheops::actors
