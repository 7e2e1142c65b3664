// The bytes of an exchange: the request's way up, the answer's way down.
#include "cheops/text.hpp"
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

#include <cassert>
#include <charconv>
#include <utility>

namespace cheops::http {

namespace {

/// Reads of one wake-up, so that one fast stream starves nobody.
constexpr int reads_max = 16;

void append_chunk_size(std::string& to, std::size_t n) {
  char digits[16];
  auto end = std::to_chars(digits, digits + sizeof digits, n, 16).ptr;
  to.append(digits, end).append("\r\n");
}

/// A site's name in `Cheops-Sites`.
std::string token_or_quoted(const std::string& x) {
  return is_token(x) ? x : "\"" + x + "\"";
}

} // namespace

// -- the request -------------------------------------------------------------

/// The client waits for a 100 that will not come: its body will not either.
bool exchange::gives_up_request() const noexcept {
  return in_->expects_continue && !continued_ && taken_ == 0
         && in_->version == 11;
}

void exchange::on_client_readable() {
  if (stage_ == stage::tunnel) {
    tunnel_turn();
    return;
  }
  if (stage_ == stage::refusing || held(true, true))
    return;
  if (s_.ended()) {
    s_.close(); // It was waiting for its answer, and waits no more.
    return;
  }
  // Behind the request there is nothing to read yet; but to see that the
  // client has gone, a little of the next one is taken.
  auto most = request_.done() ? buffer::small
                              : std::size_t{with().config->bounds.buffer_bytes};
  auto room = s_.in.room(most);
  if (room.empty()) {
    if (s_.io.gone()) {
      s_.close();
      return;
    }
    w_.counts.hit(bound::buffer_bytes);
    s_.wait_gone();
    return;
  }
  auto r = s_.io.try_read(room);
  if (r.what == io::closed || r.what == io::failed) {
    auto whole =
      request_.done() || (stage_ != stage::gathering && !s_.in.empty());
    if (r.what == io::failed || !whole || !s_.client_ended())
      s_.close();
    return;
  }
  s_.in.commit(r.bytes);
  if (r.bytes > 0 && stage_ == stage::gathering)
    gather();
  else if (r.bytes > 0 && !request_.done())
    push_request();
  if (runs())
    s_.wait_readable();
}

/// One that has left looks as one that has only ended its sending, until it is
/// sent something: its system refuses what nobody reads any more. An interim
/// answer disturbs nobody; within an answer, and for HTTP/1.0, there is none.
void exchange::on_client_silent() {
  constexpr std::chrono::milliseconds between_questions{5000};
  constexpr std::chrono::milliseconds stillness_max{1000};
  if (!to_client_.empty()) {
    // It takes nothing now; `timeouts.idle` is for that.
    s_.look_again(stillness_max);
  } else if (stage_ < stage::answering && in_->version == 11) {
    to_client_.before = "HTTP/1.1 102 Processing\r\n\r\n";
    if (to_client_.flush(s_.io, s_.in, sent_) == io::again)
      s_.wait_writable();
    s_.look_again(between_questions);
  } else if (std::exchange(sent_before_, sent_) != sent_) {
    s_.look_again(stillness_max);
  } else {
    s_.close();
  }
}

/// For more of its request; without it, to see that it has gone.
void exchange::wait_for_client() {
  if (s_.ended() && !request_.done() && s_.in.empty())
    s_.close(); // The rest will not come.
  else
    s_.wait_readable();
}

void exchange::push_request() {
  if (!up_ || up_dead_ || held(false, false))
    return;
  if (faulty_ && leg_sent_ == 0 && delays(false, false, waited_out_))
    return;
  for (;;) {
    if (to_upstream_.takes_piece() && !take_request_piece())
      return;
    if (to_upstream_.empty())
      break;
    auto sent = to_upstream_.flush(up_->io, s_.in, leg_sent_);
    ran_ |= leg_sent_ > 0;
    if (sent == io::again) {
      up_->wait_writable();
      rearm();
      return;
    }
    if (sent != io::done) {
      request_write_failed();
      return;
    }
  }
  if (request_.done() && stage_ == stage::answered) {
    finish();
    return;
  }
  rearm();
  if (!request_.done())
    wait_for_client();
}

bool exchange::take_request_piece() {
  if (request_.done() || s_.in.empty())
    return true;
  auto step = request_.scan(s_.in.data(), s_.in.size());
  if (step.bad) {
    const auto& why = request_.why();
    drop_upstream();
    refuse({errc::bad_request, std::string{why.what}, w_.site().value,
            "read the body", ""},
           why.why, why.status);
    return false;
  }
  taken_ += step.pass;
  std::string trailers;
  if (request_.done())
    trailers = request_.take_trailers();
  if (keeps_body_ && kept_all_) {
    auto most = with().config->bounds.retry_body_bytes;
    kept_all_ = taken_ + trailers.size() <= most;
    if (kept_all_) {
      kept_.append(s_.in.data(), step.pass).append(trailers);
    } else {
      kept_.clear();
      w_.counts.hit(bound::retry_body_bytes);
    }
  }
  to_upstream_.piece(step.pass, step.drop, s_.in);
  to_upstream_.after = std::move(trailers);
  to_upstream_.after_sent = 0;
  return true;
}

void exchange::request_write_failed() {
  if (stage_ == stage::asking && retry_on_fresh())
    return;
  // It may have answered before it stopped listening: its end will tell.
  up_dead_ = true;
  to_upstream_.discard(s_.in);
  if (stage_ == stage::answered) {
    end(false);
    return;
  }
  up_->wait_readable();
  rearm();
}

void exchange::on_upstream_writable() {
  ref<session> hold{&s_};
  if (stage_ == stage::tunnel)
    tunnel_turn();
  else
    push_request();
}

// -- the answer --------------------------------------------------------------

void exchange::on_upstream_readable() {
  ref<session> hold{&s_};
  if (stage_ == stage::tunnel)
    tunnel_turn();
  else
    read_answer();
}

void exchange::read_answer() {
  const auto& bounds = with().config->bounds;
  for (int turn = 0; turn < reads_max; ++turn) {
    if (held(false, true))
      return;
    auto most = stage_ == stage::asking ? bounds.header_bytes + std::size_t{1}
                                        : std::size_t{bounds.buffer_bytes};
    auto room = up_->in.room(most);
    if (room.empty()) {
      // The client is slow; `push_answer` goes on when it is not.
      w_.counts.hit(bound::buffer_bytes);
      return;
    }
    auto r = up_->io.try_read(room);
    if (r.what == io::again)
      break;
    if (r.what != io::done) {
      answer_broke(r.what == io::closed);
      return;
    }
    up_->in.commit(r.bytes);
    answer_bytes_ = true;
    auto* same = up_.get();
    if (stage_ == stage::asking)
      read_answer_head();
    else if (stage_ == stage::collecting)
      collect();
    else
      push_answer();
    if (up_.get() != same || !runs())
      return;
    if (r.bytes < room.size())
      break;
  }
  up_->wait_readable();
}

void exchange::read_answer_head() {
  if (faulty_ && delays(false, true, waited_in_))
    return;
  while (stage_ == stage::asking && up_ && !up_->in.empty()) {
    auto got = answer_head_.read(up_->in.view(), with().config->bounds);
    if (got == head_reader::outcome::more)
      return;
    const auto& h = answer_head_.got();
    if (got == head_reader::outcome::refused || h.status == 101) {
      if (got == head_reader::outcome::complete && passes_upgrade(*in_)
          && request_.done() && to_upstream_.empty()) {
        begin_tunnel();
        return;
      }
      auto what = got == head_reader::outcome::refused
                    ? "the answer breaks HTTP's rules: "
                        + std::string{answer_head_.why().what}
                    : "the answer switches to a protocol nobody asked for";
      leg_failed(
        traffic::failure::no_answer, 0,
        {errc::broken, std::move(what), leg_site_.value, "read the answer", ""},
        refusal::upstream_broken);
      return;
    }
    if (h.status < 200)
      interim_answer();
    else
      begin_answer();
  }
}

/// A 1xx is passed on at once, but not to a client of HTTP/1.0.
void exchange::interim_answer() {
  const auto& h = answer_head_.got();
  if (in_->version == 11
      && to_client_.before.size() < with().config->bounds.buffer_bytes) {
    continued_ |= h.status == 100;
    answer_additions with_what;
    with_what.keeps_ours = to_peer_;
    write_answer(to_client_.before, h, with_what);
    up_->in.consume(h.bytes.size());
    answer_head_.reset();
    if (to_client_.flush(s_.io, up_->in, sent_) == io::again)
      s_.wait_writable();
    return;
  }
  up_->in.consume(h.bytes.size());
  answer_head_.reset();
}

void exchange::begin_answer() {
  const auto& h = answer_head_.got();
  auto run = h.get("Cheops-Run");
  auto how = to_peer_ && run == "none" ? traffic::failure::node_refused
                                       : traffic::failure::status;
  if (may_move_on(how, h.status)) {
    auto why = refusal::upstream_broken;
    leg_failed(how, h.status, {}, why);
    return;
  }
  if (h.status >= decision_.cause_from && replaced_by_cause())
    return;
  if (auto slug = h.get("Cheops-Error"); to_peer_ && !slug.empty()) {
    error_code_ = from_slug(slug);
    auto reason = h.get("Cheops-Reason");
    auto site = h.get("Cheops-Site");
    blame({error_code_ == errc::none ? errc::broken : error_code_,
           reason.empty() ? "refused the call: " + std::string{slug}
                          : std::string{reason},
           site.empty() ? leg_site_.value : std::string{site},
           "call " + decision_.service->name.value, ""});
  }
  status_ = h.status;
  answer_set_.clear();
  if (decision_.follow && !consult())
    return;
  compose_answer();
  up_->in.consume(h.bytes.size());
  stage_ = stage::answering;
  push_answer();
}

/// An inner call failed in Cheops and the service made a 5xx of its own of
/// it: the client is told the cause.
bool exchange::replaced_by_cause() {
  if (!decision_.ticket)
    return false;
  auto cause = w_.shared->traces->take_cause(decision_.ticket);
  if (!cause)
    return false;
  drop_upstream();
  refuse(*cause, refusal::peer_unreachable);
  return true;
}

/// `whole`: the body is here already, and not as it came.
void exchange::compose_answer(const std::string* whole) {
  const auto& h = answer_head_.got();
  keep_upstream_ = h.body != framing::until_close
                   && (h.version == 11 ? !h.close : h.keep_alive);
  out_ = whole != nullptr ? framing::length : h.body;
  auto old_client = in_->version == 10;
  if (out_ == framing::until_close && !old_client)
    out_ = framing::chunked;
  else if (out_ == framing::chunked && old_client)
    out_ = framing::until_close;
  if (out_ == framing::until_close || w_.draining
      || (!request_.done() && (gives_up_request() || !keep_upstream_)))
    keep_client_ = false;
  // How far the copy is that was read.
  if (decision_.copies && decision_.copies->found && !to_peer_)
    for (auto& x : replicant::fields_of(*decision_.copies->found))
      answer_set_.push_back(std::move(x));
  answer_additions with_what;
  if (whole != nullptr)
    with_what.length = whole->size();
  else
    answer_.start(h.body, h.length, old_client,
                  with().config->bounds.header_bytes);
  with_what.set = answer_set_;
  with_what.body = out_;
  with_what.keeps_ours = to_peer_;
  with_what.close = !keep_client_;
  with_what.keep_alive_1_0 = keep_client_ && old_client;
  with_what.old_client = old_client;
  std::string sites;
  if (decision_.what == traffic::verdict::run && !s_.is_peer_front()) {
    sites = token_or_quoted(leg_site_.value) + "=" + std::to_string(h.status);
    with_what.sites = sites;
  }
  head_at_ = to_client_.before.size(); // Behind what is left of a 1xx.
  write_answer(to_client_.before, h, with_what);
}

/// False: what has come is no body; the exchange goes another way.
bool exchange::take_answer_piece() {
  auto& in = up_->in;
  if (answer_.done() || in.empty())
    return true;
  auto step = answer_.scan(in.data(), in.size());
  if (step.bad) {
    answer_cut_short();
    return false;
  }
  to_client_.piece(step.pass, step.drop, in);
  to_client_.after_sent = 0;
  to_client_.after.clear();
  if (answer_.kind() == framing::until_close && out_ == framing::chunked) {
    append_chunk_size(to_client_.before, step.pass);
    to_client_.after = "\r\n";
  } else if (answer_.done() && out_ == framing::chunked) {
    to_client_.after = answer_.take_trailers();
  }
  return true;
}

void exchange::push_answer() {
  if (faulty_ && !head_out_ && delays(true, false, waited_answer_))
    return;
  while (stage_ == stage::answering) {
    if (held(true, false))
      return;
    if (to_client_.takes_piece() && !take_answer_piece())
      return;
    if (to_client_.empty()) {
      if (!up_ended_ || answer_.done())
        break;
      if (up_broken_ || answer_.kind() != framing::until_close) {
        answer_cut_short();
        return;
      }
      answer_.end();
      if (out_ == framing::chunked)
        to_client_.before = "0\r\n\r\n";
      continue;
    }
    head_out_ = true;
    auto sent = to_client_.flush(s_.io, up_->in, sent_);
    if (sent == io::again) {
      s_.wait_writable();
      rearm();
      return;
    }
    if (sent != io::done) {
      s_.close();
      return;
    }
  }
  if (answer_.done()) {
    answer_ended();
  } else {
    up_->wait_readable();
    rearm();
  }
}

void exchange::answer_ended() {
  stage_ = stage::answered;
  if (request_.done() && to_upstream_.empty()) {
    finish();
  } else if (up_dead_ || up_ended_ || !keep_upstream_ || gives_up_request()) {
    end(false);
  } else {
    up_->wait_readable();
    rearm();
  }
}

/// Its sender broke off, or sent what is no body.
void exchange::answer_cut_short() {
  refuse({errc::broken, "the answer broke off", leg_site_.value,
          "read the answer", ""},
         refusal::upstream_broken);
}

/// Of the final answer nothing has gone out: it is as if it had not come.
void exchange::forget_answer() {
  assert(!head_out_);
  if (stage_ == stage::answering)
    to_client_.take_back(head_at_);
}

void exchange::answer_broke(bool in_order) {
  up_ended_ = true;
  up_broken_ = !in_order;
  if (stage_ == stage::collecting && in_order
      && answer_.kind() == framing::until_close) {
    answer_.end();
    collected();
    return;
  }
  if (stage_ == stage::answered) {
    end(false);
    return;
  }
  if (stage_ == stage::answering) {
    // What has come goes out first: it may well be the whole.
    if (!to_client_.empty() || !up_->in.empty()
        || (in_order && answer_.kind() == framing::until_close))
      push_answer();
    else
      answer_cut_short();
    return;
  }
  if (retry_on_fresh())
    return;
  auto where = to_peer_ ? leg_site_.value
                        : "the backend of " + decision_.service->name.value;
  leg_failed(
    leg_sent_ == 0 ? traffic::failure::not_sent : traffic::failure::no_answer,
    0,
    {errc::broken,
     where + " closed the connection before it answered"
       + (up_->io.why().empty() ? "" : ": " + std::string{up_->io.why()}),
     leg_site_.value, "wait for the answer", "the request may have been run"},
    refusal::upstream_broken);
}

void exchange::on_client_writable() {
  ref<session> hold{&s_};
  switch (stage_) {
  case stage::tunnel:
    tunnel_turn();
    break;
  case stage::refusing:
    push_refusal();
    break;
  case stage::answering:
    push_answer();
    break;
  case stage::gathering: // A 100.
    if (to_client_.flush(s_.io, s_.in, sent_) == io::again)
      s_.wait_writable();
    break;
  case stage::asking: {
    auto sent = to_client_.flush(s_.io, up_->in, sent_); // A 1xx.
    if (sent == io::again)
      s_.wait_writable();
    break;
  }
  default:
    break;
  }
}

} // namespace cheops::http
