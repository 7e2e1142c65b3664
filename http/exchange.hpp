#pragma once

#include "cheops/traffic/decide.hpp"
#include "http/aside.hpp"
#include "http/body.hpp"
#include "http/head.hpp"
#include "http/pool.hpp"
#include "http/pump.hpp"
#include "http/replicated.hpp"
#include "http/rewrite.hpp"
#include "http/wheel.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cheops::http {

class session;
struct front_settings;
struct settings;
struct worker;

/// One request and its answer. The main path, in the order of the functions:
/// start, route, decide, next_leg, on_upstream, push_request, read_answer,
/// begin_answer, push_answer, finish. A `leg` is one try of one site.
class exchange final : public upstream_user {
public:
  explicit exchange(session& of);
  ~exchange();

  /// `request` was read from the session's buffer, behind `skipped` bytes.
  void start(head& request, std::size_t skipped);
  [[nodiscard]] bool runs() const noexcept { return stage_ != stage::none; }
  /// None runs, nor will soon: gives back memory that a large one took.
  void rest() noexcept;
  // -- told by the session ---------------------------------------------------
  void on_client_readable();
  void on_client_writable();
  /// The client has ended its sending, and nothing has shown since whether
  /// it is still there.
  void on_client_silent();
  /// The client has closed, or was cut off.
  void on_client_gone();

  // -- told by the worker ----------------------------------------------------
  /// The link to the peer of the running leg went down.
  void on_peer_down(const site_id& peer);
  /// The injected faults have changed.
  void on_faults();
  /// The peer of the running leg may be trusted no more.
  void on_reload();

  // -- told by the pool ------------------------------------------------------
  void on_upstream(ref<upstream> x) override;
  void on_no_upstream(const error& why, refusal counted) override;
  void on_upstream_readable() override;
  void on_upstream_writable() override;

private:
  enum class stage : std::uint8_t {
    none,
    delayed,    ///< By an injected fault, before the decision.
    aside,      ///< A question of the node's own is on its way.
    gathering,  ///< The whole request must be here first.
    holding,    ///< A create that may have made what it names is waited for.
    deciding,   ///< The copies of the resource are being asked.
    connecting, ///< A leg waits for its connection.
    asking,     ///< The request goes out; no final head has come.
    collecting, ///< The final head is here; its body is, for the adapter.
    answering,  ///< The final head is on its way to the client.
    answered,   ///< The answer is out; the request's body still comes.
    refusing,   ///< An answer of our own goes out.
    tunnel,
  };

  // -- admit.cpp: before the decision -----------------------------------------
  [[nodiscard]] bool route();
  [[nodiscard]] bool absolute_form();
  [[nodiscard]] traffic::caller caller_of();

  // -- exchange.cpp: from the head to the end --------------------------------
  void decide(traffic::clock::time_point now);
  void next_leg();
  void local_leg(const front_settings& front);
  void peer_leg(const site_id& to);
  void start_leg(ref<pool> from);
  void write_request_head();
  void leg_failed(traffic::failure how, unsigned status, const error& why,
                  refusal counted);
  [[nodiscard]] bool may_move_on(traffic::failure how, unsigned status) const;
  void drop_upstream();
  void refuse(const error& why, refusal counted, unsigned status = 0);
  void finish();
  void end(bool keep);
  void push_refusal();
  void skip_request();
  void blame(const error& why);
  void record();
  void rearm();
  [[nodiscard]] std::chrono::milliseconds answer_limit() const;
  void on_limit();
  [[nodiscard]] bool replayable() const noexcept;
  [[nodiscard]] bool gives_up_request() const noexcept;
  [[nodiscard]] bool waits_for_request() const noexcept;

  // -- relay.cpp: bytes ------------------------------------------------------
  void wait_for_client();
  void push_request();
  [[nodiscard]] bool take_request_piece();
  void request_write_failed();
  void read_answer();
  void read_answer_head();
  void interim_answer();
  void begin_answer();
  [[nodiscard]] bool replaced_by_cause();
  void compose_answer(const std::string* whole = nullptr);
  [[nodiscard]] bool take_answer_piece();
  void push_answer();
  void answer_ended();
  void answer_broke(bool in_order);
  void answer_cut_short();
  void forget_answer();
  [[nodiscard]] bool retry_on_fresh();

  // -- adapted.cpp: what the application's adapter asks for -----------------
  void ask();
  void on_told(const result<traffic::small_answer>& told);
  void answer_here();
  [[nodiscard]] bool gathers_request() const noexcept;
  void gather();
  void gathered();
  [[nodiscard]] bool consult();
  void collect();
  void collected();
  void end_follower(const error& why);

  // -- replicated.cpp: resources on several sites ---------------------------
  [[nodiscard]] std::string_view seen_target() const noexcept;
  void refuse_change(error why, unsigned status = 0);
  [[nodiscard]] bool awaits_creates(traffic::clock::time_point now);
  void replicate();
  [[nodiscard]] error too_large() const;
  void gather_change();
  void start_gathering();
  void release_gathered();
  void take_in_change();
  void taken_in(replicant::taken taken);
  [[nodiscard]] bool some_are_cut_off() const noexcept;
  [[nodiscard]] bool is_alone(const std::vector<site_id>& sites) const noexcept;
  [[nodiscard]] std::vector<site_id>
  voters_of(const std::vector<site_id>& sites) const;
  void refuse_alone();
  void describe_first();
  void on_described(result<std::optional<ports::replicant_view>> told);
  void check_named();
  void on_named_described(result<std::optional<ports::replicant_view>> told);
  void submit_change();
  void on_changed(result<ports::write_answer> told);
  void change_took_too_long();
  void answer_whole(problem x);
  void answer_of_application(const ports::application_answer& x);
  void answer_accepted(const ports::write_answer& x);
  void answer_open(const ports::write_answer& x);
  void read_strictly();
  void ask_strict_read();
  void on_read_granted(result<replicant::read_answer> told);
  void look_at_operation();
  void on_looked(result<std::optional<ports::operation_view>> told);

  // -- taking.cpp: what the body says -----------------------------------------
  void look_into_body();
  void looked_into_body();
  void keep_what_was_looked_at();
  void take_by_adapter();
  void take_step(traffic::taking::step step);
  void ask_to_take(traffic::aside what);
  void on_told_to_take(const result<traffic::small_answer>& told);
  [[nodiscard]] result<void> begin_aside(const traffic::aside& what,
                                         aside_call::done then);

  // -- replicated_backend.cpp ------------------------------------------------
  void judge_match();
  void ask_backend(std::string target,
                   void (*then)(void*, result<traffic::small_answer>));
  void on_match_told(const result<traffic::small_answer>& told);
  void answer_settled(const ports::write_answer& x);
  void on_settled_read(const result<traffic::small_answer>& told);

  // -- tunnel.cpp ------------------------------------------------------------
  void begin_tunnel();
  void tunnel_turn();
  [[nodiscard]] bool tunnel_way(stream& from, buffer& held, pump& out,
                                stream& to, std::uint64_t& sent, bool& ended);

  // -- faults.cpp: experiments -----------------------------------------------
  [[nodiscard]] const site_id& peer_of_client() const noexcept;
  void look_for_faults();
  void hear();
  void roll_loss(const site_id& peer);
  /// Whether bytes of that side, in that direction, must stay where they are.
  [[nodiscard]] bool held(bool client_side, bool inbound) const noexcept;
  /// Whether a head of that side must wait; it goes on by itself.
  [[nodiscard]] bool delays(bool client_side, bool inbound, bool& waited);
  void go_on();

  session& s_;
  worker& w_;
  const settings& with() const noexcept;
  head* in_ = nullptr; ///< The request's; its views are into `head_bytes_`.
  std::string head_bytes_;
  std::string target_;
  stage stage_ = stage::none;
  traffic::clock::time_point began_;
  std::chrono::system_clock::time_point began_at_;
  traffic::decision decision_;
  site_id claimed_; ///< Of `Cheops-From`, between sites without TLS.

  // The leg that runs.
  std::size_t candidate_ = 0; ///< The next one to try.
  bool to_peer_ = false;
  site_id leg_site_;
  ref<pool> pool_;
  ref<upstream> up_;
  bool fresh_ = false;         ///< This leg has been sent anew once.
  std::uint64_t leg_sent_ = 0; ///< Bytes of this leg's request.
  bool up_dead_ = false;       ///< Takes no more of the request.
  bool up_ended_ = false;      ///< Sends nothing more.
  bool up_broken_ = false;     ///< It did not end in order.
  bool ran_ = false;           ///< Some byte of some leg went out.

  // What the adapter asks for; all empty nearly always.
  std::unique_ptr<aside_call> aside_;
  unsigned asides_ = 0;
  std::vector<traffic::header> answer_set_;
  std::string held_head_; ///< The answer's, while its body is collected.
  std::string held_body_;

  std::unique_ptr<replicated> replicated_; ///< Nearly always null.
  std::unique_ptr<held_change> held_;      ///< Nearly always null.

  // A body that is taken in whole; all empty nearly always.
  bool looking_ = false;    ///< … for a scope in it.
  bool looked_ = false;     ///< Whatever there is of it was shown.
  bool has_body_ = false;   ///< All of it is in `held_body_`.
  std::size_t counted_ = 0; ///< Its bytes in `worker::gathered_bytes`.

  // The request's way up.
  body_reader request_;
  pump to_upstream_;
  bool keeps_body_ = false; ///< For another leg.
  bool kept_all_ = true;    ///< `kept_` is all that was taken so far.
  std::string kept_;
  std::uint64_t taken_ = 0; ///< Body bytes taken from the client.

  // The answer's way down.
  head_reader answer_head_{side::answer};
  body_reader answer_;
  pump to_client_;
  std::size_t head_at_ = 0; ///< Where the final head begins in `before`.
  framing out_ = framing::none;
  unsigned status_ = 0;
  bool answer_bytes_ = false; ///< Some byte of an answer has come.
  bool continued_ = false;    ///< A 100 was relayed.
  bool keep_client_ = true;
  bool keep_upstream_ = false;
  bool head_out_ = false;     ///< The answer may have reached the client.
  bool client_ended_ = false; ///< Of a tunnel: sends nothing more.
  std::uint64_t sent_ = 0;
  std::uint64_t sent_before_ = 0; ///< When the client was last looked for.
  errc error_code_ = errc::none;

  // Injected faults (experiments); all off nearly always.
  bool faulty_ = false;
  bool lost_in_ = false, lost_out_ = false;
  bool waited_out_ = false, waited_in_ = false, waited_request_ = false,
       waited_answer_ = false;
  std::optional<boost::asio::steady_timer> delay_;

  timeout limit_;
};

} // namespace cheops::http
