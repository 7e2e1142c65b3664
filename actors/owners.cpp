#include "actors/owners.hpp"

#include "actors/owners_state.hpp"

#include <caf/all.hpp>
#include <spdlog/logger.h>

#include <algorithm>
#include <malloc.h>

namespace cheops::actors {

namespace {

/// So many owners at least must have been awake before their memory is worth
/// the walk through all that is free.
constexpr std::size_t trim_least = 256;

/// An owner that ends out of order is started anew so many times unasked.
constexpr unsigned revivals_max = 3;

// -- sites -------------------------------------------------------------------

/// Who sleeps goes on sleeping, but for those that the site lacks something
/// of.
void came_up(owners_ptr self, const site_id& site) {
  auto& st = self->state;
  link_up now{site, st.sites[site].store};
  for (auto& [meta, r] : st.residents)
    if (r.now == phase::awake)
      give(self, r, {now});
  for (const auto& [meta, x] : st.known)
    if (is_behind(st, x, site) && !st.residents.contains(meta))
      st.to_wake.emplace_back(meta, now);
  wake_more(self);
}

void on_view(owners_ptr self, const mesh::view& x) {
  auto& st = self->state;
  std::vector<site_id> up;
  for (const auto& site : x.sites) {
    auto& known = st.sites[site.name];
    known.store = site.store;
    auto is_up = site.state == mesh::reach::up;
    if (is_up && !known.up)
      up.push_back(site.name);
    known.up = is_up;
  }
  if (st.failed || st.stopping)
    return;
  for (const auto& site : up)
    came_up(self, site);
}

// -- what owners report ------------------------------------------------------

void answer_wish(owners_ptr self, const meta_id& asker,
                 replicant::reached what) {
  give_if_awake(self, asker, {std::move(what)});
}

void drop_wishes_of(owners_state& st, const meta_id& asker) {
  for (auto& [on, all] : st.wishes)
    std::erase_if(all, [&](const wish& w) { return w.asker == asker; });
  std::erase_if(st.wishes, [](const auto& x) { return x.second.empty(); });
}

void leave(owners_state& st, const meta_id& meta) {
  auto i = st.residents.find(meta);
  if (i->second.awaited)
    drop_wishes_of(st, meta);
  st.by_actor.erase(i->second.owner.id());
  i->second.owner = nullptr;
}

void on(owners_ptr self, const meta_id& meta, const owner_rests& x) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  if (i == st.residents.end() || i->second.now != phase::awake
      || i->second.given != x.taken)
    return; // Something is on its way to it.
  // What peers say comes to us, and is held, until it has answered.
  detach(st, meta, i->second);
  i->second.now = phase::resting;
  self->send(i->second.owner, atom::sleep_v);
}

void on(owners_ptr self, const meta_id& meta, const owner_stays&) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  if (i == st.residents.end() || i->second.now != phase::resting)
    return;
  i->second.now = phase::awake;
  attach(st, meta, i->second);
  give_held(self, i->second);
}

void on(owners_ptr self, const meta_id& meta, const owner_sleeps& x) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  if (i == st.residents.end() || i->second.now != phase::resting)
    return;
  self->demonitor(i->second.owner.address());
  leave(st, meta);
  auto held = std::move(i->second.held);
  st.residents.erase(i);
  st.fallen.erase(meta);
  // Who has something to bring to others is woken after a restart, too.
  auto known = st.known.find(meta);
  auto even = known != st.known.end() && known->second.behind == 0;
  if (!x.marked)
    forget(st, meta);
  else if (even)
    self->send(st.plan.keeper,
               keep{meta,
                    0,
                    {{{ports::family::awake, replicant::key_of(meta), {}}}},
                    nullptr});
  for (auto& y : held)
    give_again(self, meta, std::move(y));
  wake_more(self);
}

void on(owners_ptr self, const meta_id& meta, const owner_shows& x) {
  show(self->state, meta, x);
}

void on(owners_ptr self, const meta_id& meta, const owner_forgets& x) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  if (i == st.residents.end())
    return;
  self->demonitor(i->second.owner.address());
  detach(st, meta, i->second);
  leave(st, meta);
  i->second.now = phase::erasing;
  st.fallen.erase(meta);
  if (x.how.ended)
    st.over.ended(meta);
  else if (!x.how.untouched)
    st.over.left(meta, replicant::origin_of(x.who));
  self->send(st.plan.keeper, erase_order{meta, x.how});
  // What is over has been dealt with, whatever somebody waits for.
  auto w = st.wishes.find(meta);
  if (!x.how.ended || w == st.wishes.end())
    return;
  auto all = std::move(w->second);
  st.wishes.erase(w);
  for (const auto& y : all)
    answer_wish(self, y.asker, {meta, y.index, {}});
}

void on(owners_ptr self, const meta_id& meta, const owner_is_over& x) {
  if (x.ended_at != 0)
    std::get<replicant::asked>(x.asked->what)
      .what.after.push_back({meta, x.ended_at});
  x.asked->generation = meta.generation + 1;
  create(self, x.asked);
}

void on(owners_ptr self, const meta_id& asker, const owner_awaits& x) {
  auto& st = self->state;
  auto named_alike = asker.high == x.on.high && asker.low == x.on.low;
  if (is_over(st, x.on) || (named_alike && !has(st, x.on))) {
    answer_wish(self, asker, {x.on, x.index, {}});
    return;
  }
  if (auto i = st.residents.find(asker); i != st.residents.end())
    i->second.awaited = true;
  wish w{asker, x.index};
  auto& all = st.wishes[x.on];
  std::erase_if(all, [&](const wish& y) { return y.asker == asker; });
  all.push_back(w);
  auto i = st.residents.find(x.on);
  if (i != st.residents.end()) {
    if (i->second.now == phase::awake) // Others are told when they are.
      give(self, i->second, {w});
  } else if (st.known.contains(x.on) && has_room(st)) {
    load(self, x.on);
  }
}

void on(owners_ptr self, const meta_id& meta, const owner_reached& x) {
  auto& st = self->state;
  auto i = st.wishes.find(meta);
  if (i != st.wishes.end()) {
    std::erase_if(i->second, [&](const wish& w) { return w.asker == x.asker; });
    if (i->second.empty())
      st.wishes.erase(i);
  }
  answer_wish(self, x.asker, x.what);
}

// -- ends --------------------------------------------------------------------

void end_if_alone(owners_ptr self) {
  auto& st = self->state;
  if (!st.stopping || !st.by_actor.empty())
    return;
  st.residents.clear();
  self->quit();
}

void end_owners(owners_ptr self) {
  auto& st = self->state;
  for (auto& [meta, r] : st.residents) {
    r.held.clear();
    if (r.owner)
      self->send(r.owner, atom::stop_v);
  }
}

/// An owner has ended out of order: what is stored is as good as after a
/// crash.
void on_down(owners_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  auto i = st.by_actor.find(down.source.id());
  if (i == st.by_actor.end())
    return;
  auto meta = i->second;
  st.by_actor.erase(i);
  auto r = st.residents.find(meta);
  if (r != st.residents.end())
    st.residents.erase(r);
  drop_wishes_of(st, meta);
  if (st.stopping || st.failed) {
    end_if_alone(self);
    return;
  }
  st.plan.log->error("replicant {}: its owner has ended: {}", to_string(meta),
                     self->system().render(down.reason));
  if (st.fallen[meta]++ < revivals_max)
    st.to_wake.emplace_back(meta, std::nullopt);
  wake_more(self);
}

void begin(owners_ptr self) {
  auto& st = self->state;
  auto me = caf::actor_cast<caf::actor>(self);
  self->send(st.plan.keeper, atom::begin_v, me);
  st.plan.router->attach(std::string{replicant_kind}, me);
  auto& parts = *st.plan.parts;
  st.known = std::exchange(parts.known, {});
  st.over = replicant::generations{parts.plan.store.get()};
  count_all(st);
  for (const auto& meta : std::exchange(parts.to_wake, {}))
    st.to_wake.emplace_back(meta, std::nullopt);
  wake_more(self);
}

void count_awake(owners_ptr self) {
  auto& st = self->state;
  auto now = st.by_actor.size();
  st.plan.parts->tally.awake = now;
  st.awake_most = std::max(st.awake_most, now);
  // Those who went to sleep left it between what others use, where malloc
  // keeps it: half of what is resident, when most of many have gone.
  if (st.awake_most >= trim_least && now <= st.awake_most / 8) {
    ::malloc_trim(0);
    st.awake_most = now;
  }
}

owners_actor::behavior_type owners(owners_ptr self, const owners_plan& plan) {
  self->state.plan = plan;
  self->set_error_handler([](caf::error&) {});
  self->set_down_handler([self](const caf::down_msg& down) {
    on_down(self, down);
    count_awake(self);
  });
  return {
    [self](atom::begin) { begin(self); },
    [self](delivered& x) {
      on_delivered(self, x);
      count_awake(self);
    },
    [self](const question_asked& x) {
      on_question(self, x);
      count_awake(self);
    },
    [self](const view_seen& x) { on_view(self, *x.view); },
    [self](const owner_report& x) {
      std::visit([&](const auto& y) { on(self, x.meta, y); }, x.what);
      count_awake(self);
    },
    [self](const erased& x) {
      self->state.residents.erase(x.meta);
      forget(self->state, x.meta);
    },
    [self](const store_failed&) {
      self->state.failed = true;
      end_owners(self);
    },
    [self](atom::stop) {
      self->state.stopping = true;
      end_owners(self);
      end_if_alone(self);
    },
  };
}

} // namespace

owners_actor spawn_owners(caf::actor_system& sys, owners_plan plan) {
  return sys.spawn(owners, std::move(plan));
}

} // namespace cheops::actors
