// What this site says through the log: its own verdicts, verdicts in the place
// of a site that says nothing, and compensations.

#include "cheops/replicant/owner.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

constexpr std::uint16_t not_run_status = 503;

} // namespace

void owner::put_proposal(proposal::kind what, index_id index,
                         const log_entry& x) {
  auto same = [&](const auto& p) {
    return p.second.what == what && p.second.index == index;
  };
  if (std::ranges::any_of(s_.proposals, same))
    return;
  operation_id id{s_.origin, s_.session, s_.next_sequence++};
  s_.proposals.emplace(id.sequence, proposal{what, index});
  give(raft::proposed{request_of(id), encode(x)});
}

void owner::propose() {
  if (s_.propose_rest > 0 || !is_full(s_.self))
    return;
  if (!s_.shared.open.empty()) {
    // A copy: what is proposed may be decided at once.
    auto index = s_.shared.open.front().index;
    if (s_.shared.open.front().what.id.origin == s_.origin)
      propose_own(index);
    else if (s_.judged == index && s_.judge_ticks >= s_.set.judge_ticks)
      propose_overrule(index);
  }
  propose_compensations();
}

/// An entry that our application did stands, whatever others say meanwhile:
/// its client may be told at once. What it refused is void only once the log
/// says so.
void owner::propose_own(index_id index) {
  if (s_.site.refused && s_.site.refused->index == index) {
    auto down = s_.site.refused->how == site_state::pending;
    put_proposal(
      proposal::kind::verdict, index,
      verdict{index, false, down ? not_run_status : s_.site.refused->status});
    return;
  }
  auto stuck = s_.doing.now == phase::stuck && s_.doing.index == index;
  if (s_.site.done < index && !stuck)
    return;
  const auto* o = find(s_.site, index);
  put_proposal(
    proposal::kind::verdict, index,
    verdict{index, true, o == nullptr ? std::uint16_t{0} : o->status});
}

/// The site that was asked says nothing. It may have done it, and may have
/// told its client so: it stands.
void owner::propose_overrule(index_id index) {
  tell(event_kind::overruled, index, 0);
  put_proposal(proposal::kind::verdict, index, verdict{index, true, 0});
}

void owner::propose_compensations() {
  if (!s_.shared.open.empty())
    return;
  for (const auto& t : s_.site.troubles) {
    auto newest = t.compensate && t.index == s_.shared.changed_at
                  && kept(s_.shared, t.index) != nullptr;
    if (!newest)
      continue;
    put_proposal(proposal::kind::compensation, t.index, compensation{t.index});
    return; // The troubles may have changed.
  }
}

void owner::decided(const note& n) {
  tell(event_kind::decided, n.index, n.status, std::string{to_string(n.how)});
  if (s_.site.refused && s_.site.refused->index == n.index)
    decide_refused(n);
}

/// The fate of an entry of which our application would have nothing.
void owner::decide_refused(const note& n) {
  auto x = *s_.site.refused;
  s_.site.refused.reset();
  dirty_site_ = true;
  // Void as it should be; or it was not run, and will be now that it stands.
  if (n.how != fate::stands || x.how == site_state::pending)
    return;
  // Others went on without our word.
  const auto* k = kept(s_.shared, n.index);
  auto what = k == nullptr ? std::nullopt : content_of(k->what);
  add_trouble({n.index, n.does, site_state::diverged, x.status,
               what && compensates(*what), false});
  note_outcome(s_.site, x);
  s_.site.done = std::max(s_.site.done, n.index);
  changed(false);
}

/// How long the first open entry has waited for a word. Whoever leads speaks
/// first, so that not all speak at once.
void owner::tick_judging() {
  if (s_.shared.open.empty())
    return;
  const auto& x = s_.shared.open.front();
  if (x.index != s_.judged) {
    s_.judged = x.index;
    s_.judge_ticks = 0;
  }
  if (x.what.id.origin != s_.origin && s_.judge_ticks < s_.set.judge_ticks)
    s_.judge_ticks += leads() || random_below(2) == 0 ? 1 : 0;
}

} // namespace cheops::replicant
