// The group's raft below, and the record that its log makes.

#include "cheops/planted.hpp"
#include "cheops/raft/quorum.hpp"
#include "cheops/raft/step.hpp"
#include "cheops/replicant/codec.hpp"
#include "cheops/replicant/owner.hpp"

#include <algorithm>
#include <utility>

namespace cheops::replicant {

void owner::give(const raft::input& in) {
  for (auto& e : raft::step(s_.group, in))
    std::visit([&](auto& x) { perform(std::move(x)); }, e);
}

bool owner::leads() const {
  return s_.group.now == raft::role::leader;
}

bool owner::is_full(const member_id& x) const {
  const auto* m = raft::find(s_.group.members(), x);
  return m != nullptr && !raft::is_witness(*m);
}

bool owner::is_witness(const member_id& x) const {
  const auto* m = raft::find(s_.group.members(), x);
  return m != nullptr && raft::is_witness(*m);
}

/// A witness is among the members, or is to come.
bool owner::is_sealed() const {
  return raft::has_witness(s_.group.members())
         || (s_.shared.goal && raft::has_witness(s_.shared.goal->members));
}

/// Whether the message has an operation that was not sealed: from a time
/// without a witness, or of a member that did not know of it yet.
bool owner::in_clear(const raft::message_body& x) const {
  if (const auto* f = std::get_if<raft::forwarded>(&x))
    return shows_content(f->payload);
  const auto* a = std::get_if<raft::append_request>(&x);
  return a != nullptr
         && std::ranges::any_of(a->entries, [&](const raft::entry& e) {
              return e.kind == raft::entry_kind::operation
                     && shows_content(e.payload);
            });
}

void owner::halt(std::string why) {
  s_.halted = std::move(why);
  tell(event_kind::halted, s_.shared.at, 0, s_.halted);
}

void owner::perform(raft::persist x) {
  intend_early(x.entries);
  logs_.push_back(std::move(x));
}

void owner::perform(raft::send x) {
  // Lost, as any message may be. What was folded goes to it without content.
  if (is_witness(x.what.to) && in_clear(x.what.body)
      && !planted(bug::open_content)) {
    fold_now_ = true;
    return;
  }
  say(x.what.to, raft_part{x.what.term, std::move(x.what.body)});
}

void owner::perform(const raft::apply& x) {
  for (const auto& e : x.entries)
    take_entry(e);
  give(raft::applied{s_.shared.at});
}

void owner::perform(const raft::restore& x) {
  auto folded = decode_record(x.whole.payload);
  if (!folded || folded->at != x.whole.index) {
    halt("the snapshot at " + std::to_string(x.whole.index)
         + " cannot be read");
    return;
  }
  s_.shared = std::move(*folded);
  again_ = dirty_site_ = true;
  follow_members();
  if (s_.site.refused)
    if (const auto* n = find(s_.shared, s_.site.refused->index))
      decide_refused(*n);
  for (const auto& n : s_.shared.notes)
    if (auto* w = waiter_of(n.id); w != nullptr && w->index == 0)
      w->index = n.index;
  for (const auto& o : s_.shared.open)
    if (auto* w = waiter_of(o.what.id); w != nullptr && w->index == 0)
      w->index = o.index;
  give(raft::applied{s_.shared.at});
}

void owner::take_entry(const raft::entry& x) {
  auto ended = s_.shared.ended_at;
  auto notes = replicant::take(s_.shared, x);
  again_ = true;
  if (x.request != 0) {
    s_.proposals.erase(sequence_of(x.request, s_.origin, s_.session));
    if (s_.change_out != 0
        && x.request == request_of({s_.origin, s_.session, s_.change_out}))
      s_.change_out = 0;
    if (auto* w = waiter_of(x.request); w != nullptr && w->index == 0)
      w->index = x.index;
  }
  for (const auto& n : notes)
    decided(n);
  if (x.kind == raft::entry_kind::configure) {
    dirty_site_ = true; // It has the members, for who only looks.
    follow_members();
  }
  if (ended == 0 && s_.shared.ended_at != 0)
    changed(false); // The others wait for us to know.
}

/// What rests on who the members are.
void owner::follow_members() {
  auto gone = [&](const auto& x) { return !is_full(x.first); };
  std::erase_if(s_.untold, gone);
  for (const auto& d : s_.shared.departed) {
    s_.site.others.erase(d.who);
    // Those whom it knows may have left as well.
    if (d.who != s_.self && !s_.departed_told.contains(d.who))
      s_.untold[d.who] = {s_.set.report_ticks, 0};
    if (d.who == s_.self && !s_.leaving)
      s_.leaving = farewell{d.at, d.remove};
  }
  // Who came is told how it is here.
  for (const auto& m : s_.shared.members)
    if (m.id != s_.self && is_full(m.id) && s_.version > 0
        && s_.told.insert(m.id).second)
      s_.untold.try_emplace(m.id);
}

/// A create that this site was asked for is stored together with its intent,
/// where it can be settled: one sync less before the application is called.
void owner::intend_early(const std::vector<raft::entry>& entries) {
  if (s_.doing.now != phase::idle || s_.site.doing || !s_.shared.open.empty()
      || s_.shared.at < s_.group.log.base().index || next_item())
    return;
  auto submits = [](const raft::entry& e) {
    return e.kind == raft::entry_kind::operation && e.payload.size() > 1
           && e.payload[1] == 0;
  };
  for (const auto& e : entries) {
    if (!submits(e))
      continue;
    const auto* w = waiter_of(e.request);
    // What waits for others first is not called so soon.
    if (w == nullptr || !w->what.after.empty()
        || w->what.settle == settling::none || w->what.settles_after_ms == 0)
      return;
    for (auto i = s_.shared.at + 1; i < e.index; ++i)
      if (submits(s_.group.log.at(i)))
        return;
    s_.site.doing = intent_of(e.index, w->id, w->what);
    s_.fresh_intent = dirty_site_ = true;
    return;
  }
}

void owner::fold() {
  const auto& log = s_.group.log;
  // A snapshot that came is not taken yet.
  if (s_.shared.at != s_.group.applied || s_.shared.at <= log.base().index)
    return;
  auto n = s_.shared.at - log.base().index;
  auto bytes = log.bytes() - log.bytes_behind(s_.shared.at);
  auto long_enough = n >= s_.set.fold_entries || bytes >= s_.set.fold_bytes;
  if (!long_enough && !std::exchange(fold_now_, false))
    return;
  if (planted(bug::forget_sessions))
    s_.shared.sessions.clear();
  give(raft::folded{s_.shared.at, encode(s_.shared)});
}

void owner::perform(const raft::leads& x) {
  tell(event_kind::leader, s_.shared.at, 0,
       x.who ? x.who->site.value : std::string{});
}

/// Something of our own that goes through the log did not, as far as is known.
bool owner::came_back(std::uint64_t sequence) {
  if (s_.proposals.erase(sequence) > 0) {
    s_.propose_rest = s_.set.group.election_ticks;
    return true;
  }
  if (sequence != s_.change_out)
    return false;
  s_.change_out = 0;
  return true;
}

void owner::perform(const raft::refused& x) {
  auto sequence = sequence_of(x.request, s_.origin, s_.session);
  auto changes = sequence == s_.change_out;
  if (came_back(sequence)) {
    if (changes)
      s_.change_rest = s_.set.group.election_ticks;
    return;
  }
  auto* w = waiter_of(x.request);
  if (w == nullptr)
    return;
  auto why = refusal::no_quorum;
  if (x.why == raft::refusal::busy)
    why = refusal::busy;
  else if (x.why == raft::refusal::witness_full)
    why = refusal::witness_full;
  else if (x.why == raft::refusal::not_member)
    why = refusal::not_member;
  else if (!s_.foreign.empty() && s_.shared.created_at == 0)
    why = refusal::foreign;
  answer_to(*w, ending::refused, why, 0);
}

void owner::perform(const raft::fate_open& x) {
  if (came_back(sequence_of(x.request, s_.origin, s_.session)))
    return;
  // Decided, and come here inside a snapshot: it is settled otherwise.
  if (auto* w = waiter_of(x.request); w != nullptr && w->index == 0)
    answer_to(*w, ending::open, refusal::none, 0);
}

void owner::perform(const raft::read_granted& x) {
  if (x.read == s_.catch_up)
    s_.catch_up = 0;
  auto r = std::ranges::find(s_.readers, x.read, &reader::read);
  if (r != s_.readers.end())
    r->index = x.index;
}

void owner::perform(const raft::read_refused& x) {
  if (x.read == s_.catch_up)
    s_.catch_up = 0;
  auto r = std::ranges::find(s_.readers, x.read, &reader::read);
  if (r == s_.readers.end())
    return;
  answer_read(*r, false, refusal::no_quorum);
  s_.readers.erase(r);
}

} // namespace cheops::replicant
