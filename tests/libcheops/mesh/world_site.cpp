// One site of the world: what actors/link.cpp and actors/supervisor.cpp do,
// without actors. Each way between a link and its supervisor keeps its order;
// nothing else does.
#include "world.hpp"

#include <algorithm>

namespace cheops::mesh::testing {

using namespace std::chrono_literals;

namespace {

/// As in actors/: how long a goodbye may take to leave.
constexpr instant goodbye_patience = 200ms;
/// A message from one actor of a process to another.
constexpr instant mailbox_most = 2ms;
constexpr std::size_t input_bytes = 4 * 1024;

address address_of(unsigned site) {
  return {"10.0.0." + std::to_string(site + 1), 1};
}

wire::hello hello_of(const site_id& name, const std::string& store,
                     std::uint64_t incarnation) {
  wire::hello x;
  x.site = name;
  x.store = store;
  x.incarnation = incarnation;
  return x;
}

} // namespace

// -- a link -----------------------------------------------------------------

world::socket* world::find(end_id id) {
  auto i = sockets_.find(id);
  return i == sockets_.end() ? nullptr : i->second.get();
}

void world::open(end_id id, unsigned site, unsigned with, link::role as,
                 const site_id& expected) {
  auto& p = sites_[site];
  auto s = std::make_unique<socket>();
  s->id = id;
  s->at = site;
  s->with = with;
  s->peer = expected;
  link::settings rules;
  rules.hello = hello_of(p.name, p.store, p.incarnation);
  // So little that credit runs out, where no frame is ever lost for good.
  if (with_.network == network::stream)
    rules.input_bytes = input_bytes;
  s->rules = link::start(rules, as, expected, now_, random_());
  if (as == link::role::dialled)
    s->rules.faults = faults_of(p, expected);
  sockets_[id] = std::move(s);
  at(now_ + rules.heartbeat, [this, id] { tick(id); });
}

void world::tick(end_id id) {
  auto* s = find(id);
  if (s == nullptr || s->closing)
    return;
  at(now_ + s->rules.with.heartbeat, [this, id] { tick(id); });
  advance(id, link::ticked{});
}

void world::advance(end_id id, const link::input& in) {
  auto* s = find(id);
  if (s == nullptr || s->closing)
    return;
  for (const auto& x : link::step(s->rules, in, now_))
    perform(*s, x);
}

void world::tell_supervisor(socket& s, report what) {
  s.reported = std::max(s.reported, now_ + between(0us, mailbox_most));
  at(s.reported,
     [this, site = s.at, life = sites_[s.at].life, id = s.id, peer = s.peer,
      what = std::move(what)] { receive(site, life, id, peer, what); });
}

void world::close(socket& s, const link::close& x) {
  tell_supervisor(s, x);
  s.closing = true;
  // The goodbye leaves first, if the path takes it.
  auto gone = std::max(s.sent, now_);
  at(std::min(gone, now_ + goodbye_patience), [this, id = s.id] { shut(id); });
}

void world::perform(socket& s, const link::effect& effect) {
  if (const auto* w = std::get_if<link::write>(&effect))
    return transmit(s, w->bytes);
  if (const auto* c = std::get_if<link::close>(&effect))
    return close(s, *c);
  if (const auto* k = std::get_if<link::wake>(&effect))
    return at(std::max(k->at, now_),
              [this, id = s.id] { advance(id, link::ticked{}); });
  if (const auto* g = std::get_if<link::greeted>(&effect))
    s.peer = g->hello.site;
  std::visit(
    [&](const auto& x) {
      if constexpr (std::is_constructible_v<report, decltype(x)>)
        tell_supervisor(s, x);
    },
    effect);
}

// -- the supervisor ---------------------------------------------------------

void world::start(unsigned site) {
  auto& p = sites_[site];
  p.alive = true;
  ++p.life;
  p.incarnation = std::max(p.incarnation + 1,
                           static_cast<std::uint64_t>(now_.count() / 1000));
  if (p.store.empty() || chance(0.1))
    p.store = "store" + std::to_string(random_() % 1'000'000);
  p.neighbours.clear();
  p.connections.clear();
  p.digest = 0;
  wire::statement own;
  own.site = p.name;
  own.incarnation = p.incarnation;
  own.store = p.store;
  own.link = address_of(site);
  own.peer_front = {own.link.host, 2};
  membership::settings rules;
  if (declares_[site] != site)
    rules.declared.push_back(
      {sites_[declares_[site]].name, address_of(declares_[site])});
  rules.believes = [this, site](const address& a) {
    return a.host.starts_with("10.")
           && !sites_[site].disbelieved.contains(a.host);
  };
  auto first = membership::start(std::move(rules), std::move(own));
  p.members = std::move(first.self);
  for (const auto& x : first.effects)
    perform(p, x);
}

void world::stop(unsigned site) {
  auto& p = sites_[site];
  for (const auto& [id, c] : p.connections)
    advance(id, link::ended{wire::farewell::stopping, "the site is stopping"});
  p.alive = false;
  p.neighbours.clear();
  p.connections.clear();
}

void world::receive(unsigned site, std::uint64_t life, end_id id,
                    const site_id& peer, const report& what) {
  auto& p = sites_[site];
  if (!p.alive || p.life != life)
    return;
  auto c = p.connections.find(id);
  if (what.index() == 0)
    p.connections[id] = {}; // Accepted: a stranger.
  else if (std::holds_alternative<link::ready>(what))
    advance(p, peer, peering::ready{id});
  else if (const auto* g = std::get_if<link::greeted>(&what))
    greet(p, id, *g);
  else if (std::holds_alternative<link::went_up>(what)) {
    if (c != p.connections.end() && !c->second.refused)
      advance(p, peer, peering::opened{id, c->second.hello});
  } else if (const auto* m = std::get_if<link::measured>(&what))
    advance(p, membership::measured{peer, m->round_trip});
  else if (const auto* told = std::get_if<link::gossip>(&what)) {
    hear(p, peer, *told);
    order(p, id, link::consumed{told->cost});
  } else if (const auto* d = std::get_if<link::compared>(&what))
    advance(p, membership::compared{peer, d->digest});
  else if (const auto* e = std::get_if<link::close>(&what))
    end(p, id, *e);
  check(p);
}

void world::greet(process& p, end_id id, const link::greeted& x) {
  auto i = p.connections.find(id);
  if (i == p.connections.end())
    return;
  i->second.hello = x.hello;
  auto why = membership::objection(p.members, x.hello);
  if (!why.empty()) {
    i->second.refused = true;
    return order(p, id, link::ended{wire::farewell::refused, why});
  }
  if (!i->second.peer.empty())
    return; // We dialled it; it is up.
  auto faults = faults_of(p, x.hello.site);
  if (faults.in.cut || faults.out.cut)
    return;
  i->second.peer = x.hello.site;
  meet(p, x.hello.site);
  advance(p, x.hello.site, peering::greeted{id, x.hello});
}

void world::hear(process& p, const site_id& from, const link::gossip& x) {
  for (const auto& sealed : x.statements) {
    auto says = wire::decode_statement(sealed.body);
    if (says && membership::is_news(p.members, *says))
      advance(p, membership::heard{from, *says, sealed, signer(sealed)});
  }
}

void world::end(process& p, end_id id, const link::close& x) {
  auto i = p.connections.find(id);
  if (i == p.connections.end())
    return;
  auto peer = i->second.peer;
  p.connections.erase(i);
  if (!peer.empty())
    advance(p, peer, peering::closed{id, x.why, x.said});
}

world::neighbour& world::meet(process& p, const site_id& peer) {
  auto& n = p.neighbours[peer];
  n.rules.self = p.name;
  n.rules.peer = peer;
  return n;
}

peer_faults world::faults_of(const process& p, const site_id& peer) const {
  auto i = p.faults.find(peer);
  return i == p.faults.end() ? peer_faults{} : i->second;
}

void world::order(process& p, end_id id, link::input what) {
  auto* s = find(id);
  if (s == nullptr || !p.connections.contains(id))
    return;
  s->ordered = std::max(s->ordered, now_ + between(0us, mailbox_most));
  at(s->ordered, [this, id, what = std::move(what)] {
    auto* to = find(id);
    const auto* x = std::get_if<link::posted>(&what);
    if (to == nullptr
        || (x != nullptr
            && link::room_for(to->rules, x->payload.size()) != link::room::yes))
      return;
    advance(id, what);
  });
}

void world::advance(process& p, const site_id& peer, const peering::input& in) {
  auto i = p.neighbours.find(peer);
  if (i == p.neighbours.end())
    return;
  for (const auto& x : peering::step(i->second.rules, in, now_))
    perform(p, peer, x);
}

void world::dial(process& p, const site_id& peer) {
  auto& n = p.neighbours[peer];
  if (n.at.empty())
    return;
  auto id = next_connection_;
  next_connection_ += 2;
  auto faults = faults_of(p, peer);
  auto site = index_of(p);
  if (faults.in.cut || faults.out.cut) {
    advance(p, peer, peering::dialled{id});
    return at(now_ + 1s, [this, site, life = p.life, peer, id] {
      if (auto& q = sites_[site]; q.alive && q.life == life)
        advance(q, peer, peering::closed{id, "no answer", std::nullopt});
    });
  }
  p.connections[id].peer = peer;
  auto to = static_cast<unsigned>(
    std::stoul(n.at.front().host.substr(std::string{"10.0.0."}.size())) - 1);
  open(id, site, to, link::role::dialled, peer);
  connect(site, to, id);
  advance(p, peer, peering::dialled{id});
}

void world::rise(process& p, const site_id& peer, const peering::went_up& x) {
  auto i = p.connections.find(x.id);
  if (i == p.connections.end())
    return;
  ++links_up_;
  i->second.up = true;
  p.neighbours[peer].current = x.id;
  order(p, x.id, link::digested{p.digest});
  advance(p, membership::linked{peer});
}

void world::fall(process& p, const site_id& peer) {
  p.neighbours[peer].current = 0;
  advance(p, membership::unlinked{peer});
}

void world::perform(process& p, const site_id& peer, const peering::effect& x) {
  if (std::holds_alternative<peering::dial>(x))
    dial(p, peer);
  else if (const auto* r = std::get_if<peering::retry>(&x))
    at(now_ + r->after, [this, site = index_of(p), life = p.life, peer] {
      if (auto& q = sites_[site]; q.alive && q.life == life)
        advance(q, peer, peering::dial_due{});
    });
  else if (const auto* m = std::get_if<peering::permit>(&x)) {
    order(p, m->id, link::faulted{faults_of(p, peer)});
    order(p, m->id, link::digested{p.digest});
    order(p, m->id, link::permitted{});
  } else if (const auto* f = std::get_if<peering::finish>(&x))
    order(p, f->id, link::ended{f->why, f->text});
  else if (const auto* u = std::get_if<peering::went_up>(&x))
    rise(p, peer, *u);
  else if (std::holds_alternative<peering::went_down>(x))
    fall(p, peer);
}

void world::advance(process& p, const membership::input& in) {
  for (const auto& x : membership::step(p.members, in, now_))
    perform(p, x);
  auto digest = membership::digest(p.members);
  if (digest == p.digest)
    return;
  p.digest = digest;
  for (const auto& [id, c] : p.connections)
    if (c.up)
      order(p, id, link::digested{digest});
}

void world::perform(process& p, const membership::effect& x) {
  if (const auto* s = std::get_if<membership::sign>(&x)) {
    auto sealed = seal(p.name, wire::encode(s->statement));
    advance(p, membership::sealed{s->statement.version, std::move(sealed)});
  } else if (const auto* t = std::get_if<membership::tell>(&x)) {
    auto i = p.neighbours.find(t->peer);
    if (i == p.neighbours.end() || i->second.current == 0)
      return;
    ++gossip_;
    order(p, i->second.current,
          link::posted{wire::kind::gossip, wire::encode(t->statements)});
  } else if (const auto* k = std::get_if<membership::know>(&x)) {
    meet(p, k->site).at = k->at;
    advance(p, k->site, peering::wanted{!k->at.empty()});
  } else if (const auto* f = std::get_if<membership::forget>(&x)) {
    advance(p, f->site, peering::removed{});
    p.neighbours.erase(f->site);
  }
}

} // namespace cheops::mesh::testing
