#pragma once

#include "cheops/replicant/step.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace cheops::replicant {

/// For a change of what is not here; what an application would say.
inline constexpr std::uint16_t no_copy_status = 409;

/// One step in the making: the state, and the effects so far. The rules are
/// its functions, grouped by file; nobody outside this folder includes it.
class owner {
public:
  owner(state& s, std::vector<effect>& out) : s_(s), out_(out) {}

  // One for each input.
  void on(const asked& in);
  void on(const read_asked& in);
  void on(const scale_asked& in);
  void on(const resolve_asked& in);
  void on(const received& in);
  void on(const stored& in);
  void on(const called& in);
  void on(const probed& in);
  void on(const reached& in);
  void on(const ticked& in);
  void on(const reachable& in);

  /// Does all that has become possible, then turns what was changed into one
  /// `persist`, ahead of what rests on it.
  void finish();

  /// What a recovered owner begins with.
  void resume();

private:
  /// The next entry for this site's application.
  struct item {
    index_id index = 0;
    const submission* what = nullptr;
    index_id undoes = 0;
    bool judges = false;
  };

  // -- step.cpp --------------------------------------------------------------
  void hold(effect x) { held_now_.push_back(std::move(x)); }
  void put(effect x) { out_.push_back(std::move(x)); }
  void say(const member_id& to, message_body body);
  void say_stored(const member_id& to, message_body body);
  message addressed(const member_id& to, message_body body) const;
  void tell(event_kind what, index_id index, std::uint16_t status,
            std::string text = {});
  void store();
  void tick_timers();

  // -- group.cpp: raft, and the shared record --------------------------------
  void give(const raft::input& in);
  void perform(raft::persist x);
  void perform(raft::send x);
  void perform(const raft::apply& x);
  void perform(const raft::restore& x);
  bool came_back(std::uint64_t sequence);
  void perform(const raft::refused& x);
  void perform(const raft::fate_open& x);
  void perform(const raft::read_granted& x);
  void perform(const raft::read_refused& x);
  void perform(const raft::leads& x);
  void take_entry(const raft::entry& x);
  void follow_members();
  void intend_early(const std::vector<raft::entry>& entries);
  void fold();
  void halt(std::string why);
  bool leads() const;
  bool is_full(const member_id& x) const;
  bool is_witness(const member_id& x) const;
  bool is_sealed() const;
  bool in_clear(const raft::message_body& x) const;

  // -- clients.cpp -----------------------------------------------------------
  void ask(waiter w, std::string payload, std::size_t bytes);
  std::optional<refusal> refuses() const;
  bool can_read(const raft::configuration& wanted) const;
  void begin_group();
  std::uint64_t lowest_waiting() const;
  waiter* waiter_of(const operation_id& id);
  waiter* waiter_of(raft::request_id request);
  void settle_waiters();
  bool settle(waiter& w);
  bool settle_scale(waiter& w);
  bool settle_noted(waiter& w, const note& n);
  bool settle_done(waiter& w);
  bool done_by_all(index_id index) const;
  void answer_to(waiter& w, ending how, refusal why, std::uint16_t status);
  std::vector<site_line> lines(index_id index) const;
  void age_waiters();
  void serve_readers();
  void answer_read(const reader& r, bool granted, refusal why);

  // -- applying.cpp: the site's application ----------------------------------
  void advance();
  void skip();
  std::optional<item> next_item() const;
  void begin(const item& x);
  bool was_done(index_id index) const;
  void begin_missing();
  void resume_intent();
  void drop_superseded();
  std::optional<operation> content_of(const submission& x) const;
  bool is_open(index_id index) const;
  bool is_needed(const work& w) const;
  bool leaves_something(const work& w) const;
  void need_others();
  void call_now();
  const templated& request_of_work() const;
  result<templated> translated(const templated& x) const;
  void finish_done(std::uint16_t status, const std::string& local_id,
                   const digest128& answer);
  void finish_refused(std::uint16_t status, const digest128& answer);
  void did_not_run();
  void abandon_call();
  void settled();
  void start_probe();
  void became_uncertain();
  void rest(bool probes);
  void tick_work();
  void made(const std::string& local_id);
  void unmade();
  void add_trouble(const trouble& x);
  trouble* trouble_at(index_id index);
  void drop_trouble(index_id index);
  bool intends(index_id index, const operation_id& id) const;
  void forget_intent();
  void forget_call();
  void end_work();
  unsigned random_below(unsigned n);

  // -- judging.cpp: verdicts, and what else goes through the log -------------
  void propose();
  void propose_own(index_id index);
  void propose_overrule(index_id index);
  void propose_compensations();
  void put_proposal(proposal::kind what, index_id index, const log_entry& x);
  void decided(const note& n);
  void decide_refused(const note& n);
  void tick_judging();

  // -- reports.cpp: what the others are told ---------------------------------
  void changed(bool soon);
  void tell_others(bool soon);
  summary own_summary() const;
  void report();
  void end();
  bool all_have_ended() const;
  void take(const message& m, const raft_part& x);
  void take(const message& m, const summary& x);
  void take(const message& m, const summary_heard& x);
  void take(const message& m, const unknown_group& x);
  void take(const message& m, const foreign_group& x);
  void take(const message& m, const group_gone& x);
  void take(const message& m, const farewell& x);
  void take(const message& m, const farewell_heard& x);
  bool is_untouched() const;
  void give_way();
  bool is_known(const member_id& who) const;
  bool knows_one(const std::function<bool(const member_id&)>& is) const;
  bool has_departed(const member_id& who) const;
  bool is_of_group(const site_id& site) const;
  bool all_others_left() const;
  bool may_know(const site_id& site) const;
  bool is_bare() const;
  void say_farewell(const member_id& to);
  void tick_reports();
  void catch_up();
  void ask_for_leader();

  // -- members.cpp -----------------------------------------------------------
  void drive_members();
  const submission* what_made_it() const;
  void leave();
  void left();

  // -- resolve.cpp -----------------------------------------------------------
  std::optional<refusal> resolve_uncertain(trouble t, const resolve_asked& in);
  std::optional<refusal> resolve_diverged(const trouble& t,
                                          const resolve_asked& in);
  bool nothing_behind(index_id index) const;

  state& s_;
  std::vector<effect>& out_;
  std::vector<raft::persist> logs_;
  std::vector<effect> held_now_;
  ports::batch locals_;
  bool dirty_site_ = false;
  bool again_ = false;
  bool fold_now_ = false; ///< What is in clear keeps a witness waiting.
};

} // namespace cheops::replicant
