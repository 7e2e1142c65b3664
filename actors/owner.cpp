#include "actors/owner.hpp"

#include "actors/replica_view.hpp"

#include <caf/all.hpp>
#include <spdlog/logger.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace cheops::actors {

namespace {

using replicant::call_id;
using replicant::token_id;
using std::chrono::milliseconds;

/// What the application would say to who has no right.
constexpr std::uint16_t forbidden = 403;

/// A client's change, given to the rules.
struct waiting {
  change_ptr asked;
  ports::answer_ptr answer; ///< The application's, if it came.
};

/// What others were told of this replicant last.
struct shown {
  std::string key; ///< In the index; empty: not there.
  ports::local_replica replica;
  std::optional<owner_shows> rest;
  std::int64_t lag = 0;
};

struct owner_state {
  static inline const char* name = "owner";
  std::shared_ptr<owner_plan> plan;
  replicant::state core;
  std::string resource; ///< The meta id as text.
  std::uint64_t taken = 0;
  bool ticking = false;
  bool resting = false;
  bool marked = false;
  bool ends = false;
  token_id next_token = 1;
  std::map<token_id, waiting> changes;
  std::map<token_id, std::shared_ptr<read_question>> reads;
  std::vector<wish> wishes; ///< Of others who wait for this one.
  struct shown shown;

  ~owner_state() {
    if (plan)
      plan->parts->tally.apply_lag -= shown.lag;
  }
};

using owner_ptr = owner_actor::stateful_pointer<owner_state>;

template <class T>
void report(owner_ptr self, T what) {
  auto& st = self->state;
  self->send(st.plan->owners, owner_report{st.core.meta, std::move(what)});
}

// -- what the rules ask for --------------------------------------------------

void perform(owner_ptr self, replicant::persist& x) {
  auto& st = self->state;
  // Whoever stores something is woken after a crash, until it was put to
  // sleep in order.
  if (!std::exchange(st.marked, true))
    x.what.writes.push_back(
      {ports::family::awake, replicant::key_of(st.core.meta), std::string{}});
  self->send(st.plan->keeper, keep{st.core.meta, x.sequence, std::move(x.what),
                                   caf::actor_cast<caf::actor>(self)});
}

void perform(owner_ptr self, replicant::send& x) {
  auto& st = self->state;
  wire::envelope out;
  out.to = {x.what.to.site, std::string{replicant_kind}, st.resource};
  out.payload = replicant::encode(x.what);
  // Without an address of ours: what cannot go need not come back.
  st.plan->router->post(std::move(out));
}

/// All other sites that may have written an entry: who is a member, or speaks
/// as one, can write in any other's name.
std::vector<site_id> writers(const owner_state& st) {
  std::vector<site_id> out;
  for (const auto& m : st.core.group.members())
    out.push_back(m.id.site);
  for (const auto& m : st.core.heard)
    out.push_back(m.site);
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  std::erase(out, st.core.self.site);
  return out;
}

/// Whether all who may have written the entry may do that here.
bool allowed(const owner_state& st, const replicant::call& x) {
  const auto& rights = st.plan->parts->plan.allows;
  return !rights || std::ranges::all_of(x.writers, [&](const site_id& site) {
    return rights(site, x.service, x.does);
  });
}

void perform(owner_ptr self, replicant::call& x) {
  x.writers = writers(self->state);
  if (!allowed(self->state, x)) {
    ports::call_result out;
    out.what.call = x.id;
    out.what.status = forbidden;
    self->send(self, std::move(out));
    return;
  }
  const auto& parts = self->state.plan->parts;
  // Weak, both: who waits at the connector keeps nobody here alive.
  parts->plan.connector->call(
    std::move(x),
    [to = std::weak_ptr{parts}, me = self->address()](ports::call_result r) {
      if (auto p = to.lock())
        p->way_in.to_owner(me, std::move(r));
    });
}

void perform(owner_ptr self, replicant::probe& x) {
  x.writers = writers(self->state);
  const auto& parts = self->state.plan->parts;
  // Weak, both: who waits at the connector keeps nobody here alive.
  parts->plan.connector->probe(
    std::move(x),
    [to = std::weak_ptr{parts}, me = self->address()](replicant::probed r) {
      if (auto p = to.lock())
        p->way_in.to_owner(me, std::move(r));
    });
}

void perform(owner_ptr self, replicant::await& x) {
  report(self, owner_awaits{x.on, x.index});
}

bool is_named(const change_question& x) {
  return x.makes && x.makes->key;
}

void perform(owner_ptr self, replicant::answer& x) {
  auto& st = self->state;
  auto i = st.changes.find(x.token);
  if (i == st.changes.end())
    return;
  auto w = std::move(i->second);
  st.changes.erase(i);
  if (x.why == replicant::refusal::over && is_named(*w.asked)) {
    w.asked->given = false;
    report(self, owner_is_over{w.asked, st.core.shared.ended_at});
    return;
  }
  ports::write_answer out;
  out.meta = st.core.meta;
  if (x.how == replicant::ending::application)
    out.application = std::move(w.answer);
  out.how = std::move(x);
  w.asked->answer(std::move(out));
}

void perform(owner_ptr self, replicant::read_answer& x) {
  auto& st = self->state;
  auto i = st.reads.find(x.token);
  if (i == st.reads.end())
    return;
  auto q = std::move(i->second);
  st.reads.erase(i);
  q->answer(std::move(x));
}

void perform(owner_ptr self, replicant::forget& x) {
  self->state.ends = true;
  self->state.plan->parts->creates.end(self->state.core.meta);
  report(self, owner_forgets{x.how, std::move(x.who)});
}

void perform(owner_ptr self, replicant::event& x) {
  using enum replicant::event_kind;
  auto& st = self->state;
  auto& tally = st.plan->parts->tally;
  switch (x.what) {
  case leader:
    tally.elections += x.text.empty() ? 0 : 1;
    break;
  case decided:
    ++tally.decided;
    break;
  case done:
    ++tally.done;
    break;
  case retry:
    ++tally.retries;
    break;
  case diverged:
    if (!x.text.empty())
      st.plan->log->error("replicant {}: {}", st.resource, x.text);
    break;
  case halted:
    st.plan->log->error("replicant {}: cannot go on here: {}", st.resource,
                        x.text);
    break;
  default:
    break;
  }
  st.plan->parts->feed.add(st.core.meta, std::move(x));
}

// -- what others see ---------------------------------------------------------

/// At once: an answer must not be ahead of what the next request finds.
void show_in_index(owner_ptr self) {
  auto& st = self->state;
  const auto& site = st.core.site;
  auto& index = st.plan->parts->index;
  auto listed = site.exists && !site.local_id.empty();
  ports::local_replica now{st.core.meta, site.done,
                           replicant::state_of(st.core)};
  auto was = st.shown.replica;
  if (!listed && st.shown.key.empty())
    return;
  auto key = listed
               ? replicant::key_of_local(site.service, site.kind, site.local_id)
               : std::string{};
  if (key == st.shown.key && now.done == was.done && now.state == was.state)
    return;
  if (key != st.shown.key && !st.shown.key.empty())
    index.erase(st.shown.key, st.core.meta);
  if (listed)
    index.put(key, now);
  st.shown.key = std::move(key);
  st.shown.replica = now;
}

/// Before it is called, and until the index has what it made.
void show_create(owner_ptr self) {
  auto& st = self->state;
  auto& board = st.plan->parts->creates;
  const auto* create = replicant::unsettled_create(st.core);
  if (create == nullptr) {
    board.end(st.core.meta);
    return;
  }
  std::string name;
  if (const auto& key = st.core.born.key)
    for (const auto& part : key->path)
      name += (&part == key->path.data() ? "" : "/") + part;
  board.begin(st.core.meta, create->service, create->kind, name);
}

/// What may be a little late: each tick, and before sleep.
void show_the_rest(owner_ptr self) {
  auto& st = self->state;
  auto lag =
    static_cast<std::int64_t>(st.core.shared.at)
    - static_cast<std::int64_t>(std::min(st.core.site.done, st.core.shared.at));
  st.plan->parts->tally.apply_lag += lag - st.shown.lag;
  st.shown.lag = lag;
  owner_shows now{replicant::state_of(st.core), replicant::behind(st.core)};
  const auto& was = st.shown.rest;
  if (was && now.state == was->state && now.behind == was->behind)
    return;
  st.shown.rest = now;
  report(self, std::move(now));
}

void tell_wishes(owner_ptr self) {
  auto& st = self->state;
  const auto& site = st.core.site;
  std::erase_if(st.wishes, [&](const wish& w) {
    if (site.done < w.index)
      return false;
    report(self,
           owner_reached{w.asker, {st.core.meta, site.done, site.local_id}});
    return true;
  });
}

/// Ticks while there is something to do; then, after a while, sleep.
void plan_ahead(owner_ptr self) {
  auto& st = self->state;
  if (st.ends) {
    self->quit();
    return;
  }
  if (replicant::is_awake(st.core)) {
    if (!std::exchange(st.ticking, true))
      self->delayed_send(self, milliseconds{st.core.set.tick_ms},
                         caf::tick_atom_v);
  } else if (replicant::is_idle(st.core) && !std::exchange(st.resting, true)) {
    show_the_rest(self);
    self->delayed_send(self, st.plan->parts->plan.idle, atom::rest_v, st.taken);
  }
}

void advance(owner_ptr self, const replicant::input& in) {
  auto& st = self->state;
  auto effects = replicant::step(st.core, in);
  show_in_index(self);
  show_create(self);
  for (auto& effect : effects)
    std::visit([self](auto& x) { perform(self, x); }, effect);
  if (!st.wishes.empty())
    tell_wishes(self);
}

// -- what comes in -----------------------------------------------------------

void on(owner_ptr self, const delivered& x) {
  auto& st = self->state;
  if (x.envelope.how != wire::delivery::message)
    return;
  auto what =
    replicant::decode_message(x.envelope.payload, x.origin, st.core.self.site);
  if (!what) {
    st.plan->log->warn("replicant {}: site {} sent a message that cannot be "
                       "read",
                       st.resource, x.origin.value);
    return;
  }
  advance(self, replicant::received{std::move(*what)});
}

replicant::input input_of(change_question& x, token_id token) {
  using namespace replicant;
  if (auto* in = std::get_if<asked>(&x.what)) {
    in->token = token;
    // A named one may be needed again, for the next generation.
    return is_named(x) ? input{*in} : input{std::move(*in)};
  }
  if (auto* in = std::get_if<scale_asked>(&x.what)) {
    in->token = token;
    return std::move(*in);
  }
  auto in = std::get<resolve_asked>(x.what);
  in.token = token;
  return in;
}

void on(owner_ptr self, const change_ptr& x) {
  auto& st = self->state;
  if (is_named(*x) && st.core.shared.ended_at != 0) {
    report(self, owner_is_over{x, st.core.shared.ended_at});
    return;
  }
  auto token = st.next_token++;
  x->id = {st.core.origin, st.core.session, st.core.next_sequence};
  x->given = true;
  auto in = input_of(*x, token);
  st.changes.emplace(token, waiting{x, nullptr});
  advance(self, in);
}

void on(owner_ptr self, const std::shared_ptr<read_question>& x) {
  auto& st = self->state;
  auto token = st.next_token++;
  st.reads.emplace(token, x);
  advance(self, replicant::read_asked{token, true});
}

void on(owner_ptr self, const std::shared_ptr<view_question>& x) {
  x->answer(std::optional{view_of(self->state.core)});
}

void on(owner_ptr self, const std::shared_ptr<operation_question>& x) {
  x->answer(std::optional{view_of(self->state.core, x->asks.id)});
}

void on(owner_ptr self, const link_up& x) {
  advance(self, replicant::reachable{x.site, x.store});
}

void on(owner_ptr self, const wish& x) {
  self->state.wishes.push_back(x);
  tell_wishes(self);
}

void on(owner_ptr self, const replicant::reached& x) {
  advance(self, x);
}

void on_called(owner_ptr self, const ports::call_result& x) {
  auto& st = self->state;
  for (const auto& [sequence, w] : st.core.waiters)
    if (w.call == x.what.call && w.call != 0)
      if (auto i = st.changes.find(w.token); i != st.changes.end())
        i->second.answer = x.answer;
  advance(self, x.what);
}

/// Nothing came since this was armed: may we sleep? Who knows of an input on
/// its way says nothing, and that input arms it again.
void on_rest(owner_ptr self, std::uint64_t taken) {
  auto& st = self->state;
  st.resting = false;
  if (!replicant::is_idle(st.core) || taken != st.taken || !st.wishes.empty()) {
    plan_ahead(self);
    return;
  }
  show_the_rest(self);
  report(self, owner_rests{st.taken});
}

void on_sleep(owner_ptr self) {
  auto& st = self->state;
  if (replicant::is_idle(st.core)) {
    report(self, owner_sleeps{st.marked});
    self->quit();
    return;
  }
  report(self, owner_stays{});
}

void begin(owner_ptr self) {
  auto& st = self->state;
  auto& plan = *st.plan;
  const auto& rules = plan.parts->plan.rules;
  st.resource = replicant::to_string(plan.who.meta);
  if (auto* fresh = std::get_if<new_group>(&plan.from)) {
    st.core = replicant::make_owner(plan.who, std::move(fresh->born), rules,
                                    fresh->founding);
  } else {
    st.core = replicant::recover_owner(
      plan.who, std::move(std::get<replicant::stored_replicant>(plan.from)),
      rules);
    st.marked = true; // As far as we know.
  }
  plan.from = new_group{};
  const auto& site = st.core.site;
  if (site.exists && !site.local_id.empty()) {
    st.shown.key =
      replicant::key_of_local(site.service, site.kind, site.local_id);
    st.shown.replica = {st.core.meta, site.done, replicant::state_of(st.core)};
    plan.parts->index.put(st.shown.key, st.shown.replica);
  }
  show_create(self);
  if (!st.core.halted.empty())
    plan.log->error("replicant {}: cannot go on here: {}", st.resource,
                    st.core.halted);
}

owner_actor::behavior_type owner(owner_ptr self,
                                 const std::shared_ptr<owner_plan>& plan) {
  self->state.plan = plan;
  self->set_error_handler([](caf::error&) {});
  begin(self);
  plan_ahead(self);
  return {
    [self](const delivered& x) {
      on(self, x);
      plan_ahead(self);
    },
    [self](const owner_input& x) {
      ++self->state.taken;
      std::visit([self](const auto& y) { on(self, y); }, x.what);
      plan_ahead(self);
    },
    [self](const kept& x) {
      advance(self, replicant::stored{x.sequence});
      plan_ahead(self);
    },
    [self](const ports::call_result& x) {
      on_called(self, x);
      plan_ahead(self);
    },
    [self](const replicant::probed& x) {
      advance(self, x);
      plan_ahead(self);
    },
    [self](caf::tick_atom) {
      self->state.ticking = false;
      if (replicant::is_awake(self->state.core))
        advance(self, replicant::ticked{});
      show_the_rest(self);
      plan_ahead(self);
    },
    [self](atom::rest, std::uint64_t taken) { on_rest(self, taken); },
    [self](atom::sleep) { on_sleep(self); },
    [self](atom::stop) { self->quit(); },
  };
}

} // namespace

owner_actor spawn_owner(caf::actor_system& sys,
                        std::shared_ptr<owner_plan> plan) {
  return sys.spawn(owner, std::move(plan));
}

} // namespace cheops::actors
