// What nobody answered: wait until the call can no longer act, find out, or say
// that it is uncertain.

#include "cheops/planted.hpp"
#include "cheops/replicant/owner.hpp"

#include <algorithm>

namespace cheops::replicant {

void owner::abandon_call() {
  auto& w = s_.doing;
  forget_call();
  w.maybe = true;
  if (planted(bug::retry_unknown)) {
    call_now();
    return;
  }
  if (w.what.settles_after_ms == 0) {
    became_uncertain();
    return;
  }
  // A quarter more, for clocks that do not agree; and a tick at either end.
  auto ms = std::uint64_t{w.what.settles_after_ms} * 5 / 4;
  w.now = phase::settling;
  w.ticks = static_cast<unsigned>(ms / s_.set.tick_ms) + 2;
  if (planted(bug::probe_too_early))
    w.ticks = 1;
}

/// What was abandoned can no longer act.
void owner::settled() {
  auto& w = s_.doing;
  if (w.what.settle == settling::none) {
    became_uncertain();
    return;
  }
  // A second create of one name: what a probe would find is the first's.
  if (w.what.does == change::create && !w.undo && !w.leaving && !w.superseded
      && s_.site.exists) {
    finish_refused(no_copy_status, {});
    return;
  }
  if (!w.undo && !w.leaving && w.what.settle == settling::probe
      && w.what.probe) {
    start_probe();
    return;
  }
  // What a dropped create has made is still to be found, and removed.
  auto needed = is_needed(w) || leaves_something(w);
  if (!needed) {
    forget_intent();
    end_work();
  } else if (w.attempts >= s_.set.attempts_max || w.superseded) {
    became_uncertain();
  } else {
    need_others();
  }
}

void owner::start_probe() {
  auto& w = s_.doing;
  auto request = translated(*w.what.probe);
  if (!request) {
    became_uncertain();
    return;
  }
  w.now = phase::probing;
  w.call = s_.next_call++;
  put(probe{w.call, w.id, w.what.service, w.what.kind, w.what.principal,
            std::move(*request)});
}

void owner::on(const probed& in) {
  auto& w = s_.doing;
  if (w.now != phase::probing || in.call != w.call)
    return;
  switch (in.what) {
  case finding::found:
    finish_done(in.status, in.local_id, {});
    break;
  case finding::absent:
    w.maybe = false;
    if (!is_needed(w)) {
      forget_intent();
      end_work();
    } else if (w.attempts >= s_.set.attempts_max) {
      finish_refused(w.status, {});
    } else {
      w.now = phase::resting;
      rest(false);
    }
    break;
  case finding::nothing:
    rest(true);
    break;
  }
}

void owner::became_uncertain() {
  auto& w = s_.doing;
  if (w.leaving) {
    tell(event_kind::uncertain, w.index, w.status);
    left();
    return;
  }
  auto lasting = w.what.settles_after_ms == 0;
  add_trouble(
    {w.index, w.what.does, site_state::uncertain, w.status, false, lasting});
  note_outcome(s_.site, {w.index, w.status, site_state::uncertain, {}});
  tell(event_kind::uncertain, w.index, w.status);
  changed(w.soon);
  if (!w.undo && w.what.does == change::create) {
    w.now = phase::stuck; // Without its id, nothing can follow.
    again_ = true;
    return;
  }
  s_.site.doing.reset();
  s_.site.done = std::max(s_.site.done, w.index);
  end_work();
}

trouble* owner::trouble_at(index_id index) {
  auto i = std::ranges::find(s_.site.troubles, index, &trouble::index);
  return i == s_.site.troubles.end() ? nullptr : &*i;
}

void owner::drop_trouble(index_id index) {
  std::erase_if(s_.site.troubles,
                [index](const trouble& t) { return t.index == index; });
}

void owner::add_trouble(const trouble& x) {
  auto& all = s_.site.troubles;
  drop_trouble(x.index);
  // The site stays what it is by those that are left.
  if (all.size() == troubles_max)
    all.erase(std::ranges::find_if(
      all, [](const trouble& t) { return t.does != change::create; }));
  all.push_back(x);
  dirty_site_ = true;
}

} // namespace cheops::replicant
