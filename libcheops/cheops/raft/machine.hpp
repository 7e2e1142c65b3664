#pragma once

#include "cheops/raft/quorum.hpp"
#include "cheops/raft/step.hpp"

namespace cheops::raft {

/// One step in the making: the state, and the effects so far. The rules are
/// its functions, grouped by file; nobody outside this folder includes it.
class machine {
public:
  machine(state& s, std::vector<effect>& out) : s_(s), out_(out) {}

  /// What a member begins with.
  void begin();

  // One for each input.
  void on(const proposed& in);
  void on(const received& in);
  void on(const stored& in);
  void on(const applied& in);
  void on(const ticked& in);
  void on(const read_asked& in);
  void on(const folded& in);
  void on(const change_asked& in);
  void on(const transfer_asked& in);
  void on(const reachable& in);
  void on(const founded& in);

  /// Turns what was changed into one `persist`, ahead of what rests on it.
  void finish();

private:
  // -- election.cpp: terms, votes, leadership (chapter 3.4, 3.10, 9.6) --------
  bool take_term(const message& m);
  void become_follower(term_id term, std::optional<member_id> leader);
  void rehearse();
  void call_for_leader();
  void campaign();
  void become_leader();
  void count_ballot(const member_id& from, bool granted);
  void take(const message& m, const vote_request& x);
  void take(const message& m, const vote_answer& x);
  void take(const message& m, const timeout_now& x);
  void tick_follower();
  void tick_leader();
  void check_quorum();
  bool heard_leader_lately() const;
  bool may_campaign() const;
  void draw_wait();
  void set_leader(std::optional<member_id> who);

  // -- replication.cpp: the log (3.5, 3.6, chapter 5) ------------------------
  void take(const message& m, const append_request& x);
  void take(const message& m, const append_answer& x);
  void take(const message& m, const snapshot_request& x);
  void append_here(entry x);
  void accept_entries(const message& m, const append_request& x);
  void refuse_entries(const message& m, const append_request& x);
  void answer(const message& m, append_answer x);
  void go_back(progress& p, const append_answer& x);
  void send_more(const member_id& to, progress& p);
  void send_append(const member_id& to, progress& p, bool sleep);
  void send_snapshot(const member_id& to, progress& p);
  void send_to_all();
  void beat(bool sleep);
  void beat_one(const member_id& to, progress& p, bool sleep);
  void rewind_lost(progress& p) const;
  static void start_over(progress& p);
  void advance_commit();
  void hand_out();
  void drop_witnessed(index_id held_by_all);
  index_id held_by_all() const;
  void after_progress(const member_id& who, progress& p);
  void become_quiet();
  index_id match_of(const member_id& who) const;

  // -- requests.cpp: clients (6.2, 6.4, 10.2) --------------------------------
  void take(const message& m, const forwarded& x);
  void take(const message& m, const forward_refused& x);
  void take(const message& m, const read_index_request& x);
  void take(const message& m, const read_index_answer& x);
  void send_waiting();
  void pass_on(request_id id, asked& x);
  void age_requests();
  void settle(const std::vector<entry>& applied);
  bool has_room(std::size_t bytes) const;
  bool stopped_by_witness() const;
  void note_writer(const member_id& who);
  void start_reads();
  void confirm_reads();
  void grant(const read& x);
  void refuse_read(const read& x);
  void refuse_reads();
  bool needs_leader() const;

  // -- membership.cpp (chapter 4) --------------------------------------------
  void follow_members();
  bool is_member() const;
  member_role own_role() const;

  // -- step.cpp --------------------------------------------------------------
  void wake();
  void put(effect x) { out_.push_back(std::move(x)); }
  void send_now(const member_id& to, message_body body, term_id term);
  void send_now(const member_id& to, message_body body) {
    send_now(to, std::move(body), s_.term);
  }
  /// Sends once all that this step and earlier ones persist is stored.
  void send_stored(const member_id& to, message_body body);
  void dirty_hard() { dirty_ = true; }
  void dirty_from(index_id i);

  state& s_;
  std::vector<effect>& out_;
  bool dirty_ = false;
  std::optional<index_id> dirty_from_;
  bool dirty_snapshot_ = false;
  std::vector<message> after_store_;
};

} // namespace cheops::raft
