#include "cheops/sim/node.hpp"

#include "cheops/ensure.hpp"
#include "cheops/planted.hpp"
#include "cheops/raft/quorum.hpp"
#include "cheops/sim/world.hpp"

#include <algorithm>

namespace cheops::sim {

namespace {

/// In the place of a sequence: everything of the replicant.
constexpr std::uint64_t erased = 0;

std::string name_of(unsigned number) {
  return "S" + std::to_string(number + 1);
}

/// Nobody's secret: it only keeps a witness of the simulation from reading.
class toy_vault : public ports::vault {
public:
  [[nodiscard]] std::string seal(const meta_id& group, const operation_id& id,
                                 std::string_view content) const override {
    return scrambled(group, id, content);
  }
  [[nodiscard]] std::optional<std::string>
  open(const meta_id& group, const operation_id& id,
       std::string_view sealed) const override {
    return scrambled(group, id, sealed);
  }

private:
  static std::string scrambled(const meta_id& group, const operation_id& id,
                               std::string_view x) {
    dice stream{group.low ^ id.origin ^ id.session * 31 ^ id.sequence * 131};
    std::string out{x};
    for (auto& c : out)
      c = static_cast<char>(c ^ static_cast<char>(stream.next()));
    return out;
  }
};

std::shared_ptr<const ports::vault> the_vault() {
  static const auto result = std::make_shared<const toy_vault>();
  return result;
}

} // namespace

node::node(world& in, unsigned number, enforcement what)
  : app(name_of(number), what), world_(in), number_(number) {
  self_ = {site_id{name_of(number)}, "disk1"};
}

replicant::owner_identity node::identity(const meta_id& meta,
                                         const raft::member_id& self) {
  auto seed = world_.random.next();
  auto keys = world_.of().witness ? the_vault() : nullptr;
  // The number of the start is stored by a real node, with fsync.
  return {meta, self, boot << 20 | next_session_++, seed, keys};
}

// -- life --------------------------------------------------------------------

void node::start() {
  up_ = true;
  ++boot;
  next_session_ = 1;
  skew = static_cast<unsigned>(world_.random.between(900, 1100));
  over_ = replicant::generations{&store};
  auto passing = replicant::load_passing_rows(store);
  ensure(passing.has_value(), "what goes again cannot be read");
  passing_ = std::move(*passing);
  std::vector<meta_id> all;
  (void) replicant::each_replicant(store, [&](const meta_id& x) {
    all.push_back(x);
    return true;
  });
  for (const auto& x : all)
    load(x);
  world_.need_tick(number_);
}

void node::crash() {
  world_.tell([&] { return self_.site.value + " crashes"; });
  up_ = false;
  owners_.clear();
  wishes_.clear();
  to_sync_.clear();
  erasing_.clear();
  syncing_ = 0;
  store.crash(world_.random);
  for (const auto& [token, i] : requests_)
    world_.seen.requests[i].dropped = true;
  for (const auto& [token, i] : reads_)
    world_.seen.reads[i].dropped = true;
  requests_.clear();
  reads_.clear();
}

void node::lose_disk() {
  world_.tell([&] { return self_.site.value + " comes back empty"; });
  store.lose();
  app.lose();
  if (!planted(bug::empty_store_votes))
    self_.store = "disk" + std::to_string(++disks_);
}

replicant::state* node::load(const meta_id& meta) {
  auto& slot = owners_[meta];
  if (slot)
    return slot.get();
  auto kept = replicant::load(store, meta);
  ensure(kept.has_value(), "a replicant cannot be loaded");
  if (!*kept) {
    owners_.erase(meta);
    return nullptr;
  }
  slot = std::make_unique<replicant::state>(replicant::recover_owner(
    identity(meta, self_), std::move(**kept), world_.of().owners));
  if (!slot->halted.empty())
    world_.fail(self_.site.value + " cannot go on with " + to_string(meta)
                + ": " + slot->halted);
  world_.tell([&] {
    return self_.site.value + " recovers " + to_string(meta) + " at "
           + std::to_string(slot->shared.at) + ", done "
           + std::to_string(slot->site.done);
  });
  return slot.get();
}

replicant::state* node::owner_of(const meta_id& meta) {
  auto i = owners_.find(meta);
  if (i != owners_.end())
    return i->second.get();
  // Not by `over_`: a later generation may be over before an earlier one.
  return erasing_.contains(meta) ? nullptr : load(meta);
}

void node::found(const meta_id& meta, replicant::birth born) {
  world_.tell([&] { return self_.site.value + " founds " + to_string(meta); });
  owners_[meta] = std::make_unique<replicant::state>(replicant::make_owner(
    identity(meta, self_), std::move(born), world_.of().owners, true));
}

bool node::awake() const {
  return std::ranges::any_of(
    owners_, [](const auto& x) { return replicant::is_awake(*x.second); });
}

bool node::knows_of_create(const meta_id& meta) const {
  if (!up_)
    return true;
  auto shown = [](const replicant::site_record& x) {
    return replicant::worst(x) == replicant::site_state::uncertain
           || replicant::unsettled_create(x) != nullptr;
  };
  if (auto i = owners_.find(meta); i != owners_.end())
    return i->second->forgotten || shown(i->second->site)
           || replicant::unsettled_create(*i->second) != nullptr;
  auto kept = replicant::load(store, meta);
  return kept.has_value() && (!*kept || shown((*kept)->site));
}

void node::passivate() {
  std::erase_if(owners_, [&](const auto& x) {
    auto waits = std::ranges::any_of(
      wishes_, [&](const wish& w) { return w.asker == x.first; });
    return !waits && replicant::is_idle(*x.second);
  });
}

// -- inputs ------------------------------------------------------------------

void node::ask(std::size_t request, replicant::asked in) {
  in.token = next_token_++;
  requests_[in.token] = request;
  auto& r = world_.seen.requests[request];
  auto* s = owner_of(r.meta);
  ensure(s != nullptr, "a client asks an owner that is not there");
  r.id = {s->origin, s->session, s->next_sequence};
  world_.seen.by_operation[r.id] = request;
  step(r.meta, in);
}

void node::read(std::size_t read, bool linearizable) {
  auto token = next_token_++;
  reads_[token] = read;
  step(world_.seen.reads[read].meta,
       replicant::read_asked{token, linearizable});
}

void node::scale(const meta_id& meta, raft::configuration members) {
  if (owner_of(meta) != nullptr)
    step(meta, replicant::scale_asked{next_token_++, std::move(members), true});
}

void node::resolve(const meta_id& meta, replicant::resolve_asked in) {
  in.token = next_token_++;
  if (owner_of(meta) != nullptr)
    step(meta, in);
}

void node::receive(const meta_id& meta, const replicant::message& x) {
  // A message to a store that was lost is nobody's.
  if (!up_ || replicant::store_of(x.to) != self_)
    return;
  if (owner_of(meta) == nullptr) {
    using enum replicant::contact;
    auto reply = [&](replicant::message_body body) {
      world_.transmit(number_, meta, replicant::reply_to(x, std::move(body)));
    };
    switch (replicant::first_contact(x, meta, over_)) {
    case spawn:
      owners_[meta] = std::make_unique<replicant::state>(replicant::make_owner(
        identity(meta, x.to), *x.born, world_.of().owners, false));
      break;
    case unknown:
      reply(replicant::unknown_group{});
      return;
    case gone:
      reply(replicant::group_gone{});
      return;
    case left:
      reply(replicant::farewell_heard{});
      return;
    case ignore:
      return;
    }
  }
  step(meta, replicant::received{x});
}

void node::called(std::uint64_t from, const meta_id& meta,
                  const replicant::called& x) {
  if (up_ && from == boot && owners_.contains(meta))
    step(meta, x);
}

void node::probed(std::uint64_t from, const meta_id& meta,
                  const replicant::probed& x) {
  if (up_ && from == boot && owners_.contains(meta))
    step(meta, x);
}

void node::tick() {
  if (!up_)
    return;
  std::vector<meta_id> all;
  for (const auto& [meta, s] : owners_)
    if (replicant::is_awake(*s))
      all.push_back(meta);
  for (const auto& meta : all)
    if (owners_.contains(meta))
      step(meta, replicant::ticked{});
  if (world_.of().passivates && world_.random.per_mille(100))
    passivate();
}

/// Of the sleepers only those wake that the site lacks something of.
void node::wake_for(const site_id& site, const meta_id& meta) {
  if (owners_.contains(meta))
    return;
  const auto* s = owner_of(meta);
  if (s != nullptr && std::ranges::count(replicant::behind(*s), site) == 0)
    owners_.erase(meta);
}

void node::reachable(unsigned site) {
  if (!up_)
    return;
  for (const auto& [meta, g] : world_.seen.groups)
    wake_for(world_.at(site).id().site, meta);
  std::vector<meta_id> all;
  for (const auto& [meta, s] : owners_)
    all.push_back(meta);
  const auto& other = world_.at(site).id();
  for (const auto& meta : all)
    if (owners_.contains(meta))
      step(meta, replicant::reachable{other.site, other.store});
}

// -- effects -----------------------------------------------------------------

void node::step(const meta_id& meta, const replicant::input& in) {
  ++world_.steps;
  auto& s = *owners_.at(meta);
  auto before = s.shared.at;
  auto effects = replicant::step(s, in);
  observe(meta, s, before);
  for (auto& e : effects)
    std::visit([&](auto& x) { perform(meta, x); }, e);
  if (!wishes_.empty())
    tell_reached();
  world_.need_tick(number_);
}

/// One order everywhere, and one leader in a term.
void node::observe(const meta_id& meta, replicant::state& s, index_id before) {
  auto& g = world_.seen.groups[meta];
  const auto& log = s.group.log;
  for (auto i = std::max(before + 1, log.first_index());
       i <= std::min(s.shared.at, log.last_index()); ++i) {
    const auto& e = log.at(i);
    auto digest = std::hash<std::string>{}(e.payload) ^ e.term * 31
                  ^ static_cast<std::uint64_t>(e.kind);
    auto [known, fresh] = g.entries.emplace(i, digest);
    if (!fresh && known->second != digest)
      world_.fail("two entries were decided at " + std::to_string(i) + " of "
                  + to_string(meta) + ", one of them at " + self_.site.value);
  }
  for (const auto& n : s.shared.notes)
    if (n.how == replicant::fate::undone)
      g.undone.emplace(n.index, s.shared.changed_at);
  if (s.group.now == raft::role::leader) {
    auto [known, fresh] = g.leaders.emplace(s.group.term, number_);
    if (known->second != number_)
      world_.fail("two leaders in term " + std::to_string(s.group.term) + " of "
                  + to_string(meta));
  }
}

void node::perform(const meta_id& meta, replicant::persist& x) {
  store.write(std::move(x.what));
  to_sync_.emplace_back(meta, x.sequence);
  begin_sync();
}

/// Group commit: one sync for all that waits when it begins.
void node::begin_sync() {
  if (syncing_ > 0 || to_sync_.empty())
    return;
  syncing_ = to_sync_.size();
  auto now = boot;
  world_.after_at(number_, world_.random.between(100, world_.of().sync_us_max),
                  [this, now] { synced(now); });
}

void node::synced(std::uint64_t from) {
  if (!up_ || from != boot)
    return;
  store.sync(syncing_);
  std::map<meta_id, std::uint64_t> newest;
  for (; syncing_ > 0; --syncing_) {
    const auto& [meta, sequence] = to_sync_.front();
    if (sequence == erased)
      erasing_.erase(meta);
    else
      newest[meta] = sequence;
    to_sync_.pop_front();
  }
  for (const auto& [meta, sequence] : newest)
    if (owners_.contains(meta))
      step(meta, replicant::stored{sequence});
  begin_sync();
}

void node::perform(const meta_id& meta, replicant::send& x) {
  world_.transmit(number_, meta, x.what);
}

void node::perform(const meta_id& meta, replicant::call& x) {
  world_.tell([&] {
    return self_.site.value + " calls " + x.request.method + " "
           + x.request.target + " for entry " + std::to_string(x.index);
  });
  world_.call(number_, meta, x);
}

void node::perform(const meta_id& meta, replicant::probe& x) {
  world_.probe(number_, meta, x);
}

void node::perform(const meta_id& meta, replicant::await& x) {
  wishes_.push_back({meta, x});
}

void node::tell_reached() {
  auto fits = [&](const wish& w) -> std::optional<replicant::reached> {
    auto i = owners_.find(w.what.on);
    const auto* s = i == owners_.end() ? owner_of(w.what.on) : i->second.get();
    if (s == nullptr) {
      // An earlier generation that is over, or was never here.
      auto own = owners_.find(w.asker);
      auto same_name = own != owners_.end() && w.asker.high == w.what.on.high
                       && w.asker.low == w.what.on.low;
      if (same_name || is_over(w.what.on))
        return replicant::reached{w.what.on, w.what.index, {}};
      return std::nullopt;
    }
    return replicant::has_reached(*s, w.what.index);
  };
  std::vector<std::pair<meta_id, replicant::reached>> told;
  std::erase_if(wishes_, [&](const wish& w) {
    auto x = fits(w);
    if (x)
      told.emplace_back(w.asker, *x);
    return x.has_value() || !owners_.contains(w.asker);
  });
  for (const auto& [asker, x] : told)
    if (owners_.contains(asker))
      step(asker, x);
}

void node::perform(const meta_id& meta, replicant::answer& x) {
  auto i = requests_.find(x.token);
  if (i == requests_.end())
    return; // A change of members.
  auto& r = world_.seen.requests[i->second];
  if (r.said)
    world_.fail("request " + std::to_string(r.tag) + " is answered twice");
  r.said = x;
  r.answered_at = world_.now();
  world_.tell([&] {
    return self_.site.value + " answers request " + std::to_string(r.tag)
           + " of " + to_string(meta) + ": ending "
           + std::to_string(static_cast<int>(x.how)) + ", refusal "
           + std::to_string(static_cast<int>(x.why)) + ", status "
           + std::to_string(x.status) + ", entry " + std::to_string(x.index);
  });
  auto request = i->second;
  requests_.erase(i);
  world_.answered(request);
}

void node::perform(const meta_id&, replicant::read_answer& x) {
  auto i = reads_.find(x.token);
  ensure(i != reads_.end(), "a read is answered that nobody asked for");
  auto& r = world_.seen.reads[i->second];
  if (r.said)
    world_.fail("a read is answered twice");
  r.said = x;
  r.answered_at = world_.now();
  world_.tell([&] {
    return self_.site.value + (x.granted ? " grants" : " refuses")
           + std::string{r.linearizable ? " linearizable" : ""} + " read of "
           + to_string(r.meta) + " at " + std::to_string(x.index);
  });
  if (x.granted)
    if (const auto* t = app.find(x.local_id)) {
      r.found = true;
      r.tags = t->tags;
    }
  reads_.erase(i);
}

void node::perform(const meta_id& meta, replicant::forget& x) {
  world_.tell([&] { return self_.site.value + " forgets " + to_string(meta); });
  auto all = replicant::erase_all(store, meta, x.how, passing_);
  ensure(all.has_value(), "a replicant cannot be erased");
  store.write(std::move(*all));
  to_sync_.emplace_back(meta, erased);
  if (x.how.ended) {
    over_.ended(meta);
  } else if (!x.how.untouched) {
    over_.left(meta, replicant::origin_of(x.who));
    const auto& own = owners_.at(meta)->site;
    lost_track =
      lost_track || replicant::worst(own) == replicant::site_state::uncertain;
    app.forget(world_.tags_of(meta));
  }
  erasing_.insert(meta);
  // Not under the feet of the step that said so.
  world_.after(0, [this, meta, now = boot] {
    auto i = owners_.find(meta);
    if (now == boot && i != owners_.end() && i->second->forgotten)
      owners_.erase(i);
  });
  begin_sync();
}

void node::perform(const meta_id& meta, replicant::event& x) {
  using enum replicant::event_kind;
  auto& g = world_.seen.groups[meta];
  world_.tell([&] {
    static constexpr const char* names[] = {"leader",    "decided",   "done",
                                            "diverged",  "uncertain", "retry",
                                            "overruled", "halted"};
    return self_.site.value + " " + names[static_cast<std::size_t>(x.what)]
           + " " + std::to_string(x.index) + " " + std::to_string(x.status)
           + " " + x.text + " (" + to_string(meta).substr(0, 8) + ")";
  });
  if ((x.what == uncertain || x.what == diverged)
      && owners_.at(meta)->forgotten)
    lost_track = true; // It could not remove its copy.
  if (x.what == overruled)
    g.overruled.insert(x.index);
  if (x.what == halted)
    world_.fail(self_.site.value + " halts: " + x.text);
  if (x.what != decided)
    return;
  const auto* n = replicant::find(owners_.at(meta)->shared, x.index);
  if (n == nullptr)
    return;
  auto how =
    n->how == replicant::fate::undone ? replicant::fate::stands : n->how;
  auto [known, fresh] =
    g.fates.emplace(x.index, group_record::fact{n->id, how, n->status});
  if (!fresh && (known->second.how != how || known->second.id != n->id))
    world_.fail("entry " + std::to_string(x.index) + " of " + to_string(meta)
                + " has two fates");
}

} // namespace cheops::sim
