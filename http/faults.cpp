// Injected faults (experiments): what a network between two sites may do to
// the exchanges between them.
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

namespace cheops::http {

namespace {

const site_id nobody;

} // namespace

const site_id& exchange::peer_of_client() const noexcept {
  if (!s_.is_peer_front())
    return nobody;
  return s_.certified().empty() ? claimed_ : s_.certified();
}

void exchange::look_for_faults() {
  faulty_ = !w_.faults.empty();
  lost_in_ = lost_out_ = false;
  waited_out_ = waited_in_ = waited_request_ = waited_answer_ = false;
  if (!faulty_ || !s_.is_peer_front())
    return;
  if (s_.certified().empty())
    claimed_.value.assign(in_->get("Cheops-From"));
  roll_loss(peer_of_client());
}

void exchange::roll_loss(const site_id& peer) {
  if (const auto* f = w_.faults_of(peer)) {
    lost_in_ = w_.lost(f->in.loss);
    lost_out_ = w_.lost(f->out.loss);
  }
}

/// A request that is lost, or late, is one that nobody has read yet.
void exchange::hear() {
  if (faulty_ && (held(true, true) || delays(true, true, waited_request_)))
    stage_ = stage::delayed;
  else
    decide(began_);
}

bool exchange::held(bool client_side, bool inbound) const noexcept {
  if (!faulty_ || (!client_side && !to_peer_))
    return false;
  const auto* f = w_.faults_of(client_side ? peer_of_client() : leg_site_);
  if (f == nullptr)
    return false;
  return inbound ? lost_in_ || f->in.cut : lost_out_ || f->out.cut;
}

bool exchange::delays(bool client_side, bool inbound, bool& waited) {
  if (waited || (!client_side && !to_peer_))
    return false;
  const auto* f = w_.faults_of(client_side ? peer_of_client() : leg_site_);
  if (f == nullptr)
    return false;
  auto delay = inbound ? f->in.delay : f->out.delay;
  if (delay.count() <= 0)
    return false;
  if (!delay_)
    delay_.emplace(w_.io);
  delay_->expires_after(delay);
  delay_->async_wait([this, hold = ref<session>(&s_),
                      &waited](const boost::system::error_code& ec) {
    if (ec || !runs())
      return;
    waited = true;
    go_on();
  });
  return true;
}

void exchange::go_on() {
  switch (stage_) {
  case stage::delayed:
    hear();
    break;
  case stage::aside:
    aside_->on_faults();
    break;
  case stage::gathering:
    gather();
    break;
  case stage::collecting:
    collect();
    break;
  case stage::asking:
    push_request();
    if (stage_ == stage::asking && up_) {
      if (!up_->in.empty())
        read_answer_head();
      if (stage_ == stage::asking && up_)
        up_->wait_readable();
    }
    break;
  case stage::answering:
    push_answer();
    break;
  case stage::refusing:
    push_refusal();
    break;
  case stage::tunnel:
    tunnel_turn();
    break;
  default:
    break;
  }
}

void exchange::on_faults() {
  if (!runs())
    return;
  ref<session> hold{&s_};
  faulty_ = !w_.faults.empty();
  if (!faulty_) {
    lost_in_ = lost_out_ = false;
    delay_.reset();
  }
  go_on();
  if (runs())
    s_.wait_readable();
  if (runs() && up_)
    up_->wait_readable();
}

void exchange::on_peer_down(const site_id& peer) {
  if (!runs())
    return;
  ref<session> hold{&s_};
  if (peer_of_client() == peer) {
    s_.close(true);
    return;
  }
  if (stage_ == stage::aside) {
    if (aside_ && aside_->site() == peer)
      aside_->on_peer_down(); // Who asked knows how to go on.
    return;
  }
  if (!to_peer_ || leg_site_ != peer || stage_ == stage::refusing
      || stage_ == stage::gathering)
    return;
  if (stage_ == stage::tunnel || stage_ == stage::answered) {
    s_.close(true);
    return;
  }
  leg_failed(leg_sent_ == 0 ? traffic::failure::not_sent
                            : traffic::failure::no_answer,
             0,
             {errc::unreachable, "the link to the site was lost", peer.value,
              "wait for the answer",
              leg_sent_ == 0 ? "" : "the request may have been run there"},
             refusal::peer_unreachable);
}

} // namespace cheops::http
