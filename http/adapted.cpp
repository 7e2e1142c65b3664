// What the application's adapter asks for: questions of the node's own,
// answers without a leg, and a look at small answers.
#include "cheops/names.hpp"
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

#include <cassert>

namespace cheops::http {

namespace {

traffic::moment now() {
  return {traffic::clock::now(), std::chrono::system_clock::now()};
}

} // namespace

// -- asides ------------------------------------------------------------------

void exchange::ask() {
  assert(decision_.ask);
  stage_ = stage::aside;
  const auto& what = *decision_.ask;
  if (++asides_ > traffic::asides_max) {
    refuse({errc::overloaded, "the request needs too many answers first",
            w_.site().value, "ask", "try again later"},
           refusal::no_upstream_slot);
    return;
  }
  auto ok = begin_aside(what, [](void* self, auto told) {
    static_cast<exchange*>(self)->on_told(told);
  });
  if (!ok)
    on_told(ok.error());
}

void exchange::on_told(const result<traffic::small_answer>& told) {
  ref<session> hold{&s_};
  auto asked = std::move(decision_.ask);
  auto call = std::move(aside_); // It may be what calls.
  auto when = now();
  w_.decider.learn(*asked, told, *w_.mesh, when);
  decide(when.steady);
}

void exchange::answer_here() {
  const auto& what = *decision_.answer;
  problem answer;
  answer.status = status_ = what.status;
  answer.body = what.body;
  for (const auto& x : what.fields)
    if (same_name(x.name, "Content-Type"))
      answer.type = x.value;
    else
      answer.fields.emplace_back(x.name, x.value);
  skip_request();
  keep_client_ = keep_client_ && request_.done() && !w_.draining;
  write_problem(to_client_.before, answer, in_->method == "HEAD", !keep_client_,
                keep_client_ && in_->version == 10);
  stage_ = stage::refusing;
  push_refusal();
}

// -- the request -------------------------------------------------------------

/// Who waits for a 100 has nothing small to send.
bool exchange::gathers_request() const noexcept {
  return decision_.follow && decision_.follow->wants_request()
         && in_->body != framing::none && !in_->expects_continue;
}

void exchange::gather() {
  while (!request_.done() && !s_.in.empty()) {
    auto step = request_.scan(s_.in.data(), s_.in.size());
    if (step.bad) {
      const auto& why = request_.why();
      refuse({errc::bad_request, std::string{why.what}, w_.site().value,
              "read the body", ""},
             why.why, why.status);
      return;
    }
    auto whole = replicated_ || looking_;
    if (whole
        && held_body_.size() + step.pass > with().config->bounds.entry_bytes) {
      refuse_change(too_large());
      return;
    }
    if (!whole
        && held_body_.size() + step.pass
             > traffic::followed_request_bytes_max) {
      refuse({errc::too_large, "a request that must be read is over 128 KiB",
              w_.site().value, "read the body", ""},
             refusal::not_allowed);
      return;
    }
    if (whole) {
      if (w_.gathered_bytes + step.pass > gathered_bytes_max) {
        refuse_change({errc::overloaded,
                       "too many bodies of changes are being taken in", "",
                       "read the body", "try again later"});
        return;
      }
      w_.gathered_bytes += step.pass;
      counted_ += step.pass;
    }
    taken_ += step.pass;
    held_body_.append(s_.in.data(), step.pass);
    s_.in.consume(step.pass + step.drop);
  }
  if (request_.done()) {
    gathered();
    return;
  }
  rearm();
  wait_for_client();
}

/// The whole of it goes out with the head of each leg.
void exchange::gathered() {
  if (looking_) {
    looked_into_body();
    return;
  }
  if (replicated_) {
    take_in_change();
    return;
  }
  auto made = decision_.follow->on_request(held_body_, now());
  if (!made) {
    refuse(made.error(), refusal::not_allowed);
    return;
  }
  kept_ = *made ? std::move(**made) : std::move(held_body_);
  held_body_ = {};
  keeps_body_ = kept_all_ = true;
  for (auto* leg : {&decision_.for_local, &decision_.for_peer}) {
    leg->set.push_back({"Content-Length", std::to_string(kept_.size())});
    leg->drop.emplace_back("Transfer-Encoding");
  }
  next_leg();
}

// -- the answer of a leg -----------------------------------------------------

/// False: the answer is not to go on, or not yet.
bool exchange::consult() {
  const auto& h = answer_head_.got();
  auto wish = decision_.follow->on_head(h.status, h.fields, !to_peer_, now());
  if (!wish) {
    end_follower(wish.error());
    return false;
  }
  answer_set_ = std::move(wish->set);
  if (!wish->body || h.body == framing::none)
    return true;
  auto coding = h.get("Content-Encoding");
  auto plain = coding.empty() || same_name(coding, "identity");
  auto fits =
    h.body != framing::length || h.length <= traffic::followed_body_bytes_max;
  if (plain && fits) {
    held_head_.assign(h.bytes);
    up_->in.consume(held_head_.size());
    answer_head_.got().rebase(held_head_.data());
    held_body_.clear();
    answer_.start(h.body, h.length, true, with().config->bounds.header_bytes);
    stage_ = stage::collecting;
    rearm();
    collect();
    return false;
  }
  if (!wish->needed)
    return true;
  end_follower({plain ? errc::too_large : errc::broken,
                plain ? "an answer that must be read is over 1 MiB"
                      : "an answer that must be read came coded",
                leg_site_.value, "read the answer", ""});
  return false;
}

void exchange::collect() {
  auto& in = up_->in;
  while (!answer_.done() && !in.empty()) {
    auto step = answer_.scan(in.data(), in.size());
    if (step.bad) {
      answer_broke(false);
      return;
    }
    if (held_body_.size() + step.pass > traffic::followed_body_bytes_max) {
      end_follower({errc::too_large,
                    "an answer that is to be read is over 1 MiB",
                    leg_site_.value, "read the answer", ""});
      return;
    }
    held_body_.append(in.data(), step.pass);
    in.consume(step.pass + step.drop);
  }
  if (answer_.done())
    collected();
  else
    up_->wait_readable();
}

void exchange::collected() {
  auto made = decision_.follow->on_body(held_body_, now());
  if (!made) {
    end_follower(made.error());
    return;
  }
  if (*made)
    held_body_ = std::move(**made);
  compose_answer(&held_body_);
  to_client_.before += held_body_;
  held_body_ = {};
  stage_ = stage::answering;
  push_answer();
}

/// The answer does not pass: an error of ours goes instead.
void exchange::end_follower(const error& why) {
  drop_upstream();
  auto status = why.code == errc::too_large ? 502U : 0U;
  refuse(why, refusal::not_allowed, status);
}

} // namespace cheops::http
