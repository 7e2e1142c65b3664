#include "cheops/mesh/membership.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace cheops::mesh::membership {

namespace {

using effects = std::vector<effect>;

/// Statements in one message; with `gossip_bytes` it keeps messages small.
constexpr std::size_t gossip_bytes = 256 * 1024;

std::vector<address> addresses(const member& x) {
  std::vector<address> out;
  if (x.says && x.says->link.port != 0)
    out.push_back(x.says->link);
  if (x.declared && x.declared->port != 0
      && std::ranges::find(out, *x.declared) == out.end())
    out.push_back(*x.declared);
  return out;
}

/// The site that has this name or one that differs in case alone.
const site_id* name_in_use(const state& self, const site_id& x) {
  if (same_name(self.own.site.value, x.value))
    return &self.own.site;
  for (const auto& [name, m] : self.members)
    if (same_name(name.value, x.value))
      return &name;
  return nullptr;
}

std::string case_clash(const state& self, const site_id& x) {
  const auto* other = name_in_use(self, x);
  if (other == nullptr || *other == x)
    return {};
  return "the name differs from that of site " + other->value
         + " in case alone; rename one of the two";
}

bool newer(const wire::statement& x, const wire::statement& than) {
  return std::tie(x.incarnation, x.version)
         > std::tie(than.incarnation, than.version);
}

void tell_all(const state& self, const site_id& peer, effects& out) {
  tell x{peer, {}};
  std::size_t bytes = 0;
  auto add = [&](const wire::sealed_statement& s) {
    auto size = s.body.size() + s.signature.size();
    for (const auto& c : s.chain)
      size += c.size();
    if (!x.statements.empty()
        && (bytes + size > gossip_bytes
            || x.statements.size() == wire::statements_max)) {
      out.emplace_back(x);
      x.statements.clear();
      bytes = 0;
    }
    bytes += size;
    x.statements.push_back(s);
  };
  if (self.sealed)
    add(*self.sealed);
  for (const auto& [name, m] : self.members)
    if (m.says && name != peer)
      add(m.sealed);
  if (!x.statements.empty())
    out.emplace_back(std::move(x));
}

void restate(state& self, effects& out) {
  ++self.own.version;
  out.emplace_back(sign{self.own});
}

/// A round trip that others should know: far enough from what was told.
bool notable(const state& self) {
  auto now = self.measured;
  if (now.size() != self.own.round_trips.size())
    return true;
  for (const auto& [peer, time] : now) {
    auto i = self.own.round_trips.find(peer);
    if (i == self.own.round_trips.end())
      return true;
    auto change = time > i->second ? time - i->second : i->second - time;
    if (change > std::max(round_trip_step, i->second / 8))
      return true;
  }
  return false;
}

void tell_round_trips(state& self, instant now, effects& out) {
  if (!notable(self))
    return;
  if (self.told_round_trips && now - *self.told_round_trips < round_trip_pause)
    return; // The next sample comes in a heartbeat.
  self.told_round_trips = now;
  self.own.round_trips = self.measured;
  restate(self, out);
}

void refuse(state& self, const site_id& site, std::string why, effects& out) {
  auto i = self.members.find(site);
  if (i != self.members.end()) {
    if (i->second.doubt == why)
      return;
    i->second.doubt = why;
    out.emplace_back(changed{});
  }
  out.emplace_back(refused{site, std::move(why)});
}

/// Why a statement is not believed; empty if it is.
std::string objection_to(const state& self, const heard& in) {
  const auto& x = in.statement;
  if (!self.with.unsigned_mesh && in.signer.empty())
    return "its statement is not believed: "
           + (in.distrust.empty() ? "it is not signed" : in.distrust);
  if (!self.with.unsigned_mesh && in.signer != x.site)
    return "its statement is signed by site " + in.signer.value;
  if (auto clash = case_clash(self, x.site); !clash.empty())
    return clash;
  for (const auto* at : {&x.link, &x.peer_front})
    if (at->port != 0 && !self.with.believes(*at))
      return "it states the address " + to_string(*at)
             + ", which is in none of the configured networks";
  auto i = self.members.find(x.site);
  if (i == self.members.end() && self.members.size() >= self.with.sites_max)
    return "there are already " + std::to_string(self.members.size())
           + " sites (limits.peers)";
  return {};
}

/// Someone speaks in our name.
void hear_of_self(const state& self, const heard& in, effects& out) {
  const auto& x = in.statement;
  if (!self.with.unsigned_mesh && in.signer != self.own.site)
    return;
  if (x.incarnation <= self.own.incarnation)
    return; // What we said before a restart.
  auto same = x.store == self.own.store;
  out.emplace_back(refused{
    x.site,
    same
      ? "this site's own statements are known with a later incarnation; "
        "its data folder was restored or the clock went back"
      : "another process runs as this site (store " + x.store + ", incarnation "
          + std::to_string(x.incarnation) + "); stop one of them"});
}

void on(state& self, const sealed& in, instant, effects& out) {
  if (in.version != self.own.version)
    return; // A newer one is being signed.
  self.sealed = in.statement;
  for (const auto& [peer, r] : self.linked)
    out.emplace_back(tell{peer, {in.statement}});
  out.emplace_back(changed{});
}

void on(state& self, const heard& in, instant, effects& out) {
  const auto& x = in.statement;
  if (x.site == self.own.site)
    return hear_of_self(self, in, out);
  if (self.removed.contains(x.site) || !is_news(self, x))
    return;
  if (auto why = objection_to(self, in); !why.empty())
    return refuse(self, x.site, std::move(why), out);
  auto& m = self.members[x.site];
  m.name = x.site;
  auto before = addresses(m);
  auto first = !m.says;
  m.says = x;
  m.sealed = in.sealed;
  m.doubt.clear();
  auto after = addresses(m);
  if (first || before != after)
    out.emplace_back(know{x.site, std::move(after)});
  for (const auto& [peer, r] : self.linked)
    if (peer != in.from && peer != x.site)
      out.emplace_back(tell{peer, {in.sealed}});
  out.emplace_back(changed{});
}

void on(state& self, const linked& in, instant, effects& out) {
  if (self.removed.contains(in.peer))
    return;
  // A link to a site that is not a member yet (it dialled us, and its
  // statement comes next) gives it a place, within the bound.
  auto [i, added] = self.members.try_emplace(in.peer);
  i->second.name = in.peer;
  self.linked[in.peer] = {};
  tell_all(self, in.peer, out);
  if (added)
    out.emplace_back(changed{});
}

void on(state& self, const unlinked& in, instant now, effects& out) {
  self.linked.erase(in.peer);
  self.measured.erase(in.peer);
  tell_round_trips(self, now, out);
}

void on(state& self, const measured& in, instant now, effects& out) {
  if (!self.linked.contains(in.peer))
    return;
  self.measured[in.peer] = in.round_trip;
  tell_round_trips(self, now, out);
}

void on(state& self, const compared& in, instant now, effects& out) {
  auto i = self.linked.find(in.peer);
  if (i == self.linked.end())
    return;
  auto& r = i->second;
  auto began = !std::exchange(r.differs, in.digest != digest(self));
  if (!r.differs || began) {
    r.next = now + repair_first;
    r.pause = repair_first;
    return;
  }
  if (now < r.next)
    return;
  r.pause = std::min(r.pause * 2, repair_last);
  r.next = now + r.pause;
  tell_all(self, in.peer, out);
}

void drop(state& self, const site_id& site, effects& out) {
  self.members.erase(site);
  self.linked.erase(site);
  self.measured.erase(site);
  self.removed.insert(site);
  out.emplace_back(forget{site});
}

void on(state& self, const configured& in, instant, effects& out) {
  auto declares = [](const settings& s, const site_id& name) {
    return std::ranges::find(s.declared, name, &declared_peer::name)
           != s.declared.end();
  };
  auto before = self.with.declared;
  self.with = in.with;
  for (const auto& p : before)
    if (!declares(self.with, p.name))
      drop(self, p.name, out);
  for (const auto& p : self.with.declared) {
    self.removed.erase(p.name);
    auto& m = self.members[p.name];
    m.name = p.name;
    auto had = addresses(m);
    m.declared = p.link;
    if (had != addresses(m))
      out.emplace_back(know{p.name, addresses(m)});
  }
  self.own.peer_front = in.peer_front;
  self.own.link = in.link;
  // Also where nothing of it changed: a new certificate signs from now on.
  restate(self, out);
  out.emplace_back(changed{});
}

/// FNV-1a over what tells one statement from another.
std::uint64_t hash(const wire::statement& x) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  auto byte = [&](unsigned char c) { h = (h ^ c) * 0x100000001b3ULL; };
  for (auto c : x.site.value)
    byte(static_cast<unsigned char>(c));
  for (auto n : {x.incarnation, x.version})
    for (int i = 0; i < 8; ++i)
      byte(static_cast<unsigned char>(n >> (8 * i)));
  return h;
}

bool invariants_hold(const state& self) {
  if (self.members.contains(self.own.site))
    return false;
  for (const auto& [name, m] : self.members)
    if (m.name != name || (m.says && m.says->site != name)
        || self.removed.contains(name))
      return false;
  for (const auto& [name, r] : self.linked)
    if (!self.members.contains(name))
      return false;
  return true;
}

} // namespace

beginning start(settings with, wire::statement own) {
  beginning b;
  b.self.own = std::move(own);
  b.self.own.version = 1;
  b.self.with = std::move(with);
  for (const auto& p : b.self.with.declared) {
    auto& m = b.self.members[p.name];
    m.name = p.name;
    m.declared = p.link;
    b.effects.emplace_back(know{p.name, addresses(m)});
  }
  b.effects.emplace_back(sign{b.self.own});
  assert(invariants_hold(b.self));
  return b;
}

std::vector<effect> step(state& self, const input& in, instant now) {
  effects out;
  std::visit([&](const auto& x) { on(self, x, now, out); }, in);
  assert(invariants_hold(self));
  return out;
}

bool is_news(const state& self, const wire::statement& x) {
  if (x.site == self.own.site)
    return x.incarnation > self.own.incarnation;
  if (self.removed.contains(x.site))
    return false;
  auto i = self.members.find(x.site);
  return i == self.members.end() || !i->second.says
         || newer(x, *i->second.says);
}

std::string objection(const state& self, const wire::hello& x) {
  if (x.site == self.own.site)
    return x.store == self.own.store
             ? "this site reached itself; its own address is given as a peer's"
             : "two processes run as site " + x.site.value + ": store "
                 + self.own.store + " and store " + x.store
                 + "; stop one of them";
  if (self.removed.contains(x.site))
    return "site " + x.site.value + " was taken out of the configuration of "
           + self.own.site.value;
  if (auto clash = case_clash(self, x.site); !clash.empty())
    return clash;
  auto i = self.members.find(x.site);
  if (i == self.members.end())
    return self.members.size() < self.with.sites_max
             ? std::string{}
             : "there are already " + std::to_string(self.members.size())
                 + " sites (limits.peers)";
  if (i->second.says && x.incarnation < i->second.says->incarnation)
    return "a later start of site " + x.site.value + " is known (incarnation "
           + std::to_string(i->second.says->incarnation) + ", not "
           + std::to_string(x.incarnation)
           + "): two processes run under that name, or its clock went back";
  return {};
}

std::uint64_t digest(const state& self) {
  // A sum, so that the order does not count.
  auto sum = hash(self.own);
  for (const auto& [name, m] : self.members)
    if (m.says)
      sum += hash(*m.says);
  return sum;
}

} // namespace cheops::mesh::membership
