#include "actors/supervisor.hpp"

#include "actors/link.hpp"
#include "actors/supervisor_state.hpp"
#include "cheops/site/network.hpp"

#include <caf/all.hpp>
#include <spdlog/logger.h>

#include <algorithm>

namespace cheops::actors {

namespace {

namespace link = mesh::link;
namespace membership = mesh::membership;
namespace peering = mesh::peering;
using namespace std::chrono_literals;

/// Accepted connections that have not said who they are.
constexpr std::size_t strangers_max = 256;
/// Views for round trips and counters alone are at least so far apart.
constexpr auto view_pause = 250ms;

using self_ptr = supervisor_actor::stateful_pointer<supervisor_state>;

link::instant now(self_ptr self) {
  return std::chrono::duration_cast<link::instant>(
    self->clock().now().time_since_epoch());
}

// -- what the rules of peering ask for --------------------------------------

void advance(self_ptr self, const site_id& peer, const peering::input& in);
void advance(self_ptr self, const membership::input& in);

void order(self_ptr self, std::uint64_t id, link::input what) {
  auto i = self->state.connections.find(id);
  if (i != self->state.connections.end())
    self->send(i->second.link, link_order{std::move(what)});
}

void enlist(self_ptr self, std::uint64_t id, const link_actor& link,
            const site_id& peer) {
  auto& c = self->state.connections[id];
  c.link = link;
  c.peer = peer;
  self->state.links.insert(link.address());
  self->monitor(link);
}

mesh::peer_faults faults_of(const supervisor_state& st, const site_id& peer) {
  auto i = st.faults.find(peer);
  return i == st.faults.end() ? mesh::peer_faults{} : i->second;
}

/// An attempt that comes to nothing, as it would over a cut path.
void swallow(self_ptr self, const site_id& peer) {
  auto& st = self->state;
  auto id = st.swallowed++;
  advance(self, peer, peering::dialled{id});
  self->delayed_send(self, st.plan.setup.config->times.dial, atom::cut_off_v,
                     peer, id);
}

void perform(self_ptr self, const site_id& peer, const peering::dial&) {
  auto& st = self->state;
  auto& n = st.neighbours[peer];
  auto faults = faults_of(st, peer);
  if (st.stopping || n.at.empty())
    return;
  if (faults.in.cut || faults.out.cut)
    return swallow(self, peer);
  const auto& at = n.at[n.next_address++ % n.at.size()];
  auto ips = st.names->find(at.host);
  if (ips.empty()) {
    n.rules.last_error = "no address is known (yet) for " + at.host;
    return;
  }
  auto fd = socket::dial(ips[n.next_address % ips.size()], at.port);
  if (!fd) {
    n.rules.last_error = to_string(fd.error());
    return swallow(self, peer);
  }
  link_plan plan;
  plan.rules = link_rules(*st.plan.setup.config, st.plan.hello);
  plan.rules.hello = st.plan.hello;
  plan.as = link::role::dialled;
  plan.expected = peer;
  plan.fd = *fd;
  plan.trust = st.plan.setup.trust;
  plan.faults = faults;
  plan.supervisor = self;
  plan.router = st.plan.router;
  plan.beat = st.plan.beat;
  auto actor = spawn_link(self->system(), std::move(plan));
  auto id = actor.id();
  enlist(self, id, actor, peer);
  advance(self, peer, peering::dialled{id});
}

void perform(self_ptr self, const site_id& peer, const peering::retry& x) {
  if (!self->state.stopping)
    self->delayed_send(self, x.after, atom::redial_v, peer);
}

void perform(self_ptr self, const site_id& peer, const peering::permit& x) {
  order(self, x.id, link::faulted{faults_of(self->state, peer)});
  order(self, x.id, link::digested{self->state.digest});
  order(self, x.id, link::permitted{});
}

void perform(self_ptr self, const site_id&, const peering::finish& x) {
  order(self, x.id, link::ended{x.why, x.text});
}

void perform(self_ptr self, const site_id& peer, const peering::went_up& x) {
  auto& st = self->state;
  auto i = st.connections.find(x.id);
  if (i == st.connections.end())
    return;
  i->second.up = true;
  auto& n = st.neighbours[peer];
  n.current = i->second.link;
  st.plan.router->linked(peer, caf::actor_cast<caf::actor>(n.current));
  order(self, x.id, link::digested{st.digest});
  st.plan.log->info("site {}: link up (store {}, incarnation {})", peer.value,
                    x.hello.store, x.hello.incarnation);
  st.urgent = true;
  advance(self, membership::linked{peer});
}

void perform(self_ptr self, const site_id& peer, const peering::went_down& x) {
  auto& st = self->state;
  auto& n = st.neighbours[peer];
  if (n.current)
    st.plan.router->unlinked(peer, n.current.address());
  n.current = nullptr;
  st.plan.log->warn("site {}: link down: {}", peer.value, x.why);
  st.urgent = true;
  advance(self, membership::unlinked{peer});
}

void perform(self_ptr self, const site_id&, const peering::conflict& x) {
  self->state.plan.log->error("{}", x.text);
}

void advance(self_ptr self, const site_id& peer, const peering::input& in) {
  auto i = self->state.neighbours.find(peer);
  if (i == self->state.neighbours.end())
    return;
  for (const auto& effect : peering::step(i->second.rules, in, now(self)))
    std::visit([&](const auto& x) { perform(self, peer, x); }, effect);
}

neighbour& meet(self_ptr self, const site_id& peer) {
  auto& n = self->state.neighbours[peer];
  n.rules.self = self->state.members.own.site;
  n.rules.peer = peer;
  return n;
}

// -- what the rules of membership ask for -----------------------------------

void perform(self_ptr self, const membership::sign& x) {
  auto& st = self->state;
  wire::sealed_statement out;
  out.body = wire::encode(x.statement);
  if (st.plan.setup.trust) {
    auto sealed = st.plan.setup.trust->seal(x.statement);
    if (!sealed) {
      st.plan.log->error("{}", to_string(sealed.error()));
      return;
    }
    out = std::move(*sealed);
  }
  advance(self, membership::sealed{x.statement.version, std::move(out)});
}

void perform(self_ptr self, const membership::tell& x) {
  auto i = self->state.neighbours.find(x.peer);
  if (i == self->state.neighbours.end() || !i->second.current)
    return;
  self->send(
    i->second.current,
    link_order{link::posted{wire::kind::gossip, wire::encode(x.statements)}});
}

void perform(self_ptr self, const membership::know& x) {
  auto& n = meet(self, x.site);
  n.at = x.at;
  advance(self, x.site, peering::wanted{!x.at.empty()});
}

void perform(self_ptr self, const membership::forget& x) {
  auto& st = self->state;
  advance(self, x.site, peering::removed{});
  st.neighbours.erase(x.site);
  st.plan.log->info("site {}: taken out of the configuration", x.site.value);
}

void perform(self_ptr self, const membership::refused& x) {
  self->state.plan.log->warn("site {}: {}", x.site.value, x.why);
}

void perform(self_ptr self, const membership::changed&) {
  self->state.urgent = true;
}

void tell_digest(self_ptr self) {
  auto& st = self->state;
  auto digest = membership::digest(st.members);
  if (digest == st.digest)
    return;
  st.digest = digest;
  for (const auto& [id, c] : st.connections)
    if (c.up)
      self->send(c.link, link_order{link::digested{digest}});
}

void advance(self_ptr self, const membership::input& in) {
  for (const auto& effect :
       membership::step(self->state.members, in, now(self)))
    std::visit([&](const auto& x) { perform(self, x); }, effect);
  tell_digest(self);
}

// -- what the links report --------------------------------------------------

/// Who connects and says nothing must not keep a peer out: the oldest goes.
/// A peer needs a few round trips to say who it is.
void make_room(self_ptr self) {
  auto& st = self->state;
  auto is_stranger = [](const auto& x) { return x.second.peer.empty(); };
  if (std::ranges::count_if(st.connections, is_stranger)
      < static_cast<std::ptrdiff_t>(strangers_max))
    return;
  auto oldest = std::ranges::find_if(st.connections, is_stranger);
  order(self, oldest->first,
        link::ended{wire::farewell::refused, "too many strangers"});
  st.connections.erase(oldest);
}

void tell_of_stranger(self_ptr self, const std::string& why) {
  auto& st = self->state;
  if (auto n = st.strangers_ended.count(now(self)))
    st.plan.log->info("{} connection{} to the link listener ended: {}", n,
                      n == 1 ? "" : "s", why);
}

void on(self_ptr self, const link_report& r, const accepted&,
        const link_actor& from) {
  auto& st = self->state;
  if (!st.stopping)
    make_room(self);
  enlist(self, r.id, from, {});
  if (st.stopping)
    order(self, r.id,
          link::ended{wire::farewell::stopping, "the site is stopping"});
}

void on(self_ptr self, const link_report& r, const link::ready&,
        const link_actor&) {
  advance(self, r.peer, peering::ready{r.id});
}

void on(self_ptr self, const link_report& r, const link::greeted& x,
        const link_actor&) {
  auto& st = self->state;
  auto i = st.connections.find(r.id);
  if (i == st.connections.end() || st.stopping)
    return;
  i->second.hello = x.hello;
  auto why = membership::objection(st.members, x.hello);
  if (!why.empty()) {
    st.plan.log->error("site {} is refused a link: {}", x.hello.site.value,
                       why);
    i->second.refused = true;
    auto self_named = x.hello.site == st.members.own.site;
    order(self, r.id,
          link::ended{self_named ? wire::farewell::duplicate
                                 : wire::farewell::refused,
                      why});
    if (auto n = st.neighbours.find(x.hello.site); n != st.neighbours.end())
      n->second.rules.last_error = why;
    return;
  }
  if (!i->second.peer.empty())
    return; // We dialled it; `went_up` is next.
  auto faults = faults_of(st, r.peer);
  if (faults.in.cut || faults.out.cut)
    return; // Nothing gets through: it hears no hello, and gives up.
  i->second.peer = r.peer;
  meet(self, r.peer);
  advance(self, r.peer, peering::greeted{r.id, x.hello});
}

void on(self_ptr self, const link_report& r, const link::went_up&,
        const link_actor&) {
  auto i = self->state.connections.find(r.id);
  if (i != self->state.connections.end() && !i->second.refused)
    advance(self, r.peer, peering::opened{r.id, i->second.hello});
}

void on(self_ptr self, const link_report& r, const link::measured& x,
        const link_actor&) {
  self->state.soon = true;
  advance(self, membership::measured{r.peer, x.round_trip});
}

void on(self_ptr self, const link_report& r, const link::gossip& x,
        const link_actor&) {
  auto& st = self->state;
  for (const auto& sealed : x.statements) {
    auto says = wire::decode_statement(sealed.body);
    if (!says) {
      st.plan.log->warn("site {}: sent a statement that cannot be read",
                        r.peer.value);
      continue;
    }
    if (!membership::is_news(st.members, *says))
      continue; // Not worth the check of a signature.
    membership::heard in{r.peer, std::move(*says), sealed, {}, {}};
    if (st.plan.setup.trust) {
      if (auto signer = st.plan.setup.trust->signer(sealed))
        in.signer = *signer;
      else
        in.distrust = signer.error().what;
    }
    advance(self, in);
  }
}

void on(self_ptr self, const link_report& r, const link::compared& x,
        const link_actor&) {
  advance(self, membership::compared{r.peer, x.digest});
}

void on(self_ptr self, const link_report& r, const link::close& x,
        const link_actor&) {
  auto& st = self->state;
  auto i = st.connections.find(r.id);
  if (i == st.connections.end())
    return;
  st.soon = true; // The reason, also where the state is what it was.
  auto peer = i->second.peer;
  auto stranger = peer.empty();
  st.connections.erase(i);
  if (x.said == wire::farewell::duplicate)
    st.plan.log->error("site {}: {}", r.peer.value, x.why);
  if (stranger)
    tell_of_stranger(self, x.why);
  else if (auto n = st.neighbours.find(peer); n != st.neighbours.end())
    add(n->second.ended, r.stats);
  if (!stranger)
    advance(self, peer, peering::closed{r.id, x.why, x.said});
}

// -- what others are told ---------------------------------------------------

/// Tells the gateway what has changed, once for each message at most.
void announce(self_ptr self) {
  auto& st = self->state;
  auto due = st.urgent || (st.soon && now(self) - st.last_view >= view_pause);
  if (!due)
    return;
  auto all = std::make_shared<std::vector<mesh::site>>(sites_of(st));
  self->send(st.plan.gateway, sites_seen{std::move(all), st.urgent});
  st.urgent = false;
  st.soon = false;
  st.last_view = now(self);
}

// -- the actor --------------------------------------------------------------

membership::settings rules_of(const setup& x) {
  membership::settings out;
  for (const auto& p : x.config->peers)
    out.declared.push_back({p.name, p.link});
  out.sites_max = x.config->bounds.peers;
  out.unsigned_mesh = x.trust == nullptr;
  // No network configured: loopback, and where the operator put peers.
  out.believes = [config = x.config](const mesh::address& at) {
    auto declared = [&](const site::peer& p) { return p.link.host == at.host; };
    return site::contains(config->networks, at.host)
           || std::ranges::any_of(config->peers, declared)
           || (config->networks.empty() && site::is_loopback(at.host));
  };
  return out;
}

/// Before anybody speaks to it: who connects at once must find a site that
/// knows who it is.
void begin(self_ptr self) {
  auto& st = self->state;
  wire::statement own;
  own.site = st.plan.hello.site;
  own.incarnation = st.plan.hello.incarnation;
  own.store = st.plan.hello.store;
  own.services = st.plan.services;
  own.peer_front = advertised(st.plan.setup.config->peer_front);
  own.link = advertised(st.plan.setup.config->link);
  auto start = membership::start(rules_of(st.plan.setup), std::move(own));
  st.members = std::move(start.self);
  for (const auto& effect : start.effects)
    std::visit([&](const auto& x) { perform(self, x); }, effect);
  st.urgent = true;
}

void set_faults(self_ptr self, const faults_set& x) {
  auto& st = self->state;
  st.faults = x.table;
  for (const auto& [id, c] : st.connections)
    if (!c.peer.empty())
      self->send(c.link, link_order{link::faulted{faults_of(st, c.peer)}});
}

void reconfigure(self_ptr self, const setup& x) {
  auto& st = self->state;
  st.plan.setup = x;
  if (st.listener)
    self->send(st.listener, x);
  advance(self,
          membership::configured{rules_of(x), advertised(x.config->peer_front),
                                 advertised(x.config->link)});
  for (const auto& [id, c] : st.connections)
    self->send(c.link, x);
}

void stop(self_ptr self) {
  auto& st = self->state;
  st.stopping = true;
  if (st.listener)
    self->send(st.listener, atom::stop_v);
  st.listener = nullptr;
  for (const auto& [id, c] : st.connections)
    self->send(c.link, link_order{link::ended{wire::farewell::stopping,
                                              "the site is stopping"}});
  if (st.links.empty())
    self->quit();
}

/// A link reports its end itself; one that broke does not. Our own end waits
/// for that of all links, so that their goodbyes leave.
void on_down(self_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  st.links.erase(down.source);
  auto broken = std::ranges::find_if(st.connections, [&](const auto& x) {
    return x.second.link.address() == down.source;
  });
  if (broken != st.connections.end()) {
    auto [id, c] = *broken;
    on(self, link_report{id, c.peer, {}, c.stats, nullptr},
       link::close{"the link's actor ended", std::nullopt}, c.link);
  }
  announce(self);
  if (st.stopping && st.links.empty())
    self->quit();
}

supervisor_actor::behavior_type supervisor(self_ptr self,
                                           const supervisor_plan& plan) {
  self->state.plan = plan;
  self->state.names = std::make_unique<socket::resolver>();
  self->set_error_handler([](caf::error&) {});
  self->set_down_handler(
    [self](const caf::down_msg& down) { on_down(self, down); });
  begin(self);
  announce(self);
  return {
    [self](atom::listening, const caf::actor& listener) {
      self->state.listener = caf::actor_cast<listener_actor>(listener);
    },
    [self](const link_report& r, const caf::actor& sender) {
      auto i = self->state.connections.find(r.id);
      if (i != self->state.connections.end())
        i->second.stats = r.stats;
      auto from = caf::actor_cast<link_actor>(sender);
      std::visit([&](const auto& x) { on(self, r, x, from); }, r.what);
      announce(self);
    },
    [self](atom::redial, const site_id& peer) {
      advance(self, peer, peering::dial_due{});
      announce(self);
    },
    [self](atom::cut_off, const site_id& peer, std::uint64_t id) {
      auto ms = self->state.plan.setup.config->times.dial.count();
      advance(self, peer,
              peering::closed{id,
                              "no answer within " + std::to_string(ms) + " ms",
                              std::nullopt});
      announce(self);
    },
    [self](const faults_set& x) { set_faults(self, x); },
    [self](const setup& x) {
      reconfigure(self, x);
      announce(self);
      return caf::ok_atom_v;
    },
    [self](atom::stop) { stop(self); },
  };
}

} // namespace

supervisor_actor spawn_supervisor(caf::actor_system& sys,
                                  supervisor_plan plan) {
  return sys.spawn(supervisor, std::move(plan));
}

mesh::address advertised(const site::listener& x) {
  if (x.listen.port == 0)
    return {};
  return x.advertise.port != 0 ? x.advertise : x.listen;
}

} // namespace cheops::actors
