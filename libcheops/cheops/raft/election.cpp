// Terms, votes and leadership: 3.3, 3.4, 3.10, 4.2.3, 6.2, 9.6.

#include "cheops/ensure.hpp"
#include "cheops/planted.hpp"
#include "cheops/raft/machine.hpp"
#include "cheops/splitmix.hpp"

#include <algorithm>

namespace cheops::raft {

void machine::draw_wait() {
  auto base = std::max(1U, s_.set.election_ticks);
  s_.election_wait = base + static_cast<unsigned>(splitmix64(s_.random) % base);
}

/// Members that start together must not campaign together.
void machine::begin() {
  draw_wait();
}

void machine::set_leader(std::optional<member_id> who) {
  if (s_.leader == who)
    return;
  s_.leader = who;
  // What the last one was given may be lost with it. Should both have it, the
  // layer above runs it once (request_id).
  if (who)
    for (auto& [id, x] : s_.requests)
      x.out = x.appended;
  put(leads{std::move(who), s_.term});
}

bool machine::heard_leader_lately() const {
  if (s_.now == role::leader)
    return s_.check_ticks < s_.set.election_ticks && s_.awake;
  return s_.leader && s_.awake && s_.quiet_ticks < s_.set.election_ticks;
}

/// False: the message is of the past, or must not move our term.
bool machine::take_term(const message& m) {
  const auto* vote = std::get_if<vote_request>(&m.body);
  const auto* ballot = std::get_if<vote_answer>(&m.body);
  if (m.term > s_.term) {
    if (vote && vote->rehearsal)
      return true; // Only asks whether a term would be worth it (9.6).
    if (ballot && ballot->rehearsal && ballot->granted)
      return true; // Of the term that we would begin.
    // A member that was cut off must not depose a leader that serves (4.2.3).
    if (vote && !vote->transfer && heard_leader_lately())
      return false;
    auto from_leader = std::holds_alternative<append_request>(m.body)
                       || std::holds_alternative<snapshot_request>(m.body);
    become_follower(m.term, from_leader ? std::optional{m.from} : std::nullopt);
    return true;
  }
  if (m.term == s_.term || planted(bug::ignore_term))
    return true;
  // The past must learn our term, or an old leader would never step down.
  if (std::holds_alternative<append_request>(m.body)
      || std::holds_alternative<snapshot_request>(m.body))
    send_stored(m.from, append_answer{});
  else if (vote)
    send_stored(m.from, vote_answer{vote->rehearsal, false});
  else if (const auto* x = std::get_if<forwarded>(&m.body))
    send_stored(m.from, forward_refused{x->request});
  else if (const auto* y = std::get_if<read_index_request>(&m.body))
    send_stored(m.from, read_index_answer{y->read, false, 0});
  return false;
}

void machine::become_follower(term_id term, std::optional<member_id> leader) {
  ensure(term >= s_.term, "a term goes back");
  if (term > s_.term) {
    s_.term = term;
    s_.voted_for.reset();
    dirty_hard();
  }
  s_.now = role::follower;
  s_.quiet_ticks = 0;
  s_.ballots.clear();
  s_.peers.clear();
  s_.successor.reset();
  s_.writer.reset();
  s_.writes_in_row = 0;
  draw_wait();
  refuse_reads();
  set_leader(std::move(leader));
  send_waiting();
  start_reads();
}

/// Also who is removed by an entry that may not be committed: it may be the
/// only one that has it (4.2.2).
bool machine::may_campaign() const {
  auto votes_in = [&](const configuration& x) {
    const auto* me = find(x, s_.self);
    return me != nullptr && votes(*me);
  };
  return votes_in(s_.members())
         || (s_.log.members_index() > s_.commit
             && votes_in(s_.log.members_at(s_.commit)));
}

/// A member that has no vote cannot lead. It asks as if it could: who has one
/// sees that it is needed.
void machine::call_for_leader() {
  s_.quiet_ticks = 0;
  draw_wait();
  if (!is_member())
    return;
  set_leader(std::nullopt);
  for (const auto& x : s_.members())
    if (votes(x))
      send_now(
        x.id,
        vote_request{true, s_.log.last_index(), s_.log.last_term(), false},
        s_.term + 1);
}

/// The rehearsal (9.6): asks the others whether they would vote for us,
/// and touches no term until a majority would.
void machine::rehearse() {
  if (!may_campaign()) {
    call_for_leader();
    return;
  }
  s_.now = role::rehearsing;
  s_.by_transfer = false;
  s_.ballots.clear();
  s_.quiet_ticks = 0;
  draw_wait();
  set_leader(std::nullopt);
  for (const auto& x : s_.members())
    if (votes(x) && x.id != s_.self)
      send_now(
        x.id,
        vote_request{true, s_.log.last_index(), s_.log.last_term(), false},
        s_.term + 1);
  count_ballot(s_.self, true);
}

void machine::campaign() {
  if (!may_campaign())
    return;
  s_.now = role::candidate;
  ++s_.term;
  s_.voted_for = s_.self;
  s_.ballots.clear();
  s_.quiet_ticks = 0;
  draw_wait();
  dirty_hard();
  set_leader(std::nullopt);
  for (const auto& x : s_.members())
    if (votes(x) && x.id != s_.self)
      send_stored(x.id, vote_request{false, s_.log.last_index(),
                                     s_.log.last_term(), s_.by_transfer});
}

void machine::on(const founded&) {
  if (s_.now != role::follower || s_.leader || s_.log.last_index() != 0)
    return;
  wake();
  if (s_.term == 1 && s_.voted_for == s_.self) {
    // All begin as if they had elected us. That must be stored with the first
    // entry: it is what a crash leaves us with.
    dirty_hard();
    s_.now = role::candidate;
    become_leader();
  } else {
    s_.by_transfer = false;
    campaign();
  }
}

void machine::count_ballot(const member_id& from, bool granted) {
  s_.ballots[from] = granted;
  auto said = [&](bool what) {
    return is_quorum(s_.members(), [&](const member_id& x) {
      auto i = s_.ballots.find(x);
      return i != s_.ballots.end() && i->second == what;
    });
  };
  if (said(true)) {
    if (s_.now == role::rehearsing)
      campaign();
    else
      become_leader();
  } else if (said(false)) {
    become_follower(s_.term, std::nullopt);
  }
}

void machine::become_leader() {
  ensure(s_.now == role::candidate, "leads without a vote");
  s_.now = role::leader;
  s_.wanted_ticks = 0;
  s_.ballots.clear();
  s_.quiet_ticks = s_.beat_ticks = s_.check_ticks = s_.reign_ticks = 0;
  s_.successor.reset();
  s_.peers.clear();
  // A round of ours must confirm them now, not what another leader was asked.
  for (auto& x : s_.reads)
    x.round = 0;
  set_leader(s_.self);
  // Entries of earlier terms are committed only by one of ours (3.6.2).
  append_here({s_.term, s_.log.last_index() + 1, entry_kind::noop, 0, {}, {}});
  follow_members();
  send_waiting();
  send_to_all();
  advance_commit();
}

void machine::take(const message& m, const vote_request& x) {
  auto newer = x.last_term > s_.log.last_term()
               || (x.last_term == s_.log.last_term()
                   && x.last_index >= s_.log.last_index());
  // Who asks needs a leader and cannot be it: it may have to be us. Not so if
  // it is a stranger: one that was removed must not keep the group awake.
  const auto* who = find(s_.members(), m.from);
  if (who != nullptr && (!newer || !votes(*who))) {
    if (s_.now != role::leader)
      s_.wanted_ticks = 2 * s_.set.election_ticks;
    wake();
  }
  if (x.rehearsal) {
    auto grant = newer && m.term > s_.term && !heard_leader_lately();
    send_now(m.from, vote_answer{true, grant}, grant ? m.term : s_.term);
    return;
  }
  auto free =
    !s_.voted_for || *s_.voted_for == m.from || planted(bug::vote_twice);
  auto grant = newer && free && s_.now == role::follower && !s_.leader;
  if (grant) {
    s_.voted_for = m.from;
    s_.quiet_ticks = 0;
    dirty_hard();
  }
  send_stored(m.from, vote_answer{false, grant});
}

void machine::take(const message& m, const vote_answer& x) {
  if (x.rehearsal) {
    auto ours = x.granted ? m.term == s_.term + 1 : m.term == s_.term;
    if (s_.now == role::rehearsing && ours)
      count_ballot(m.from, x.granted);
  } else if (s_.now == role::candidate) {
    count_ballot(m.from, x.granted);
  }
}

void machine::take(const message& m, const timeout_now&) {
  // Only who leads hands over; once we campaign, nobody leads.
  if (s_.now != role::follower || s_.leader != m.from)
    return;
  s_.by_transfer = true;
  wake();
  campaign();
}

void machine::tick_follower() {
  ++s_.quiet_ticks;
  if (s_.wanted_ticks > 0)
    --s_.wanted_ticks;
  if (s_.quiet_ticks < s_.election_wait)
    return;
  // Nobody campaigns because a link went down, only because somebody needs
  // the group: a hundred thousand groups must not wake at a cut.
  if (needs_leader()) {
    wake();
    rehearse();
    return;
  }
  if (s_.now != role::follower)
    become_follower(s_.term, std::nullopt);
  // Our sleep is not the leader's silence: it has a whole wait to answer when
  // we wake.
  s_.quiet_ticks = 0;
  s_.awake = false;
}

void machine::tick_leader() {
  ++s_.quiet_ticks;
  ++s_.reign_ticks;
  for (auto& [id, p] : s_.peers) {
    ++p.silent_ticks;
    if (!p.in_flight.empty() || p.snapshot_out != 0)
      ++p.stalled_ticks;
  }
  if (s_.successor && ++s_.successor_ticks >= s_.set.election_ticks) {
    s_.successor.reset(); // It did not come about: we go on (3.10).
    send_waiting();
  }
  if (++s_.check_ticks >= s_.set.election_ticks)
    check_quorum();
  if (s_.now != role::leader)
    return;
  if (++s_.beat_ticks >= s_.set.heartbeat_ticks) {
    s_.beat_ticks = 0;
    beat(false);
  }
  become_quiet();
}

/// A leader that no majority hears steps down (6.2), so that its clients do
/// not wait on it for ever.
void machine::check_quorum() {
  auto heard = [&](const member_id& x) {
    if (x == s_.self)
      return true;
    auto i = s_.peers.find(x);
    return i != s_.peers.end()
           && i->second.silent_ticks <= s_.set.election_ticks;
  };
  s_.check_ticks = 0;
  if (!is_quorum(s_.members(), heard))
    become_follower(s_.term, std::nullopt);
}

void machine::on(const transfer_asked& in) {
  if (s_.now != role::leader || s_.successor || in.to == s_.self)
    return;
  const auto* who = find(s_.members(), in.to);
  auto i = s_.peers.find(in.to);
  if (who == nullptr || who->role != member_role::voter || i == s_.peers.end())
    return;
  wake();
  s_.successor = in.to;
  s_.successor_ticks = 0;
  after_progress(i->first, i->second);
  if (s_.successor)
    send_more(i->first, i->second);
}

} // namespace cheops::raft
