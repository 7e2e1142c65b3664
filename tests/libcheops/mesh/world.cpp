#include "world.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace cheops::mesh::testing {

using namespace std::chrono_literals;

namespace {

constexpr auto never = instant{-1};

/// FNV-1a: what nobody can compute without the secret, here.
std::string mac(std::uint64_t secret, std::string_view body) {
  auto h = 0xcbf29ce484222325ULL ^ secret;
  for (auto c : body)
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return std::to_string(h);
}

} // namespace

world::world(settings with)
  : with_(with),
    random_(with.seed * 0x9e3779b97f4a7c15ULL + 1),
    latency_(std::size_t{with.sites} * with.sites),
    blocked_(std::size_t{with.sites} * with.sites, never) {
  for (unsigned i = 0; i < with_.sites; ++i) {
    process p;
    p.name = site_id{"S" + std::to_string(i)};
    index_[p.name] = i;
    sites_.push_back(std::move(p));
    // Knowing one peer is enough, so each declares one that came before.
    declares_.push_back(i == 0 ? 0 : below(i));
    secrets_.push_back(random_());
    for (unsigned k = 0; k < i; ++k)
      latency_[i * with_.sites + k] = latency_[k * with_.sites + i] =
        between(100us, chance(0.2) ? 60ms : 5ms);
  }
  for (unsigned i = 0; i < with_.sites; ++i)
    at(between(0us, 700ms), [this, i] {
      if (!sites_[i].alive)
        start(i);
    });
}

// -- time and chance --------------------------------------------------------

void world::at(instant when, std::function<void()> run) {
  events_.push({std::max(when, now_), next_order_++, std::move(run)});
}

void world::advance_to(instant when) {
  while (!events_.empty() && events_.top().at <= when) {
    auto run = std::move(const_cast<event&>(events_.top()).run);
    now_ = events_.top().at;
    events_.pop();
    run();
  }
  now_ = when;
}

bool world::chance(double p) {
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < p;
}

unsigned world::below(unsigned n) {
  return static_cast<unsigned>(random_() % n);
}

instant world::between(instant least, instant most) {
  return least
         + instant{static_cast<instant::rep>(
           random_() % static_cast<std::uint64_t>((most - least).count() + 1))};
}

void world::fail(const std::string& what) const {
  std::ostringstream out;
  out << "seed " << with_.seed << " with " << with_.sites << " sites, at "
      << now_.count() << " us: " << what;
  throw std::runtime_error(out.str());
}

unsigned world::index_of(const process& p) const {
  return index_.at(p.name);
}

// -- the network ------------------------------------------------------------

instant world::latency(unsigned a, unsigned b) {
  auto base = latency_[a * with_.sites + b];
  if (with_.network == network::hostile && !calm_)
    return base * between(1us, 4us).count(); // What overtakes, reorders.
  return base + between(0us, base / 16);
}

instant& world::blocked(unsigned from, unsigned to) {
  return blocked_[from * with_.sites + to];
}

/// A dial: it reaches who listens, is refused, or is not answered.
void world::connect(unsigned from, unsigned to, end_id id) {
  if (std::max(blocked(from, to), blocked(to, from)) > now_)
    return;
  if (!calm_ && chance(0.05))
    return; // Lost.
  at(now_ + latency(from, to), [this, from, to, id] {
    auto back = now_ + latency(to, from);
    if (!sites_[to].alive)
      return reset(id, back);
    if (find(id) == nullptr)
      return;
    open(id ^ 1, to, from, link::role::accepted, {});
    tell_supervisor(*find(id ^ 1), std::monostate{});
    // TLS 1.3: the client's handshake ends first.
    auto done = back + latency(from, to) + latency(to, from);
    at(done, [this, id, to] { secure(id, to); });
    find(id)->sent = done + latency(from, to);
    at(find(id)->sent, [this, id, from] {
      if (find(id) != nullptr)
        secure(id ^ 1, from);
    });
  });
}

void world::secure(end_id id, unsigned with) {
  auto* s = find(id);
  if (s == nullptr)
    return;
  // While an injected cut lasts, nothing of a handshake passes either.
  if (s->rules.faults.in.cut || s->rules.faults.out.cut)
    return;
  if (s->rules.as == link::role::accepted)
    s->peer = sites_[with].name;
  advance(id, link::secured{sites_[with].name});
}

void world::transmit(socket& s, std::string bytes) {
  auto& until = blocked(s.at, s.with);
  auto copies = 1;
  if (with_.network == network::hostile) {
    if (until > now_ || (!calm_ && chance(0.04)))
      copies = 0;
    else if (!calm_ && chance(0.03))
      copies = 2;
  }
  auto send = [&](std::string part) {
    auto when = std::max(now_, until) + latency(s.at, s.with);
    if (with_.network == network::stream || calm_)
      when = s.sent = std::max(when, s.sent);
    else // Not before the handshake has ended.
      when = std::max(when, s.sent);
    at(when, [this, id = s.id, site = s.with, part = std::move(part)] {
      arrive(id ^ 1, site, id, part);
    });
  };
  if (with_.network == network::stream && chance(0.05)) {
    auto first = below(static_cast<unsigned>(bytes.size()));
    send(bytes.substr(0, first));
    bytes.erase(0, first);
  }
  for (; copies > 0; --copies)
    send(bytes);
  if (s.draining)
    return;
  s.draining = true;
  auto gone = with_.network == network::stream ? std::max(now_, until) : now_;
  at(gone + between(0us, 500us), [this, id = s.id] {
    if (auto* x = find(id)) {
      x->draining = false;
      advance(id, link::drained{0});
    }
  });
}

void world::arrive(end_id id, unsigned site, end_id from,
                   const std::string& bytes) {
  if (auto* s = find(id)) {
    if (s->rules.phase == link::phase::securing)
      return; // Not secured in time; its dial will end.
    return advance(id, link::received{bytes});
  }
  // Nobody has that connection any more: reset, if one is there to say so.
  if (sites_[site].alive)
    reset(from, now_);
}

/// The connection of this end is told to have ended, unless a cut keeps
/// that back.
void world::reset(end_id id, instant when) {
  auto* s = find(id);
  if (s == nullptr)
    return;
  auto until = blocked(s->with, s->at);
  if (with_.network == network::hostile && until > now_)
    return;
  at(std::max(when, until), [this, id] { lose(id); });
}

void world::lose(end_id id) {
  auto* s = find(id);
  if (s == nullptr)
    return;
  if (!s->closing)
    tell_supervisor(*s, link::close{"the connection was lost", std::nullopt});
  sockets_.erase(id);
}

void world::shut(end_id id) {
  auto* s = find(id);
  if (s == nullptr)
    return;
  auto last = std::max(s->sent, now_) + latency(s->at, s->with);
  sockets_.erase(id);
  reset(id ^ 1, last);
}

// -- signatures -------------------------------------------------------------

wire::sealed_statement world::seal(const site_id& by, std::string body) {
  wire::sealed_statement x;
  x.chain = {by.value};
  x.signature = mac(secrets_[index_.at(by)], body);
  signed_[by].insert(body);
  x.body = std::move(body);
  return x;
}

site_id world::signer(const wire::sealed_statement& x) const {
  if (x.chain.empty())
    return {};
  site_id by{x.chain.front()};
  auto i = index_.find(by);
  if (i == index_.end() || mac(secrets_[i->second], x.body) != x.signature)
    return {};
  return by;
}

/// The second site tells a peer that another site has moved to its own
/// address: unsigned, signed by itself, or under the other's old signature.
void world::lie() {
  auto& liar = sites_[1];
  auto& victim = sites_[below(with_.sites)];
  auto said = liar.members.members.find(victim.name);
  if (!liar.alive || said == liar.members.members.end() || !said->second.says)
    return;
  auto says = *said->second.says;
  says.version += 1 + below(5);
  says.incarnation += below(2);
  says.link = liar.members.own.link;
  wire::sealed_statement x;
  x.body = wire::encode(says);
  switch (below(3)) {
  case 0:
    break;
  case 1:
    x.chain = {liar.name.value};
    x.signature = mac(secrets_[1], x.body);
    break;
  default:
    x.chain = said->second.sealed.chain;
    x.signature = said->second.sealed.signature;
  }
  for (const auto& [peer, n] : liar.neighbours)
    if (n.current != 0) {
      ++forged_;
      order(liar, n.current,
            link::posted{wire::kind::gossip, wire::encode(std::vector{x})});
    }
}

// -- faults -----------------------------------------------------------------

void world::cut(unsigned a, unsigned b, instant time) {
  blocked(a, b) = now_ + time;
}

void world::disbelieve(unsigned site, unsigned other) {
  sites_[site].disbelieved.insert("10.0.0." + std::to_string(other + 1));
}

void world::kill(unsigned site, bool silently) {
  auto& p = sites_[site];
  p.alive = false;
  std::vector<end_id> own;
  for (const auto& [id, s] : sockets_)
    if (s->at == site)
      own.push_back(id);
  for (auto id : own) {
    auto with = find(id)->with;
    sockets_.erase(id);
    if (!silently)
      reset(id ^ 1, now_ + latency(site, with));
  }
}

void world::disturb_once() {
  auto site = below(with_.sites);
  auto other = (site + 1 + below(with_.sites - 1)) % with_.sites;
  auto& p = sites_[site];
  switch (below(10)) {
  case 0:
  case 1:
    cut(site, other, between(100ms, 4s));
    cut(other, site, between(100ms, 4s));
    break;
  case 2:
    cut(site, other, between(100ms, 4s));
    break;
  case 3:
  case 4:
    if (!p.alive)
      start(site);
    else if (chance(0.3))
      stop(site);
    else
      kill(site, chance(0.3));
    break;
  case 5:
    if (!p.alive)
      start(site);
    break;
  case 6:
  case 7: {
    peer_faults f;
    f.in.cut = chance(0.2);
    f.out.cut = chance(0.2);
    f.in.delay = chance(0.3) ? between(0us, 200ms) : 0us;
    f.out.delay = chance(0.3) ? between(0us, 200ms) : 0us;
    f.in.loss = chance(0.3) ? 0.2 : 0;
    p.faults[sites_[other].name] = f;
    for (const auto& [id, c] : p.connections)
      if (c.peer == sites_[other].name)
        order(p, id, link::faulted{f});
    break;
  }
  default:
    if (with_.liar)
      lie();
  }
}

void world::disturb(instant time) {
  calm_ = false;
  for (auto end = now_ + time; now_ < end;) {
    advance_to(std::min(end, now_ + between(1ms, 400ms)));
    disturb_once();
  }
}

void world::heal() {
  calm_ = true;
  std::ranges::fill(blocked_, never);
  for (unsigned i = 0; i < with_.sites; ++i) {
    auto& p = sites_[i];
    p.faults.clear();
    for (const auto& [id, c] : p.connections)
      if (!c.peer.empty())
        order(p, id, link::faulted{});
    if (!p.alive)
      start(i);
  }
}

void world::run(instant time) {
  calm_ = true;
  advance_to(now_ + time);
}

bool world::settle(instant at_most) {
  for (auto end = now_ + at_most; now_ < end;) {
    run(250ms);
    if (differences().empty())
      return true;
  }
  return false;
}

// -- what must hold ---------------------------------------------------------

void world::check(const process& p) const {
  for (const auto& [name, m] : p.members.members) {
    if (!m.says)
      continue;
    auto i = signed_.find(name);
    if (m.says->site != name || i == signed_.end()
        || !i->second.contains(m.sealed.body)
        || wire::encode(*m.says) != m.sealed.body)
      fail(p.name.value + " believes what " + name.value + " did not sign");
  }
  for (const auto& [name, n] : p.neighbours) {
    auto up = peering::current(n.rules);
    if ((up == nullptr ? 0 : up->id) != n.current)
      fail(p.name.value + " speaks to " + name.value
           + " over another connection than its rules say");
  }
}

reach world::seen(unsigned by, unsigned site) const {
  auto i = sites_[by].neighbours.find(sites_[site].name);
  return i == sites_[by].neighbours.end() ? reach::connecting
                                          : i->second.rules.seen;
}

std::string world::difference(unsigned a, unsigned b) const {
  const auto& p = sites_[a];
  const auto& q = sites_[b];
  auto who = p.name.value + " of " + q.name.value + ": ";
  auto m = p.members.members.find(q.name);
  auto n = p.neighbours.find(q.name);
  auto known = m != p.members.members.end() && n != p.neighbours.end();
  if (!q.alive)
    return known && n->second.rules.seen != reach::down
             ? who + "does not say that it is down; "
             : "";
  if (!known || !m->second.says)
    return who + "does not know it; ";
  if (*m->second.says != q.members.own)
    return who + "holds an old statement; ";
  if (n->second.rules.seen != reach::up || n->second.current == 0)
    return who + "has no link; ";
  auto back = q.neighbours.find(p.name);
  if (back == q.neighbours.end()
      || back->second.current != (n->second.current ^ 1))
    return who + "the two ends keep different connections; ";
  if (n->second.rules.all.size() != 1)
    return who + "more than one connection; ";
  return {};
}

std::string world::differences() const {
  std::string out;
  for (unsigned a = 0; a < with_.sites; ++a)
    for (unsigned b = 0; b < with_.sites; ++b)
      if (a != b && sites_[a].alive)
        out += difference(a, b);
  for (unsigned a = 0; a < with_.sites; ++a)
    for (unsigned b = 0; b < a; ++b)
      if (sites_[a].alive && sites_[b].alive
          && sites_[a].digest != sites_[b].digest)
        out += "digests of " + sites_[a].name.value + " and "
               + sites_[b].name.value + " differ; ";
  return out;
}

} // namespace cheops::mesh::testing
