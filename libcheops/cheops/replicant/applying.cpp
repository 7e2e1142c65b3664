// One entry after the other at this site's application: intent, call, outcome.

#include "cheops/planted.hpp"
#include "cheops/replicant/owner.hpp"
#include "cheops/replicant/translate.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

/// What an answer says about the work.
enum class verdict_of_answer : std::uint8_t { done, refused, not_run, unknown };

verdict_of_answer judge(const called& in, bool removes) {
  using enum verdict_of_answer;
  if (in.how == call_end::not_sent)
    return not_run;
  if (in.how == call_end::cut || in.status < 200)
    return unknown;
  if (in.status < 400)
    return done;
  // It is gone, which is all that was wanted.
  if (removes && (in.status == 404 || in.status == 410))
    return done;
  // Not heard out, too early, too many (RFC 9110, 8470, 6585): not begun.
  if (in.status == 408 || in.status == 425 || in.status == 429)
    return not_run;
  // A 5xx may come before or after the work.
  return in.status < 500 ? refused : unknown;
}

constexpr std::uint16_t bad_request_status = 400;
constexpr std::uint16_t dependency_status = 424;
constexpr std::uint16_t gone_status = 204;

bool takes_away(const work& w) {
  return w.leaving
         || (w.undo ? w.what.does == change::create
                    : w.what.does == change::remove);
}

} // namespace

// -- which entry is next -----------------------------------------------------

std::optional<owner::item> owner::next_item() const {
  const auto& build = s_.shared.build;
  auto k =
    std::ranges::upper_bound(build, s_.site.done, {}, &kept_entry::index);
  const auto* o = s_.shared.open.empty() ? nullptr : &s_.shared.open.front();
  if (k != build.end() && (o == nullptr || k->index < o->index))
    return item{k->index, &k->what, k->undoes, false};
  auto ours =
    o != nullptr
    && (o->what.id.origin == s_.origin || planted(bug::verdict_unheard));
  if (!ours || o->index <= s_.site.done
      || (s_.site.refused && s_.site.refused->index == o->index))
    return std::nullopt;
  return item{o->index, &o->what, 0, true};
}

/// Passes over what is nothing to do here. Not over an entry that a later one
/// replaces and that was not done: `done` says what a read sees.
void owner::skip() {
  const auto& build = s_.shared.build;
  auto waits = !build.empty() && build.back().index > s_.site.done;
  auto upto = s_.shared.at;
  if (!s_.shared.open.empty())
    upto = std::min(upto, s_.shared.open.front().index - 1);
  if (waits)
    upto = 0;
  auto before = s_.site.done;
  s_.site.done = std::max(before, upto);
  auto ended = s_.shared.ended_at;
  if (ended != 0 && before < ended && s_.site.done >= ended)
    changed(false); // Nothing was to be done, and the others wait for it.
}

bool owner::is_open(index_id index) const {
  return !s_.shared.open.empty() && s_.shared.open.front().index == index;
}

/// Whether the entry is still to be done: a snapshot or a later entry may have
/// taken it away.
bool owner::is_needed(const work& w) const {
  return w.leaving || is_open(w.index)
         || (!w.superseded && kept(s_.shared, w.index) != nullptr);
}

/// Whether what a dropped entry may have done here must be known: a thing that
/// it made must be removed, and a change that is undone elsewhere, undone.
bool owner::leaves_something(const work& w) const {
  auto undoes = [&](const kept_entry& k) { return k.undoes == w.index; };
  return !w.undo
         && (w.what.does == change::create
             || std::ranges::any_of(s_.shared.build, undoes));
}

void owner::advance() {
  if (is_witness(s_.self))
    return;
  drop_superseded();
  while (s_.doing.now == phase::idle && !s_.leaving) {
    resume_intent();
    if (s_.doing.now != phase::idle)
      return;
    skip();
    auto next = next_item();
    if (!next)
      return;
    begin(*next);
  }
}

/// What has not been called, or surely did nothing, and is needed no more.
void owner::drop_superseded() {
  auto& w = s_.doing;
  auto harmless =
    w.now == phase::awaiting || (w.now == phase::resting && !w.probes);
  // What a dropped create may have made is still to be found, and removed.
  if (!harmless || (w.maybe && leaves_something(w)) || is_needed(w))
    return;
  if (s_.site.doing && s_.site.doing->index == w.index)
    s_.site.doing.reset();
  dirty_site_ = true;
  drop_trouble(w.index);
  end_work();
}

/// A call that an earlier session may have made, for an entry that is dropped.
void owner::resume_intent() {
  if (!s_.site.doing || s_.site.doing->index > s_.shared.at)
    return;
  auto index = s_.site.doing->index;
  auto next = next_item();
  if (next && next->index == index && next->what->id == s_.site.doing->id)
    return; // Its turn comes.
  if (next && next->index < index)
    return; // Others are before it.
  const auto* n = find(s_.shared, index);
  auto another = n != nullptr && n->id != s_.site.doing->id;
  // Ours to judge, and void: our application refused it.
  auto refused =
    n != nullptr && n->how == fate::voided && n->id.origin == s_.origin;
  if (s_.fresh_intent || another || refused || is_open(index)
      || kept(s_.shared, index) != nullptr) {
    forget_intent();
    return;
  }
  s_.doing = {};
  s_.doing.index = index;
  s_.doing.id = s_.site.doing->id;
  s_.doing.what = s_.site.doing->about;
  s_.doing.superseded = true;
  if (trouble_at(index) != nullptr)
    s_.doing.now = phase::stuck;
  else
    abandon_call();
}

void owner::resume() {
  if (s_.site.refused)
    if (const auto* n = find(s_.shared, s_.site.refused->index))
      decide_refused(*n);
  for (const auto& d : s_.shared.departed)
    if (d.who == s_.self)
      s_.leaving = farewell{d.at, d.remove};
  // What was told before the crash may not have been heard.
  auto told = s_.site.done > 0 || !s_.site.last.empty();
  if (told && is_full(s_.self))
    tell_others(false);
}

// -- beginning ---------------------------------------------------------------

std::optional<operation> owner::content_of(const submission& x) const {
  if (!x.sealed) {
    auto what = decode_operation(x.content);
    return what ? std::optional{std::move(*what)} : std::nullopt;
  }
  auto bytes = s_.keys ? s_.keys->open(s_.meta, x.id, x.content) : std::nullopt;
  if (!bytes)
    return std::nullopt;
  auto what = decode_operation(*bytes);
  return what ? std::optional{std::move(*what)} : std::nullopt;
}

bool owner::was_done(index_id index) const {
  const auto* o = find(s_.site, index);
  return o != nullptr && o->how == site_state::ok;
}

void owner::begin(const item& x) {
  auto what = content_of(*x.what);
  s_.doing = {};
  auto& w = s_.doing;
  w.index = x.index;
  w.id = x.what->id;
  w.undo = x.undoes != 0;
  w.soon = x.what->report_soon;
  if (!what) {
    w.what.does = x.what->does;
    if (x.what->sealed)
      tell(event_kind::diverged, x.index, bad_request_status,
           std::string{sealed_for_others});
    finish_refused(bad_request_status, {});
    return;
  }
  w.what = std::move(*what);
  if (w.undo && !was_done(x.undoes)) {
    std::erase_if(s_.site.troubles, [&](const trouble& t) {
      return t.index == x.undoes && t.how == site_state::diverged;
    });
    s_.site.done = x.index;
    changed(w.soon);
    end_work();
    return;
  }
  auto creates = !w.undo && w.what.does == change::create;
  if (!w.undo && !creates && !s_.site.exists) {
    begin_missing();
    return;
  }
  // A second create, where no first would make the application refuse it.
  if (creates && is_open(x.index) && s_.shared.created_at != 0
      && !s_.site.exists) {
    finish_refused(no_copy_status, {});
    return;
  }
  if (const auto* t = trouble_at(x.index);
      t != nullptr && t->how == site_state::uncertain) {
    w.now = phase::stuck;
    return;
  }
  if (intends(x.index, w.id) && !s_.fresh_intent)
    abandon_call(); // A crash parted us from its answer.
  else
    need_others();
}

/// There is no copy here that could be changed.
void owner::begin_missing() {
  auto& w = s_.doing;
  if (is_open(w.index)) {
    finish_refused(no_copy_status, {});
    return;
  }
  auto removes = w.what.does == change::remove;
  if (removes)
    std::erase_if(s_.site.troubles, // There is nothing left to differ in.
                  [](const trouble& t) { return !t.lasting; });
  note_outcome(
    s_.site, {w.index, 0, removes ? site_state::ok : site_state::diverged, {}});
  s_.site.done = w.index;
  changed(w.soon);
  end_work();
}

/// Waits for the replicants that it refers to: applied only behind them.
void owner::need_others() {
  auto& w = s_.doing;
  w.needs.clear();
  if (!w.undo && !w.leaving)
    for (const auto& d : w.what.after)
      w.needs.emplace(d.on, std::nullopt);
  if (w.needs.empty() || planted(bug::skip_dependency)) {
    call_now();
    return;
  }
  w.now = phase::awaiting;
  w.ticks = s_.set.dependency_ticks;
  for (const auto& d : w.what.after)
    put(await{d.on, d.index});
}

void owner::on(const reached& in) {
  auto& w = s_.doing;
  auto i = w.needs.find(in.on);
  if (w.now != phase::awaiting || i == w.needs.end())
    return;
  auto wanted = std::ranges::find(w.what.after, in.on, &dependency::on);
  if (wanted == w.what.after.end() || wanted->index > in.index)
    return;
  i->second = in.local_id;
  auto missing = [](const auto& x) { return !x.second; };
  if (std::ranges::any_of(w.needs, missing))
    return;
  if (trouble_at(w.index) != nullptr) {
    drop_trouble(w.index);
    changed(false);
  }
  call_now();
}

// -- calling -----------------------------------------------------------------

const templated& owner::request_of_work() const {
  const auto& w = s_.doing;
  return (w.undo || w.leaving) && w.what.undo ? *w.what.undo : w.what.what;
}

result<templated> owner::translated(const templated& x) const {
  return translate(x, [&](const meta_id& of) -> std::optional<std::string> {
    if (of == s_.meta)
      return s_.site.exists ? std::optional{s_.site.local_id} : std::nullopt;
    auto i = s_.doing.needs.find(of);
    return i == s_.doing.needs.end() ? std::nullopt : i->second;
  });
}

void owner::call_now() {
  auto& w = s_.doing;
  auto request = translated(request_of_work());
  if (!request) {
    finish_refused(bad_request_status, {});
    return;
  }
  if (!intends(w.index, w.id) && !planted(bug::call_before_intent)) {
    s_.site.doing = intent_of(w.index, w.id, w.what);
    dirty_site_ = true;
  }
  s_.fresh_intent = true;
  w.now = phase::calling;
  w.call = s_.next_call++;
  if (auto* waits = waiter_of(w.id))
    waits->call = w.call;
  // Who comes again makes anew what its earlier calls made and its leaving
  // removed: to the application's keys these are other calls.
  auto as = w.id;
  if (s_.self != store_of(s_.self))
    as.origin ^= s_.origin;
  hold(call{w.call, as, w.index, w.what.does, w.what.service, w.what.kind,
            w.what.principal, std::move(*request)});
}

void owner::on(const called& in) {
  auto& w = s_.doing;
  if (w.now != phase::calling || in.call != w.call)
    return;
  w.status = in.how == call_end::answered ? in.status : std::uint16_t{0};
  switch (judge(in, takes_away(w))) {
  case verdict_of_answer::done:
    if (in.status >= 400 && w.maybe) {
      // It was our own earlier call that made it go.
      forget_call();
      finish_done(gone_status, in.local_id, {});
    } else {
      finish_done(in.status, in.local_id, in.answer);
    }
    break;
  case verdict_of_answer::refused:
    finish_refused(in.status, in.answer);
    break;
  case verdict_of_answer::not_run:
    did_not_run();
    break;
  case verdict_of_answer::unknown:
    if (in.how == call_end::answered)
      ++w.attempts;
    abandon_call();
    break;
  }
}

bool owner::intends(index_id index, const operation_id& id) const {
  return s_.site.doing && s_.site.doing->index == index
         && s_.site.doing->id == id;
}

void owner::forget_intent() {
  s_.site.doing.reset();
  dirty_site_ = true;
}

/// There will be no answer of the application's to pass on.
void owner::forget_call() {
  if (auto* waits = waiter_of(s_.doing.id))
    waits->call = 0;
}

void owner::end_work() {
  s_.doing = {};
  s_.fresh_intent = false;
  again_ = true;
}

void owner::made(const std::string& local_id) {
  s_.site.exists = true;
  s_.site.local_id = local_id;
  s_.site.service = s_.doing.what.service;
  s_.site.kind = s_.doing.what.kind;
  if (!local_id.empty())
    add_local(locals_, s_.meta, s_.site.service, s_.site.kind, local_id);
}

void owner::unmade() {
  if (s_.site.exists && !s_.site.local_id.empty())
    erase_local(locals_, s_.site.service, s_.site.kind, s_.site.local_id);
  s_.site.exists = false;
}

void owner::finish_done(std::uint16_t status, const std::string& local_id,
                        const digest128& answer) {
  auto& w = s_.doing;
  forget_intent();
  if (takes_away(w))
    unmade();
  else if (!w.undo && w.what.does == change::create)
    made(local_id);
  if (w.leaving) {
    left();
    return;
  }
  // A whole replacement heals what went wrong before it, and so does the end.
  auto heals = takes_away(w) || (!w.undo && w.what.does == change::replace);
  std::erase_if(s_.site.troubles, [&](const trouble& t) {
    return t.index == w.index || (heals && t.index < w.index && !t.lasting);
  });
  note_outcome(s_.site, {w.index, status, site_state::ok, answer});
  if (!w.superseded || kept(s_.shared, w.index) == nullptr)
    s_.site.done = std::max(s_.site.done, w.index);
  tell(event_kind::done, w.index, status);
  changed(w.soon);
  end_work();
}

void owner::finish_refused(std::uint16_t status, const digest128& answer) {
  auto& w = s_.doing;
  forget_intent();
  if (w.leaving) {
    tell(event_kind::diverged, w.index, status);
    left(); // It stays there, as a copy of its own.
    return;
  }
  if (is_open(w.index)) {
    s_.site.refused = outcome{w.index, status, site_state::diverged, answer};
    end_work();
    return;
  }
  if (!planted(bug::hide_refusal))
    add_trouble({w.index, w.what.does, site_state::diverged, status,
                 !w.undo && compensates(w.what), false});
  note_outcome(s_.site, {w.index, status, site_state::diverged, answer});
  s_.site.done = std::max(s_.site.done, w.index);
  tell(event_kind::diverged, w.index, status);
  changed(w.soon);
  end_work();
}

/// Where somebody waits for it, and it was surely not run, an early no is
/// better than a late perhaps.
void owner::did_not_run() {
  auto& w = s_.doing;
  forget_call();
  const auto* waits = waiter_of(w.id);
  auto hopeless = waits != nullptr && waits->until != wait_for::decided
                  && waits->ticks >= waits->patience / 2;
  if (is_open(w.index) && hopeless && !w.maybe) {
    forget_intent();
    s_.site.refused = outcome{w.index, w.status, site_state::pending, {}};
    end_work();
    return;
  }
  rest(false);
}

// -- time --------------------------------------------------------------------

unsigned owner::random_below(unsigned n) {
  s_.random ^= s_.random << 13;
  s_.random ^= s_.random >> 7;
  s_.random ^= s_.random << 17;
  return static_cast<unsigned>((s_.random >> 33) % n);
}

void owner::rest(bool probes) {
  auto& w = s_.doing;
  constexpr unsigned doublings_max = 16;
  auto most =
    std::min(s_.set.retry_ticks_max, 1U << std::min(w.rests++, doublings_max));
  // From a half on, so that sites do not call in step.
  w.ticks = most / 2 + random_below(most / 2 + 1) + 1;
  w.probes = probes;
  w.now = phase::resting;
  tell(event_kind::retry, w.index, w.status);
}

void owner::tick_work() {
  auto& w = s_.doing;
  auto timed = w.now == phase::awaiting || w.now == phase::settling
               || w.now == phase::resting;
  if (!timed || w.ticks == 0 || --w.ticks > 0)
    return;
  if (w.now == phase::settling) {
    settled();
  } else if (w.now == phase::resting) {
    if (w.probes)
      start_probe();
    else
      need_others();
  } else if (is_open(w.index)) {
    finish_refused(dependency_status, {});
  } else {
    // Shown, and done as soon as what it needs is there.
    add_trouble({w.index, w.what.does, site_state::diverged, dependency_status,
                 false, false});
    changed(w.soon);
  }
}

} // namespace cheops::replicant
