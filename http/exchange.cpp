#include "http/exchange.hpp"

#include "cheops/names.hpp"
#include "http/session.hpp"
#include "http/text.hpp"
#include "http/worker.hpp"

#include <algorithm>
#include <cassert>

namespace cheops::http {

namespace {

/// What each text of an idle connection may keep.
constexpr std::size_t rest_bytes_max = 4096;

bool is_safe(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "OPTIONS"
         || method == "TRACE";
}

constexpr std::size_t reason_bytes_max = 1024;

bool is_idempotent(std::string_view method) noexcept {
  return is_safe(method) || method == "PUT" || method == "DELETE";
}

refusal refusal_of(errc code) noexcept {
  switch (code) {
  case errc::loop:
    return refusal::hops;
  case errc::forbidden:
    return refusal::not_allowed;
  case errc::not_built:
    return refusal::not_built;
  case errc::overloaded:
    return refusal::correlations_full;
  case errc::unreachable:
    return refusal::peer_unreachable;
  case errc::bad_request:
    return refusal::bad_syntax;
  default:
    return refusal::bad_scope;
  }
}

} // namespace

exchange::exchange(session& of)
  : s_(of),
    w_(of.on()),
    limit_([](void* self) { static_cast<exchange*>(self)->on_limit(); }, this) {
}

exchange::~exchange() = default;

const settings& exchange::with() const noexcept {
  return s_.with();
}

// -- start -------------------------------------------------------------------

void exchange::start(head& request, std::size_t skipped) {
  assert(stage_ == stage::none);
  head_bytes_.assign(request.bytes);
  request.rebase(head_bytes_.data());
  s_.in.consume(skipped + head_bytes_.size());
  in_ = &request;
  began_ = traffic::clock::now();
  if (w_.log != nullptr)
    began_at_ = std::chrono::system_clock::now();
  candidate_ = asides_ = 0;
  leg_site_ = w_.site();
  to_peer_ = fresh_ = ran_ = false;
  kept_.clear();
  kept_all_ = true;
  looking_ = looked_ = has_body_ = false;
  keeps_body_ = head_out_ = continued_ = false;
  taken_ = sent_ = leg_sent_ = 0;
  sent_before_ = ~std::uint64_t{0}; // The first look sees something move.
  status_ = 0;
  error_code_ = errc::none;
  keep_client_ = request.version == 11 ? !request.close : request.keep_alive;
  request_.start(in_->body, in_->length, false,
                 with().config->bounds.header_bytes);
  if (!route())
    return;
  look_for_faults();
  hear();
}

void exchange::decide(traffic::clock::time_point now) {
  stage_ = stage::connecting;
  if (s_.is_peer_front() && s_.certified().empty()) {
    claimed_.value.assign(in_->get("Cheops-From"));
    if (claimed_.empty()) {
      refuse({errc::forbidden, "the peer front serves peers only",
              w_.site().value, "peer front", ""},
             refusal::not_allowed);
      return;
    }
  }
  std::chrono::system_clock::time_point wall;
  if (w_.shared->adapted)
    wall = std::chrono::system_clock::now();
  std::optional<std::string_view> body;
  if (looked_)
    body = held_body_;
  decision_ =
    w_.decider.decide(in_->view(), caller_of(), *w_.mesh, now, wall, body);
  if (decision_.plans_full)
    w_.counts.hit(bound::plans);
  if (awaits_creates(now))
    return;
  switch (decision_.what) {
  case traffic::verdict::refuse: {
    auto counted = refusal_of(decision_.refusal.code);
    refuse(decision_.refusal, counted);
    return;
  }
  case traffic::verdict::answer:
    answer_here();
    return;
  case traffic::verdict::ask:
    ask();
    return;
  case traffic::verdict::replicate:
    replicate();
    return;
  case traffic::verdict::look:
    look_at_operation();
    return;
  case traffic::verdict::gather:
    look_into_body();
    return;
  default:
    break;
  }
  if (has_body_) {
    keep_what_was_looked_at();
    next_leg();
    return;
  }
  keeps_body_ = decision_.candidates.size() > 1 && in_->body != framing::none;
  if (gathers_request()) {
    request_.start(in_->body, in_->length, true,
                   with().config->bounds.header_bytes);
    held_body_.clear();
    stage_ = stage::gathering;
    gather();
    return;
  }
  next_leg();
}

// -- legs --------------------------------------------------------------------

void exchange::next_leg() {
  fresh_ = false;
  if (decision_.what == traffic::verdict::local) {
    local_leg(*s_.front());
    return;
  }
  assert(candidate_ < decision_.candidates.size());
  const auto& site = decision_.candidates[candidate_++];
  leg_site_ = site;
  if (site != w_.site()) {
    peer_leg(site);
    return;
  }
  if (const auto* front = with().front_of(decision_.service->name))
    local_leg(*front);
  else
    leg_failed(
      traffic::failure::not_sent, 0,
      {errc::unknown_service,
       "this site has no backend for service " + decision_.service->name.value,
       site.value, "route", "name a site that has one"},
      refusal::bad_scope);
}

void exchange::local_leg(const front_settings& front) {
  to_peer_ = false;
  start_leg(w_.backend_pool(front));
}

void exchange::peer_leg(const site_id& to) {
  to_peer_ = true;
  auto way = w_.way_to(to);
  if (!way.to) {
    leg_failed(traffic::failure::not_sent, 0,
               {errc::unreachable, std::string{way.closed}, to.value, "connect",
                "wait until the link is up (cheops get links), or name "
                "another site: "
                  + to.value + " || …"},
               refusal::peer_unreachable);
    return;
  }
  roll_loss(to);
  start_leg(std::move(way.to));
}

void exchange::start_leg(ref<pool> from) {
  stage_ = stage::connecting;
  pool_ = std::move(from);
  leg_sent_ = 0;
  up_dead_ = up_ended_ = up_broken_ = answer_bytes_ = false;
  answer_head_.reset();
  answer_head_.answers(in_->method == "HEAD");
  write_request_head();
  rearm();
  pool_->acquire(*this, fresh_, !is_idempotent(in_->method));
}

void exchange::write_request_head() {
  auto& out = to_upstream_.before;
  // What is kept goes out again; what is not still lies where it was.
  if (keeps_body_ && kept_all_)
    to_upstream_.discard(s_.in);
  out.clear();
  to_upstream_.before_sent = 0;
  const auto& changes = to_peer_ ? decision_.for_peer : decision_.for_local;
  request_additions with_what;
  with_what.target =
    decision_.target.empty() ? in_->target : std::string_view{decision_.target};
  if (!changes.target.empty())
    with_what.target = changes.target;
  with_what.edits = changes.set;
  with_what.drop = changes.drop;
  with_what.host = pool_->label();
  with_what.via = w_.via_line(decision_.service->name, began_);
  with_what.client = &s_.forwarded();
  with_what.set = decision_.set;
  if (to_peer_)
    with_what.set_for_peer = decision_.set_for_peer;
  write_request(out, *in_, with_what);
  if (keeps_body_)
    out += kept_;
}

void exchange::on_upstream(ref<upstream> x) {
  ref<session> hold{&s_};
  if (stage_ != stage::connecting) {
    x->from().give_back(x, true);
    return;
  }
  up_ = std::move(x);
  stage_ = stage::asking;
  // A connection at rest has its wait already.
  up_->wait_readable();
  push_request();
}

void exchange::on_no_upstream(const error& why, refusal counted) {
  ref<session> hold{&s_};
  leg_failed(traffic::failure::not_sent, 0, why, counted);
}

bool exchange::replayable() const noexcept {
  return keeps_body_ ? kept_all_ : taken_ == 0 || leg_sent_ == 0;
}

bool exchange::may_move_on(traffic::failure how, unsigned status) const {
  return decision_.what == traffic::verdict::run && !head_out_
         && candidate_ < decision_.candidates.size() && replayable()
         && traffic::may_try_next(how, status, is_safe(in_->method));
}

/// A connection that had rested may have been closed while the request was
/// on its way: then one that is fresh is used, once (RFC 9112, 9.3.1).
bool exchange::retry_on_fresh() {
  auto unharmed = leg_sent_ == 0
                  || (is_idempotent(in_->method) && in_->body == framing::none);
  if (!up_->reused || answer_bytes_ || fresh_ || !unharmed)
    return false;
  drop_upstream();
  fresh_ = true;
  start_leg(pool_);
  return true;
}

void exchange::leg_failed(traffic::failure how, unsigned status,
                          const error& why, refusal counted) {
  drop_upstream();
  if (may_move_on(how, status)) {
    w_.counts.refused(counted);
    forget_answer();
    next_leg();
    return;
  }
  refuse(why, counted);
}

void exchange::on_reload() {
  if (!up_ || !to_peer_ || stage_ == stage::refusing || up_->still_trusted())
    return;
  ref<session> hold{&s_};
  if (stage_ == stage::tunnel || stage_ == stage::answered) {
    s_.close(true);
    return;
  }
  leg_failed(traffic::failure::no_answer, 0,
             {errc::broken, "its certificate is trusted no more",
              leg_site_.value, "wait for the answer",
              "the request may have been run there"},
             refusal::bad_peer_certificate);
}

void exchange::drop_upstream() {
  if (up_) {
    auto x = std::move(up_);
    up_ = {};
    x->from().give_back(x, false);
  } else if (pool_) {
    pool_->cancel(*this);
  }
}

// -- answers of our own ------------------------------------------------------

void exchange::blame(const error& why) {
  if (decision_.blame && w_.shared->traces)
    w_.shared->traces->blame(*decision_.blame, why);
}

void exchange::refuse(const error& why, refusal counted, unsigned status) {
  w_.counts.refused(counted);
  blame(why);
  error_code_ = why.code;
  if (status == 0 && decision_.unavailable_as != 0
      && describe(why.code).status == 503)
    status = decision_.unavailable_as;
  if (head_out_) {
    // Too late for words: the client must see that it is cut off.
    s_.close(true);
    return;
  }
  forget_answer();
  drop_upstream();
  auto answer =
    status == 0 ? to_problem(why, with().app->errors, w_.site().value)
                : to_problem(status, why, with().app->errors, w_.site().value);
  status_ = answer.status;
  skip_request();
  keep_client_ = keep_client_ && request_.done() && !w_.draining;
  std::vector<traffic::header> more;
  if (replicated_)
    more = std::move(replicated_->fields);
  if (s_.is_peer_front()) {
    if (!ran_)
      more.push_back({"Cheops-Run", "none"});
    more.push_back({"Cheops-Reason", clean_field(why.what, reason_bytes_max)});
  }
  write_problem(to_client_.before, answer, in_->method == "HEAD", !keep_client_,
                keep_client_ && in_->version == 10, more);
  stage_ = stage::refusing;
  push_refusal();
}

/// A body that is here already need not cost the connection.
void exchange::skip_request() {
  to_upstream_.discard(s_.in);
  while (!request_.done() && !s_.in.empty()) {
    auto step = request_.scan(s_.in.data(), s_.in.size());
    if (step.bad)
      break;
    s_.in.consume(step.pass + step.drop);
  }
}

void exchange::push_refusal() {
  if (held(true, false))
    return;
  head_out_ = true;
  switch (to_client_.flush(s_.io, s_.in, sent_)) {
  case io::done:
    end(keep_client_);
    break;
  case io::again:
    s_.wait_writable();
    rearm();
    break;
  default:
    s_.close();
    break;
  }
}

// -- the end -----------------------------------------------------------------

/// The answer is out and the request is read: both connections go on.
void exchange::finish() {
  auto x = std::move(up_);
  up_ = {};
  auto reusable = keep_upstream_ && x->in.empty() && !up_ended_ && !up_dead_
                  && to_upstream_.empty();
  auto& pool = x->from();
  pool.give_back(std::move(x), reusable);
  end(keep_client_);
}

void exchange::end(bool keep) {
  drop_upstream();
  aside_.reset();
  if (counted_ > 0)
    release_gathered();
  replicated_.reset();
  held_.reset();
  record();
  auto whole = request_.done();
  to_upstream_.discard(s_.in);
  decision_ = {};
  pool_ = {};
  stage_ = stage::none;
  in_ = nullptr;
  limit_.disarm();
  delay_.reset();
  s_.exchange_done(keep && whole);
}

void exchange::rest() noexcept {
  for (auto* x :
       {&head_bytes_, &target_, &kept_, &held_head_, &to_upstream_.before,
        &to_upstream_.after, &to_client_.before, &to_client_.after})
    if (x->capacity() > rest_bytes_max)
      *x = std::string{};
}

void exchange::on_client_gone() {
  if (stage_ == stage::none)
    return;
  if (stage_ == stage::tunnel)
    w_.counts.tunnels(-1);
  drop_upstream();
  aside_.reset();
  if (counted_ > 0)
    release_gathered();
  replicated_.reset(); // What was asked for goes on.
  held_.reset();
  record();
  decision_ = {};
  pool_ = {};
  stage_ = stage::none;
  limit_.disarm();
  delay_.reset();
}

void exchange::record() {
  auto took = traffic::clock::now() - began_;
  const auto* service = decision_.service != nullptr ? decision_.service
                        : s_.front() != nullptr      ? s_.front()->service
                                                     : nullptr;
  auto name = service != nullptr ? std::string_view{service->name.value}
                                 : std::string_view{"peer"};
  w_.counts.exchange(name, decision_.plan, leg_site_.value, status_, took);
  w_.counts.bytes(taken_, sent_);
  if (w_.log == nullptr)
    return;
  access_record line;
  line.time = began_at_;
  line.service = name;
  line.client = s_.client();
  line.peer = peer_of_client().value;
  line.method = in_->method;
  line.target = in_->target;
  line.status = head_out_ ? status_ : 0;
  line.bytes_in = taken_;
  line.bytes_out = sent_;
  line.took = took;
  line.plan = decision_.plan;
  line.scope = decision_.scope;
  line.served_by = leg_site_.value;
  if (pool_)
    line.upstream = pool_->label();
  if (error_code_ != errc::none)
    line.error = describe(error_code_).slug;
  auto parent = in_->get("traceparent");
  if (parent.size() >= 35)
    line.trace = parent.substr(3, 32);
  w_.log->write(line);
}

// -- time --------------------------------------------------------------------

std::chrono::milliseconds exchange::answer_limit() const {
  const auto& times = with().config->times;
  auto most = to_peer_ ? times.peer_answer : times.answer;
  return std::min(most, decision_.answer_within.value_or(most));
}

/// More of the body is to come, and somebody takes it.
bool exchange::waits_for_request() const noexcept {
  return !request_.done() && !up_dead_ && !gives_up_request();
}

/// One limit runs at a time: of what is waited for now.
void exchange::rearm() {
  const auto& times = with().config->times;
  switch (stage_) {
  case stage::connecting:
    limit_.arm(w_.clock, 2 * times.connect);
    break;
  case stage::asking:
    if (waits_for_request() || !to_upstream_.empty())
      limit_.arm(w_.clock, times.idle);
    else
      limit_.arm(w_.clock, answer_limit());
    break;
  case stage::answering:
    // A watch may be silent for as long as it likes; a client that takes
    // nothing may not.
    if (to_client_.empty() && to_upstream_.empty())
      limit_.disarm();
    else
      limit_.arm(w_.clock, times.idle);
    break;
  case stage::tunnel:
    // A half that is left is no rest that may last.
    limit_.arm(w_.clock, client_ended_ || up_ended_
                           ? std::min(times.idle, times.tunnel_idle)
                           : times.tunnel_idle);
    break;
  case stage::none:
  case stage::delayed:
  case stage::aside: // It has a limit of its own.
    limit_.disarm();
    break;
  case stage::holding:
  case stage::deciding: // It has one already.
    break;
  case stage::gathering:
  case stage::collecting:
  case stage::answered:
  case stage::refusing:
    limit_.arm(w_.clock, times.idle);
    break;
  }
}

void exchange::on_limit() {
  ref<session> hold{&s_};
  auto where = to_peer_ ? leg_site_.value
                        : "the backend of " + decision_.service->name.value;
  switch (stage_) {
  case stage::connecting:
    leg_failed(traffic::failure::not_sent, 0,
               {errc::overloaded,
                "no connection to " + where + " became free in time",
                leg_site_.value, "connect", "try again later"},
               refusal::no_upstream_slot);
    break;
  case stage::asking:
    if (waits_for_request() && to_upstream_.empty()) {
      refuse({errc::timed_out, "the request's body stopped coming",
              w_.site().value, "read the request", ""},
             refusal::idle, 408);
      break;
    }
    leg_failed(
      leg_sent_ == 0 ? traffic::failure::not_sent : traffic::failure::no_answer,
      0,
      {errc::timed_out, where + " gave no answer in time", leg_site_.value,
       "wait for the answer", "the request may have been run"},
      refusal::upstream_timeout);
    break;
  case stage::gathering:
    refuse({errc::timed_out, "the request's body stopped coming",
            w_.site().value, "read the request", ""},
           refusal::idle, 408);
    break;
  case stage::holding:
    decision_ = {};
    decide(traffic::clock::now());
    break;
  case stage::deciding:
    change_took_too_long();
    break;
  case stage::collecting:
    leg_failed(traffic::failure::no_answer, 0,
               {errc::timed_out, where + " stopped in the middle of its answer",
                leg_site_.value, "wait for the answer",
                "the request may have been run"},
               refusal::upstream_timeout);
    break;
  case stage::answered:
    w_.counts.refused(refusal::idle);
    end(false);
    break;
  default:
    w_.counts.refused(refusal::idle);
    s_.close(true);
    break;
  }
}

} // namespace cheops::http
