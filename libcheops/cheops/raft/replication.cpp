// The log: 3.5, 3.6, chapter 5, 10.2.

#include "cheops/ensure.hpp"
#include "cheops/planted.hpp"
#include "cheops/raft/machine.hpp"

#include <algorithm>

namespace cheops::raft {

// -- what every member does --------------------------------------------------

void machine::append_here(entry x) {
  dirty_from(x.index);
  auto configures = x.kind == entry_kind::configure;
  s_.log.append(std::move(x));
  if (configures)
    follow_members();
}

/// Hands out what is decided and on our own disk: a crash must not find the
/// application ahead of the log.
void machine::hand_out() {
  auto upto = std::min(s_.commit, s_.stable);
  if (upto <= s_.dispatched)
    return;
  // A snapshot came in the place of what we have not applied.
  if (s_.log.base().index > s_.dispatched) {
    if (s_.stable < s_.log.base().index)
      return; // It is not on our disk yet.
    s_.dispatched = s_.log.base().index;
    if (own_role() == member_role::witness)
      s_.applied = s_.dispatched;
    else
      put(restore{s_.log.base()});
    hand_out();
    return;
  }
  std::vector<entry> all;
  for (auto i = s_.dispatched + 1; i <= upto; ++i)
    all.push_back(s_.log.at(i));
  s_.dispatched = upto;
  settle(all);
  if (own_role() == member_role::witness)
    s_.applied = upto;
  else
    put(apply{std::move(all)});
}

/// A witness keeps only what some full member may still lack.
void machine::drop_witnessed(index_id held_by_all) {
  auto upto = std::min({held_by_all, s_.commit, s_.dispatched});
  if (own_role() != member_role::witness || upto <= s_.log.base().index)
    return;
  s_.log.compact({upto, *s_.log.term_at(upto), s_.log.members_at(upto), {}});
  dirty_snapshot_ = true;
}

void machine::on(const folded& in) {
  if (in.index > s_.applied || in.index <= s_.log.base().index
      || own_role() == member_role::witness)
    return;
  s_.log.compact({in.index, *s_.log.term_at(in.index),
                  s_.log.members_at(in.index), in.payload});
  dirty_snapshot_ = true;
}

// -- followers ---------------------------------------------------------------

void machine::take(const message& m, const append_request& x) {
  if (s_.now != role::follower || s_.leader != m.from)
    become_follower(m.term, m.from);
  s_.quiet_ticks = s_.wanted_ticks = 0;
  wake();
  auto known = s_.log.term_at(x.previous_index);
  auto before_ours = x.previous_index < s_.log.base().index;
  if (!before_ours && known != x.previous_term)
    refuse_entries(m, x);
  else
    accept_entries(m, x);
}

void machine::refuse_entries(const message& m, const append_request& x) {
  append_answer out;
  out.round = x.round;
  out.hint_index = std::min(x.previous_index, s_.log.last_index());
  // Back over every entry that is newer than what the leader has there.
  while (out.hint_index > s_.log.base().index
         && *s_.log.term_at(out.hint_index) > x.previous_term)
    --out.hint_index;
  out.hint_term = *s_.log.term_at(out.hint_index);
  answer(m, out);
}

void machine::accept_entries(const message& m, const append_request& x) {
  append_answer out;
  out.round = x.round;
  auto last_new = x.previous_index;
  for (const auto& e : x.entries) {
    last_new = e.index;
    if (e.index <= s_.log.base().index)
      continue; // Folded: it was committed.
    if (auto here = s_.log.term_at(e.index)) {
      if (*here == e.term)
        continue;
      // Only what was never committed may conflict (3.5).
      ensure(e.index > s_.commit, "a committed entry is overwritten");
      s_.log.truncate(e.index);
      s_.stable = std::min(s_.stable, e.index - 1);
      for (auto& s : s_.on_the_way)
        s.upto = std::min(s.upto, e.index - 1);
      dirty_from(e.index);
    }
    if (own_role() == member_role::witness
        && s_.log.bytes() + e.payload.size() > s_.set.witness_bytes_max) {
      out.full = true;
      last_new = s_.log.last_index();
      break;
    }
    append_here(e);
  }
  s_.commit = std::max(s_.commit, std::min(x.commit, last_new));
  hand_out();
  drop_witnessed(x.held_by_all);
  out.accepted = !out.full;
  out.match = last_new;
  answer(m, out);
  if (x.sleep && s_.commit == s_.log.last_index() && s_.commit == x.commit
      && !needs_leader())
    s_.awake = false;
}

/// Leaves once stored what it speaks of (3.8).
void machine::answer(const message& m, append_answer x) {
  send_stored(m.from, x);
}

void machine::take(const message& m, const snapshot_request& x) {
  if (s_.now != role::follower || s_.leader != m.from)
    become_follower(m.term, m.from);
  s_.quiet_ticks = s_.wanted_ticks = 0;
  wake();
  append_answer out;
  out.round = x.round;
  out.accepted = true;
  if (s_.log.term_at(x.whole.index) == x.whole.term) {
    // Our log agrees that far: it is committed, and nothing need be rebuilt.
    s_.commit = std::max(s_.commit, x.whole.index);
  } else if (x.whole.index > s_.commit) {
    s_.log.compact(x.whole);
    s_.commit = x.whole.index;
    s_.stable = std::min(s_.stable, x.whole.index - 1);
    for (auto& s : s_.on_the_way)
      s.upto = std::min(s.upto, x.whole.index - 1);
    dirty_snapshot_ = true;
    dirty_from(s_.log.first_index());
  }
  out.match = s_.commit;
  answer(m, out);
}

// -- leaders -----------------------------------------------------------------

index_id machine::match_of(const member_id& who) const {
  if (who == s_.self)
    return s_.stable;
  auto i = s_.peers.find(who);
  return i == s_.peers.end() ? 0 : i->second.match;
}

index_id machine::held_by_all() const {
  auto out = s_.stable;
  for (const auto& x : s_.members())
    if (!is_witness(x))
      out = std::min(out, match_of(x.id));
  return out;
}

void machine::take(const message& m, const append_answer& x) {
  if (s_.now != role::leader)
    return;
  auto i = s_.peers.find(m.from);
  if (i == s_.peers.end())
    return;
  auto& p = i->second;
  p.silent_ticks = 0;
  p.round = std::max(p.round, x.round);
  p.full = x.full;
  if (!x.accepted) {
    if (x.full)
      p.match = std::max(p.match, x.match);
    go_back(p, x);
  } else {
    // A heartbeat is accepted wherever the logs are known to agree; that says
    // nothing of what is probed.
    if (x.match + 1 >= p.next)
      p.probing = p.probe_out = false;
    if (x.match >= p.snapshot_out)
      p.snapshot_out = 0;
    // An answer from before a crash of ours cannot be: terms part us.
    ensure(x.match <= s_.log.last_index(), "a follower has more than we");
    if (x.match > p.match) {
      p.match = x.match;
      p.stalled_ticks = 0;
    }
    p.next = std::max(p.next, p.match + 1);
    while (!p.in_flight.empty() && p.in_flight.front() <= p.match)
      p.in_flight.pop_front();
  }
  if (p.match < s_.log.last_index())
    wake(); // It is there, and lacks something.
  advance_commit();
  confirm_reads();
  if (s_.now == role::leader)
    after_progress(i->first, p);
}

/// Where the logs may still agree: behind the newest entry whose term is not
/// newer than the follower's hint (3.5, last paragraph).
void machine::go_back(progress& p, const append_answer& x) {
  auto at = std::min(x.hint_index, s_.log.last_index());
  while (at > s_.log.base().index && *s_.log.term_at(at) > x.hint_term)
    --at;
  // They part before what is folded: only the snapshot helps.
  if (at == s_.log.base().index && s_.log.base().term > x.hint_term)
    at = 0;
  p.next = std::max(p.match, at) + 1;
  p.probing = true;
  p.probe_out = x.full; // A full witness is asked again with each beat.
  p.in_flight.clear();
}

void machine::after_progress(const member_id& who, progress& p) {
  // A witness leads only to hand over to who has all that it has.
  if (own_role() == member_role::witness && !s_.successor
      && p.match == s_.log.last_index()) {
    on(transfer_asked{who});
    return;
  }
  if (s_.successor == who && p.match == s_.log.last_index()) {
    send_now(who, timeout_now{});
    return;
  }
  send_more(who, p);
}

void machine::send_more(const member_id& to, progress& p) {
  while (s_.now == role::leader && p.next <= s_.log.last_index()) {
    if (p.snapshot_out != 0 || (p.probing && p.probe_out)
        || p.in_flight.size() >= s_.set.in_flight_max)
      return;
    if (p.next <= s_.log.base().index) {
      if (own_role() != member_role::witness) {
        send_snapshot(to, p);
        return;
      }
      // A witness has no snapshot to give, and needs none: it dropped only
      // what every full member holds. Who came later waits for the next
      // leader.
      p.next = s_.log.first_index();
    }
    send_append(to, p, false);
  }
}

void machine::send_append(const member_id& to, progress& p, bool sleep) {
  append_request x;
  x.previous_index = p.next - 1;
  x.previous_term = *s_.log.term_at(x.previous_index);
  x.commit = s_.commit;
  x.held_by_all = held_by_all();
  x.round = s_.round;
  x.sleep = sleep;
  x.entries =
    s_.log.slice(p.next, s_.set.append_bytes_max, s_.set.append_entries_max);
  if (!x.entries.empty()) {
    auto last = x.entries.back().index;
    p.in_flight.push_back(last);
    // Until the logs are known to agree, one message at a time (10.2.2).
    if (p.probing)
      p.probe_out = true;
    else
      p.next = last + 1;
  }
  send_now(to, std::move(x));
}

void machine::send_snapshot(const member_id& to, progress& p) {
  snapshot_request x{s_.log.base(), s_.round};
  if (const auto* who = find(s_.members(), to);
      who != nullptr && is_witness(*who))
    x.whole.payload.clear(); // A witness must not read it.
  p.snapshot_out = x.whole.index;
  p.next = x.whole.index + 1;
  send_now(to, std::move(x));
}

void machine::send_to_all() {
  for (auto& [id, p] : s_.peers)
    send_more(id, p);
}

/// Takes all that is out for lost, and goes on from what is known to be there;
/// a probe goes out again where it was: its follower may lack nothing.
void machine::start_over(progress& p) {
  if (!p.probing || p.snapshot_out != 0)
    p.next = p.match + 1;
  p.in_flight.clear();
  p.snapshot_out = 0;
  p.stalled_ticks = 0;
  p.probing = true;
  p.probe_out = false;
}

/// What is out and brought nothing for a while was lost.
void machine::rewind_lost(progress& p) const {
  auto patience = p.snapshot_out != 0 ? 4 * s_.set.election_ticks
                                      : 2 * s_.set.heartbeat_ticks;
  if (p.stalled_ticks <= patience)
    return;
  start_over(p);
}

void machine::beat_one(const member_id& to, progress& p, bool sleep) {
  append_request x;
  // Agrees with any follower: what it surely has, or the empty log.
  if (p.match >= s_.log.base().index) {
    x.previous_index = p.match;
    x.previous_term = *s_.log.term_at(p.match);
  }
  x.commit = s_.commit;
  x.held_by_all = held_by_all();
  x.round = s_.round;
  x.sleep = sleep;
  if (p.full) // Asked with one entry whether it has room again.
    x.entries = s_.log.slice(p.match + 1, s_.set.append_bytes_max, 1);
  send_now(to, std::move(x));
}

void machine::beat(bool sleep) {
  for (auto& [id, p] : s_.peers) {
    rewind_lost(p);
    p.probe_out = p.probing && !p.in_flight.empty();
    beat_one(id, p, sleep);
    if (!p.full)
      send_more(id, p);
  }
}

/// Commits what a majority has stored, if it is of our own term (3.6.2).
void machine::advance_commit() {
  auto n = held_by_quorum(s_.members(),
                          [&](const member_id& x) { return match_of(x); });
  if (planted(bug::answer_before_commit))
    n = s_.stable;
  auto ours = s_.log.term_at(n) == s_.term || planted(bug::commit_old_term);
  if (n > s_.commit && ours) {
    s_.commit = n;
    s_.quiet_ticks = 0;
    start_reads();
    // Followers learn of it with the next entries, or at once if none come.
    for (auto& [id, p] : s_.peers)
      if (!p.probing && p.next > s_.log.last_index())
        send_append(id, p, false);
    // A leader that is not in the configuration has done its part (4.2.2).
    if (!is_member() && s_.log.members_index() <= s_.commit)
      become_follower(s_.term, std::nullopt);
  }
}

/// Idle groups are silent: when all that answer have everything, they are
/// told to sleep, and so do we.
void machine::become_quiet() {
  // A witness leads until it has handed over.
  auto quiet = own_role() != member_role::witness
               && s_.quiet_ticks >= s_.set.sleep_ticks && !needs_leader()
               && s_.commit == s_.log.last_index() && !s_.successor
               && s_.reads.empty();
  for (const auto& [id, p] : s_.peers)
    quiet = quiet
            && (p.match == s_.log.last_index()
                || p.silent_ticks > 2 * s_.set.election_ticks);
  if (!quiet)
    return;
  beat(true);
  s_.awake = false;
}

} // namespace cheops::raft
