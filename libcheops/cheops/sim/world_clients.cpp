// What clients ask for: creates, changes, retries, reads.

#include "cheops/ensure.hpp"
#include "cheops/raft/quorum.hpp"
#include "cheops/sim/world.hpp"

#include <algorithm>

namespace cheops::sim {

namespace {

using replicant::change;
using replicant::wait_for;

constexpr unsigned retries_max = 3;

replicant::natural_key key_of(const std::string& name) {
  return {service_id{"Things"}, "thing", {name}};
}

} // namespace

void world::client(unsigned number) {
  after(random.between(1, plan_.think_us), [this, number] {
    if (healed_ || asked_ >= plan_.operations)
      return;
    act(number);
    client(number);
  });
}

void world::act(unsigned) {
  auto site = static_cast<unsigned>(random.below(sites()));
  auto r = static_cast<unsigned>(random.below(resources_.size()));
  if (!at(site).up() || paused_until_[site] > now_ || is_witness(site))
    return; // It is not there to be asked.
  if (random.per_mille(plan_.reads)) {
    read_something(site, r);
  } else {
    ++asked_;
    ask_something(site, r);
  }
}

replicant::state* world::owner_at(unsigned site, unsigned r) {
  auto& all = resources_[r].metas;
  for (auto i = all.rbegin(); i != all.rend(); ++i)
    if (auto* s = at(site).owner_of(*i))
      return s;
  return nullptr;
}

/// How a group of that resource begins, asked for at `site`; nullopt: not by
/// that site. `shared`: several sites may begin it, who then must know the same
/// members, so the first says it for all (docs/consensus.md, "Lost disks").
std::optional<replicant::birth>
world::birth_at(unsigned site, unsigned r, const meta_id& meta, bool shared) {
  replicant::birth born;
  for (unsigned i = 0; i < sites(); ++i) {
    // Groups that change begin with some of the sites.
    auto left_out = plan_.scales && !plan_.witness
                    && (plan_.seed + i + r) % 3 == 0 && (shared || i != site);
    if (!left_out)
      born.members.push_back({at(i).id(), is_witness(i)
                                            ? raft::member_role::witness
                                            : raft::member_role::voter});
  }
  std::ranges::sort(born.members, {}, &raft::member::id);
  if (plan_.natural)
    born.key = key_of(resources_[r].name);
  else if (!shared)
    born.founder = at(site).id();
  if (shared)
    born = births_.try_emplace(meta, std::move(born)).first->second;
  if (raft::find(born.members, at(site).id()) == nullptr
      || at(site).over().has_left(meta, at(site).id()).value())
    return std::nullopt;
  return born;
}

/// The group for a create: of a name, the generation that lives or is next.
meta_id world::meta_for_create(unsigned site, unsigned r,
                               std::optional<replicant::dependency>& behind) {
  if (!plan_.natural) {
    auto high = random.next();
    return replicant::random_meta(high, random.next());
  }
  auto key = key_of(resources_[r].name);
  auto generation = at(site).over().next(key).value();
  for (;; ++generation) {
    auto meta = replicant::meta_of(key, generation);
    const auto* s = at(site).owner_of(meta);
    if (s == nullptr || s->shared.ended_at == 0)
      return meta;
    behind = replicant::dependency{meta, s->shared.ended_at};
  }
}

std::string world::poison() {
  if (!random.per_mille(plan_.poisoned))
    return {};
  if (random.per_mille(400))
    return "*";
  return at(static_cast<unsigned>(random.below(sites()))).id().site.value;
}

void world::ask_something(unsigned site, unsigned r) {
  auto* s = owner_at(site, r);
  auto lives =
    s != nullptr && s->shared.created_at != 0 && s->shared.ended_at == 0;
  if (!lives || (plan_.natural && random.per_mille(60)))
    ask_create(site, r);
  else if (s->site.exists)
    ask_change(site, r, *s);
}

void world::ask_create(unsigned site, unsigned r) {
  auto& res = resources_[r];
  // One at a time where each create makes a thing of its own.
  if (!plan_.natural && !res.metas.empty()) {
    const auto* last = owner_at(site, r);
    if (last == nullptr || last->shared.ended_at == 0)
      return;
  }
  request_record x;
  x.tag = next_tag_++;
  x.resource = r;
  x.site = site;
  asks what{x.tag,
            plan_.natural ? res.name : res.name + "." + std::to_string(x.tag),
            poison(),
            {}};
  std::optional<replicant::dependency> behind;
  x.meta = meta_for_create(site, r, behind);
  std::optional<replicant::dependency> on;
  if (plan_.refers && r > 0 && r + 1 == resources_.size()) {
    const auto* first = owner_at(site, 0);
    if (first == nullptr || !first->site.exists)
      return;
    on = replicant::dependency{first->meta, first->site.done};
    what.needs = first->site.local_id;
  }
  auto op = operation_for(change::create, what, {}, x.meta, on, plan_.enforces,
                          plan_.settles_after_ms);
  if (behind)
    op.after.push_back(*behind);
  if (random.per_mille(150))
    op.on_refusal = replicant::refusal_rule::compensate;
  auto keyed = !plan_.natural && random.per_mille(300);
  if (keyed) {
    x.key = next_key_++;
    x.meta =
      replicant::meta_of_retry(op.service, op.principal, std::to_string(x.key));
    op = operation_for(change::create, what, {}, x.meta, on, plan_.enforces,
                       plan_.settles_after_ms);
    op.key = replicant::client_key{replicant::digest_of(std::to_string(x.key)),
                                   {x.tag, 0}};
  }
  if (at(site).owner_of(x.meta) == nullptr) {
    // A retry may come to another site.
    auto born = birth_at(site, r, x.meta, keyed || plan_.natural);
    if (!born)
      return;
    at(site).found(x.meta, std::move(*born));
  }
  if (std::ranges::find(res.metas, x.meta) == res.metas.end())
    res.metas.push_back(x.meta);
  submit(std::move(x), std::move(op));
}

void world::ask_change(unsigned site, unsigned r, replicant::state& owner) {
  request_record x;
  x.tag = next_tag_++;
  x.resource = r;
  x.site = site;
  x.meta = owner.meta;
  auto kind = random.below(100);
  x.does = kind >= 100 - plan_.removes ? change::remove
           : kind < 55                 ? change::patch
                                       : change::replace;
  asks what{x.tag, {}, poison(), {}};
  auto op = operation_for(x.does, what, owner.site.local_id, x.meta, {},
                          plan_.enforces, plan_.settles_after_ms);
  if (random.per_mille(200)) {
    op.read_at = owner.site.done;
    x.read_at = op.read_at;
  }
  if (x.does == change::patch && random.per_mille(200))
    op.on_refusal = replicant::refusal_rule::compensate;
  if (random.per_mille(250)) {
    x.key = next_key_++;
    op.key = replicant::client_key{replicant::digest_of(std::to_string(x.key)),
                                   {x.tag, 0}};
  }
  submit(std::move(x), std::move(op));
}

void world::submit(request_record x, replicant::operation what) {
  auto site = x.site;
  x.asked_at = now_;
  replicant::asked in;
  in.what = std::move(what);
  auto kind = random.below(100);
  in.until = kind < 80   ? wait_for::here
             : kind < 90 ? wait_for::all
                         : wait_for::decided;
  x.until = in.until;
  x.operation = in.what;
  tell([&] {
    return "request " + std::to_string(x.tag) + " to "
           + at(site).id().site.value + ": " + std::string{to_string(x.does)}
           + " " + resources_[x.resource].name + " (" + to_string(x.meta) + ")";
  });
  seen.requests.push_back(std::move(x));
  at(site).ask(seen.requests.size() - 1, std::move(in));
}

void world::answered(std::size_t request) {
  const auto& x = seen.requests[request];
  auto failed = x.said->how == replicant::ending::open
                || x.said->how == replicant::ending::refused;
  if (x.key == 0 || healed_ || !failed || x.retries >= retries_max)
    return;
  after(random.between(1'000, 200'000), [this, request] { retry(request); });
}

/// The same request under the same key, at any site.
void world::retry(std::size_t request) {
  auto x = seen.requests[request];
  x.site = static_cast<unsigned>(random.below(sites()));
  auto& n = at(x.site);
  if (healed_ || !n.up() || paused_until_[x.site] > now_ || is_witness(x.site))
    return;
  auto* s = n.owner_of(x.meta);
  if (s == nullptr) {
    if (x.does != change::create || n.is_over(x.meta))
      return;
    auto born = birth_at(x.site, x.resource, x.meta, true);
    if (!born)
      return;
    n.found(x.meta, std::move(*born));
  } else if (x.does != change::create && !s->site.exists) {
    return;
  }
  x.said.reset();
  x.dropped = false;
  ++x.retries;
  auto op = x.operation;
  // Its ids are those of the site that is asked now.
  if (x.does != change::create)
    for (auto* t : {&op.what, op.undo ? &*op.undo : nullptr})
      if (t != nullptr)
        t->target = "/things/" + s->site.local_id;
  submit(std::move(x), std::move(op));
}

void world::read_something(unsigned site, unsigned r) {
  auto* s = owner_at(site, r);
  if (s == nullptr)
    return;
  read_record x;
  x.resource = r;
  x.site = site;
  x.meta = s->meta;
  x.linearizable = random.per_mille(500);
  x.asked_at = now_;
  tell([&] {
    return std::string{x.linearizable ? "linearizable " : ""} + "read at "
           + at(site).id().site.value + " of " + to_string(x.meta);
  });
  seen.reads.push_back(x);
  at(site).read(seen.reads.size() - 1, x.linearizable);
}

/// When all is healed, everybody who may be read answers with the newest.
void world::last_reads() {
  for (unsigned site = 0; site < sites(); ++site)
    for (unsigned r = 0; r < resources_.size(); ++r) {
      auto* s = is_witness(site) ? nullptr : owner_at(site, r);
      if (s == nullptr)
        continue;
      read_record x;
      x.resource = r;
      x.site = site;
      x.meta = s->meta;
      x.linearizable = true;
      x.asked_at = now_;
      seen.reads.push_back(x);
      at(site).read(seen.reads.size() - 1, true);
    }
  while (step_once(now_ + 60'000'000)) {
  }
}

} // namespace cheops::sim
