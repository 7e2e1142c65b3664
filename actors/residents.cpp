// Which replicants have an owner, and how they come by one.

#include "actors/owners_state.hpp"

#include <caf/all.hpp>
#include <spdlog/logger.h>

namespace cheops::actors {

namespace {

/// Inputs that wait for one owner to be loaded; more of peers are lost, as
/// any message may be.
constexpr std::size_t held_max = 256;
/// Sleepers that are loaded at once when many must wake.
constexpr std::size_t waking_max = 64;

} // namespace

bool has_room(const owners_state& st) {
  return st.residents.size() < st.plan.parts->plan.awake_max;
}

bool has(const owners_state& st, const meta_id& meta) {
  return st.known.contains(meta) || st.residents.contains(meta);
}

bool is_over(const owners_state& st, const meta_id& meta) {
  auto known = st.over.is_over(meta);
  return known && *known;
}

error no_room() {
  return not_now("too many replicants are in use at once",
                 "try again in some seconds");
}

void refuse(const change_ptr& x, const owners_state& st) {
  using enum replicant::refusal;
  auto left = st.over.has_left(x->meta, st.self());
  x->refuse(is_over(st, x->meta) ? over : left && *left ? not_member : absent);
}

void give(owners_ptr self, resident& to, owner_input x) {
  if (to.now == phase::awake) {
    ++to.given;
    self->send(to.owner, std::move(x));
  } else if (to.now != phase::erasing) {
    auto lost =
      to.held.size() >= held_max && std::holds_alternative<delivered>(x.what);
    if (lost)
      ++self->state.plan.parts->tally.dropped;
    else
      to.held.push_back(std::move(x));
  } else if (auto* change = std::get_if<change_ptr>(&x.what)) {
    refuse(*change, self->state);
  }
}

void give_again(owners_ptr self, const meta_id& meta, owner_input x) {
  if (auto* change = std::get_if<change_ptr>(&x.what)) {
    if ((*change)->makes)
      create(self, *change);
    else if (has(self->state, meta))
      give_or_load(self, meta, std::move(x));
    else
      refuse(*change, self->state);
  } else if (auto* said = std::get_if<delivered>(&x.what)) {
    on_delivered(self, *said);
  } else if (has(self->state, meta)) {
    give_or_load(self, meta, std::move(x));
  }
}

void give_if_awake(owners_ptr self, const meta_id& meta, owner_input x) {
  auto i = self->state.residents.find(meta);
  if (i != self->state.residents.end() && i->second.now != phase::erasing)
    give(self, i->second, std::move(x));
}

void give_held(owners_ptr self, resident& to) {
  for (auto& x : std::exchange(to.held, {}))
    give(self, to, std::move(x));
}

void attach(owners_state& st, const meta_id& meta, const resident& x) {
  st.plan.router->attach(std::string{replicant_kind}, to_string(meta),
                         caf::actor_cast<caf::actor>(x.owner));
}

void detach(owners_state& st, const meta_id& meta, const resident& x) {
  st.plan.router->detach(std::string{replicant_kind}, to_string(meta),
                         x.owner.address());
}

void spawn(owners_ptr self, const meta_id& meta, resident& as,
           std::variant<new_group, replicant::stored_replicant> from) {
  auto& st = self->state;
  auto plan = std::make_shared<owner_plan>();
  const auto* fresh = std::get_if<new_group>(&from);
  plan->who = st.identity(meta, fresh ? fresh->self : replicant::member_id{});
  plan->from = std::move(from);
  plan->parts = st.plan.parts;
  plan->owners = self;
  plan->keeper = st.plan.keeper;
  plan->router = st.plan.router;
  plan->log = st.plan.log;
  as.owner = spawn_owner(self->system(), std::move(plan));
  as.now = phase::awake;
  as.given = 0;
  st.by_actor[as.owner.id()] = meta;
  self->monitor(as.owner);
  attach(st, meta, as);
  give_held(self, as);
  if (auto i = st.wishes.find(meta); i != st.wishes.end())
    for (const auto& w : i->second)
      give(self, as, {w});
}

namespace {

/// Nobody waits any more for what was to be loaded.
void drop(owners_ptr self, const meta_id& meta, const error& why) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  auto held = std::move(i->second.held);
  st.residents.erase(i);
  for (auto& x : held) {
    if (auto* change = std::get_if<change_ptr>(&x.what))
      (*change)->answer(why);
    if (auto* read = std::get_if<std::shared_ptr<read_question>>(&x.what))
      (*read)->answer(why);
  }
}

/// The store has nothing of it after all.
void found_nothing(owners_ptr self, const meta_id& meta) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  auto held = std::move(i->second.held);
  st.residents.erase(i);
  forget(st, meta);
  for (auto& x : held)
    give_again(self, meta, std::move(x));
}

void on_loaded(owners_ptr self, const loaded& x) {
  auto& st = self->state;
  auto i = st.residents.find(x.meta);
  if (i == st.residents.end() || i->second.now != phase::loading)
    return; // We are stopping.
  if (std::exchange(i->second.woken, false))
    --st.waking;
  auto& found = *x.what;
  if (!found) {
    st.plan.log->error("replicant {}: {}", to_string(x.meta),
                       to_string(found.error()));
    drop(self, x.meta, found.error());
  } else if (!*found) {
    found_nothing(self, x.meta);
  } else {
    spawn(self, x.meta, i->second, std::move(**found));
  }
  wake_more(self);
}

} // namespace

resident& load(owners_ptr self, const meta_id& meta) {
  auto& st = self->state;
  auto& out = st.residents[meta];
  self->request(st.plan.keeper, caf::infinite, atom::load_v, meta)
    .then([self](const loaded& x) { on_loaded(self, x); },
          [self, meta](const caf::error&) {
            if (self->state.residents.contains(meta))
              drop(self, meta, nobody_answers());
          });
  return out;
}

void wake_more(owners_ptr self) {
  auto& st = self->state;
  while (!st.to_wake.empty() && st.waking < waking_max && has_room(st)
         && !st.failed && !st.stopping) {
    auto [meta, link] = std::move(st.to_wake.front());
    st.to_wake.pop_front();
    if (st.residents.contains(meta) || !st.known.contains(meta))
      continue;
    auto& x = load(self, meta);
    x.woken = true;
    ++st.waking;
    if (link)
      x.held.push_back({*std::move(link)});
  }
}

/// To the owner, which is loaded where it sleeps.
void give_or_load(owners_ptr self, const meta_id& meta, owner_input x) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  if (i == st.residents.end()) {
    if (has_room(st)) {
      give(self, load(self, meta), std::move(x));
      return;
    }
    if (auto* change = std::get_if<change_ptr>(&x.what))
      (*change)->answer(no_room());
    if (auto* read = std::get_if<std::shared_ptr<read_question>>(&x.what))
      (*read)->answer(no_room());
    return;
  }
  give(self, i->second, std::move(x));
}

} // namespace cheops::actors
