// A person settles what made this site diverged or uncertain.

#include "cheops/replicant/owner.hpp"

#include <algorithm>

namespace cheops::replicant {

void owner::on(const resolve_asked& in) {
  waiter w;
  w.token = in.token;
  w.index = in.index;
  auto why = refuses();
  const auto* t = why ? nullptr : trouble_at(in.index);
  if (!why && t == nullptr)
    why = refusal::absent;
  if (!why)
    why = t->how == site_state::uncertain ? resolve_uncertain(*t, in)
                                          : resolve_diverged(*t, in);
  if (why)
    answer_to(w, ending::refused, *why, 0);
  else
    answer_to(w, ending::settled, refusal::none, 0);
}

/// Whether nothing was done here since: else a retry would come out of order.
bool owner::nothing_behind(index_id index) const {
  return std::ranges::none_of(s_.site.last, [&](const outcome& o) {
    return o.index > index && o.how == site_state::ok;
  });
}

std::optional<refusal> owner::resolve_uncertain(trouble t,
                                                const resolve_asked& in) {
  auto& w = s_.doing;
  auto stuck = w.now == phase::stuck && w.index == t.index;
  if (in.how == resolution::retry && !stuck && !nothing_behind(t.index))
    return refusal::busy;
  if (in.how == resolution::retry && !stuck
      && kept(s_.shared, t.index) == nullptr)
    return refusal::absent;
  if (in.how == resolution::exists && !stuck)
    return refusal::bad_request;
  drop_trouble(t.index);
  changed(false);
  if (in.how == resolution::exists) {
    finish_done(0, in.local_id, {});
  } else if (in.how == resolution::retry) {
    if (stuck && is_needed(w))
      need_others();
    else if (stuck)
      finish_refused(0, {}); // The entry is dropped: it is as good as undone.
    else
      s_.site.done = t.index - 1;
  } else if (stuck) {
    // There is nothing here, and there will be nothing.
    finish_refused(0, {});
  }
  return std::nullopt;
}

std::optional<refusal> owner::resolve_diverged(const trouble& t,
                                               const resolve_asked& in) {
  if (in.how == resolution::exists)
    return refusal::bad_request;
  if (in.how == resolution::abandon) {
    // Without the resource, this site is no equal member.
    if (t.does == change::create)
      return refusal::bad_request;
    drop_trouble(t.index);
    changed(false);
    return std::nullopt;
  }
  if (s_.doing.now != phase::idle)
    return refusal::busy;
  if (!nothing_behind(t.index))
    return refusal::busy;
  if (kept(s_.shared, t.index) == nullptr)
    return refusal::absent;
  s_.site.done = t.index - 1;
  std::erase_if(s_.site.troubles,
                [i = t.index](const trouble& x) { return x.index >= i; });
  changed(false);
  return std::nullopt;
}

} // namespace cheops::replicant
