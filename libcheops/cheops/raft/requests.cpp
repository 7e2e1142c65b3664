// Clients: 6.2 (finding the leader), 6.4 (reads), 10.2 (bounds).

#include "cheops/planted.hpp"
#include "cheops/raft/machine.hpp"

#include <algorithm>

namespace cheops::raft {

bool machine::needs_leader() const {
  // Those who asked are owed an answer, also by one that was removed.
  if (!s_.requests.empty() || !s_.reads.empty())
    return true;
  return (is_member() || may_campaign())
         && (s_.wanted_ticks > 0 || s_.commit < s_.log.last_index());
}

bool machine::has_room(std::size_t bytes) const {
  return s_.commit == s_.log.last_index()
         || s_.log.bytes_behind(s_.commit) + bytes
              <= s_.set.uncommitted_bytes_max;
}

/// A witness at its cap takes no more: where no quorum is left without it,
/// a write would wait for ever.
bool machine::stopped_by_witness() const {
  auto is_full = [](const auto& x) { return x.second.full; };
  if (std::ranges::none_of(s_.peers, is_full))
    return false;
  return !is_quorum(s_.members(), [&](const member_id& x) {
    auto p = s_.peers.find(x);
    return x == s_.self
           || (p != s_.peers.end() && !p->second.full
               && p->second.silent_ticks <= s_.set.election_ticks);
  });
}

void machine::on(const proposed& in) {
  if (!is_member()) {
    put(refused{in.request, refusal::not_member});
    return;
  }
  if (s_.requests.size() >= s_.set.waiting_max || !has_room(in.payload.size())
      || s_.requests.contains(in.request)) {
    put(refused{in.request, refusal::busy});
    return;
  }
  if (stopped_by_witness()) {
    put(refused{in.request, refusal::witness_full});
    return;
  }
  auto i = s_.requests.emplace(in.request, asked{in.payload}).first;
  wake();
  pass_on(i->first, i->second);
}

/// Appends it here, forwards it, or keeps it until there is a leader.
void machine::pass_on(request_id id, asked& x) {
  if (s_.now == role::leader) {
    if (s_.successor || own_role() == member_role::witness)
      return; // Leadership is about to go.
    s_.quiet_ticks = 0;
    x.out = x.left = x.appended = true;
    append_here({s_.term,
                 s_.log.last_index() + 1,
                 entry_kind::operation,
                 id,
                 std::move(x.payload),
                 {}});
    x.payload.clear();
    note_writer(s_.self);
    send_to_all();
    advance_commit();
  } else if (s_.leader) {
    x.out = x.left = true;
    // The payload stays: a leader that refuses it leaves it with us.
    send_now(*s_.leader, forwarded{id, x.payload});
  }
}

void machine::send_waiting() {
  if (s_.now != role::leader && !s_.leader)
    return;
  for (auto& [id, x] : s_.requests)
    if (!x.out)
      pass_on(id, x);
}

void machine::take(const message& m, const forwarded& x) {
  // One that was removed, or never was of the group, has nothing to write.
  auto can = s_.now == role::leader && !s_.successor
             && find(s_.members(), m.from) != nullptr
             && own_role() != member_role::witness && !stopped_by_witness()
             && has_room(x.payload.size());
  if (!can) {
    send_now(m.from, forward_refused{x.request});
    return;
  }
  wake();
  s_.quiet_ticks = 0;
  append_here({s_.term,
               s_.log.last_index() + 1,
               entry_kind::operation,
               x.request,
               x.payload,
               {}});
  note_writer(m.from);
  send_to_all();
  advance_commit();
}

void machine::take(const message&, const forward_refused& x) {
  auto i = s_.requests.find(x.request);
  if (i != s_.requests.end() && !i->second.appended)
    i->second.out = false; // We may try again.
}

/// Leadership goes to a site that writes several times in a row, and stays
/// there for a while, so that alternating writers do not make it bounce.
void machine::note_writer(const member_id& who) {
  s_.writes_in_row = s_.writer == who ? s_.writes_in_row + 1 : 1;
  s_.writer = who;
  if (who != s_.self && s_.set.follow_writer_after > 0
      && s_.writes_in_row >= s_.set.follow_writer_after
      && s_.reign_ticks >= s_.set.hold_ticks)
    on(transfer_asked{who});
}

/// What was applied here is settled, whoever appended it.
void machine::settle(const std::vector<entry>& all) {
  for (const auto& x : all)
    if (x.request != 0)
      s_.requests.erase(x.request);
}

void machine::age_requests() {
  for (auto i = s_.requests.begin(); i != s_.requests.end();) {
    auto& [id, x] = *i;
    if (!x.out && x.ticks % s_.set.election_ticks == 0 && s_.leader)
      pass_on(id, x);
    if (++x.ticks < s_.set.patience_ticks) {
      ++i;
      continue;
    }
    if (x.left)
      put(fate_open{id});
    else
      put(refused{id, refusal::no_leader});
    i = s_.requests.erase(i);
  }
  auto again = false;
  for (auto i = s_.reads.begin(); i != s_.reads.end();) {
    if (++i->ticks < s_.set.patience_ticks) {
      again = again
              || (i->from == s_.self && i->round == 0
                  && i->ticks % s_.set.election_ticks == 0);
      ++i;
      continue;
    }
    refuse_read(*i);
    i = s_.reads.erase(i);
  }
  if (again)
    start_reads();
}

// -- reads (6.4) -------------------------------------------------------------

void machine::on(const read_asked& in) {
  if (!is_member() || own_role() != member_role::voter
      || s_.reads.size() >= s_.set.reads_max) {
    put(read_refused{in.read});
    return;
  }
  wake();
  s_.reads.push_back({s_.self, in.read, 0, 0, 0});
  start_reads();
}

void machine::take(const message& m, const read_index_request& x) {
  if (s_.now != role::leader || s_.reads.size() >= s_.set.reads_max
      || find(s_.members(), m.from) == nullptr) {
    send_now(m.from, read_index_answer{x.read, false, 0});
    return;
  }
  wake();
  s_.reads.push_back({m.from, x.read, 0, 0, 0});
  start_reads();
}

/// Asks for what is new among the reads: at a leader, a round of heartbeats
/// that shows that it still is one; elsewhere, the leader.
void machine::start_reads() {
  auto is_new = [](const read& x) { return x.round == 0; };
  if (std::ranges::none_of(s_.reads, is_new))
    return;
  if (s_.now != role::leader) {
    if (!s_.leader)
      return;
    for (auto& x : s_.reads)
      if (is_new(x)) {
        x.round = 1; // Sent.
        send_now(*s_.leader, read_index_request{x.id});
      }
    return;
  }
  // The commit index of a new leader may lag until its first own entry is
  // committed (6.4, step 1).
  if (s_.log.term_at(s_.commit) != s_.term)
    return;
  ++s_.round;
  s_.quiet_ticks = 0;
  for (auto& x : s_.reads)
    if (is_new(x)) {
      x.round = s_.round;
      x.index = s_.commit;
    }
  beat(false);
  confirm_reads();
}

void machine::confirm_reads() {
  if (s_.now != role::leader)
    return;
  for (auto i = s_.reads.begin(); i != s_.reads.end();) {
    auto round = i->round;
    auto confirmed =
      round != 0 && is_quorum(s_.members(), [&](const member_id& x) {
        auto p = s_.peers.find(x);
        return x == s_.self || planted(bug::read_without_round)
               || (p != s_.peers.end() && p->second.round >= round);
      });
    if (!confirmed) {
      ++i;
      continue;
    }
    grant(*i);
    i = s_.reads.erase(i);
  }
}

void machine::grant(const read& x) {
  if (x.from == s_.self)
    put(read_granted{x.id, x.index});
  else
    send_now(x.from, read_index_answer{x.id, true, x.index});
}

void machine::refuse_read(const read& x) {
  if (x.from == s_.self)
    put(read_refused{x.id});
  else
    send_now(x.from, read_index_answer{x.id, false, 0});
}

/// Others' reads end with our leadership; our own look for the next leader.
void machine::refuse_reads() {
  for (auto i = s_.reads.begin(); i != s_.reads.end();) {
    if (i->from == s_.self) {
      i->round = 0;
      ++i;
      continue;
    }
    refuse_read(*i);
    i = s_.reads.erase(i);
  }
}

void machine::take(const message& m, const read_index_answer& x) {
  if (s_.leader != m.from || s_.now == role::leader)
    return;
  auto i = std::ranges::find_if(s_.reads, [&](const read& r) {
    return r.from == s_.self && r.id == x.read && r.round != 0;
  });
  if (i == s_.reads.end())
    return;
  // Whom we took for the leader is none (any more): our patience decides, and
  // a leader is looked for as long as it lasts.
  if (!x.granted) {
    i->round = 0;
    return;
  }
  put(read_granted{x.read, x.index});
  s_.reads.erase(i);
}

} // namespace cheops::raft
