// What clients of this site and peers ask OWNERS for.

#include "actors/owners_state.hpp"

#include <caf/all.hpp>
#include <spdlog/logger.h>

#include <algorithm>

namespace cheops::actors {

namespace {

using replicant::contact;

result<meta_id> meta_for(owners_state& st, const change_question& x) {
  const auto& op = std::get<replicant::asked>(x.what).what;
  const auto& makes = *x.makes;
  if (makes.key) {
    auto next = st.over.next(*makes.key);
    if (!next)
      return next.error();
    return replicant::meta_of(*makes.key, std::max(x.generation, *next));
  }
  if (!makes.retry_key.empty())
    return replicant::meta_of_retry(op.service, op.principal, makes.retry_key);
  auto high = st.random();
  return replicant::random_meta(high, st.random());
}

void found(owners_ptr self, const change_ptr& x) {
  auto& st = self->state;
  auto members = members_of(st, *x->makes);
  if (!members) {
    x->answer(members.error());
    return;
  }
  if (!has_room(st)) {
    x->answer(no_room());
    return;
  }
  new_group fresh;
  fresh.founding = true;
  fresh.self = st.self();
  fresh.born.members = std::move(*members);
  fresh.born.key = x->makes->key;
  // Two sites may found a named group at once, and so may a retry.
  if (x->meta.generation == 0)
    fresh.born.founder = st.self();
  know(st, x->meta);
  auto& as = st.residents[x->meta];
  spawn(self, x->meta, as, std::move(fresh));
  give(self, as, {x});
}

} // namespace

void create(owners_ptr self, const change_ptr& x) {
  auto& st = self->state;
  const auto& own = st.plan.parts->plan.self;
  if (std::ranges::count(x->makes->sites, own) != 1) {
    x->answer(error{errc::bad_request,
                    "this site is not one of those that shall have it",
                    own.value, "replicate", "ask the first site of the scope"});
    return;
  }
  auto meta = meta_for(st, *x);
  if (!meta) {
    x->answer(meta.error());
    return;
  }
  auto was = std::exchange(x->meta, *meta);
  name_itself(std::get<replicant::asked>(x->what).what, was, x->meta);
  if (has(st, x->meta)) {
    give_or_load(self, x->meta, {x});
    return;
  }
  auto ended = st.over.is_over(x->meta);
  auto left = st.over.has_left(x->meta, st.self());
  if (!ended || !left)
    x->answer(ended ? left.error() : ended.error());
  else if (*ended || *left)
    refuse(x, st);
  else
    found(self, x);
}

namespace {

// -- what clients ask --------------------------------------------------------

void on(owners_ptr self, const change_ptr& x) {
  auto& st = self->state;
  if (x->makes) {
    create(self, x);
    return;
  }
  if (auto* scale = std::get_if<scale_ask>(&x->what)) {
    auto members = members_of(st, scale->to);
    if (!members) {
      x->answer(members.error());
      return;
    }
    x->what =
      replicant::scale_asked{0, std::move(*members), scale->remove_at_leavers};
  }
  if (has(st, x->meta))
    give_or_load(self, x->meta, {x});
  else
    refuse(x, st);
}

void on(owners_ptr self, const std::shared_ptr<read_question>& x) {
  auto& st = self->state;
  if (has(st, x->asks.meta)) {
    give_or_load(self, x->asks.meta, {x});
    return;
  }
  replicant::read_answer none;
  none.why = is_over(st, x->asks.meta) ? replicant::refusal::over
                                       : replicant::refusal::absent;
  x->answer(none);
}

void on(owners_ptr self, const std::shared_ptr<list_question>& x) {
  self->send(self->state.plan.keeper, store_look{x});
}

/// Looking wakes nobody.
template <class Question>
void on(owners_ptr self, const Question& x) {
  auto& st = self->state;
  auto i = st.residents.find(x->asks.meta);
  if (i != st.residents.end() && i->second.now == phase::awake && !st.failed)
    give(self, i->second, {x});
  else
    self->send(st.plan.keeper, store_look{x});
}

void reply(owners_ptr self, const meta_id& meta, const replicant::message& to,
           replicant::message_body body) {
  auto& st = self->state;
  auto what = replicant::reply_to(to, std::move(body));
  wire::envelope out;
  out.to = {what.to.site, std::string{replicant_kind}, to_string(meta)};
  out.payload = replicant::encode(what);
  st.plan.router->post(std::move(out));
}

/// The first of its replicant here.
void meet(owners_ptr self, const meta_id& meta, delivered x) {
  auto& st = self->state;
  auto what =
    replicant::decode_message(x.envelope.payload, x.origin, st.self().site);
  if (!what) {
    st.plan.log->warn("replicant {}: site {} sent a message that cannot be "
                      "read",
                      to_string(meta), x.origin.value);
    return;
  }
  if (replicant::store_of(what->to) != st.self())
    return; // It is for a store that this site no longer has.
  switch (replicant::first_contact(*what, meta, st.over)) {
  case contact::spawn: {
    if (!has_room(st)) {
      ++st.plan.parts->tally.dropped;
      return;
    }
    know(st, meta);
    auto& as = st.residents[meta];
    spawn(self, meta, as, new_group{*what->born, false, what->to});
    give(self, as, {std::move(x)});
    return;
  }
  case contact::unknown:
    reply(self, meta, *what, replicant::unknown_group{});
    return;
  case contact::gone:
    reply(self, meta, *what, replicant::group_gone{});
    return;
  case contact::left:
    reply(self, meta, *what, replicant::farewell_heard{});
    return;
  case contact::ignore:
    return;
  }
}

} // namespace

// -- what comes in -----------------------------------------------------------

void receive(owners_ptr self, const meta_id& meta, delivered x) {
  auto& st = self->state;
  auto i = st.residents.find(meta);
  if (i != st.residents.end())
    give(self, i->second, {std::move(x)});
  else if (!st.known.contains(meta))
    meet(self, meta, std::move(x));
  else if (has_room(st))
    give(self, load(self, meta), {std::move(x)});
  else
    ++st.plan.parts->tally.dropped;
}

void on_delivered(owners_ptr self, delivered& x) {
  auto& st = self->state;
  if (st.failed || st.stopping || x.envelope.how != wire::delivery::message)
    return;
  auto meta = replicant::parse_meta(x.envelope.to.resource);
  if (meta)
    receive(self, *meta, std::move(x));
}

void on_question(owners_ptr self, const question_asked& x) {
  auto& st = self->state;
  // Who asks is answered when the question goes.
  if (st.stopping)
    return;
  auto looks =
    !std::holds_alternative<change_ptr>(x.what)
    && !std::holds_alternative<std::shared_ptr<read_question>>(x.what);
  auto take = [&](const auto& q) {
    if (st.failed && !looks)
      q->answer(st.plan.parts->health().error());
    else
      on(self, q);
  };
  std::visit(take, x.what);
}

} // namespace cheops::actors
