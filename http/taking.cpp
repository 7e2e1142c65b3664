// Requests whose body says more than their head: a scope, or (where the
// application's adapter makes the operation) whatever it needs to know.
#include "cheops/names.hpp"
#include "cheops/traffic/peer_fields.hpp"
#include "http/exchange.hpp"
#include "http/identity.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

#include <cassert>

namespace cheops::http {

namespace {

traffic::moment now() {
  return {traffic::clock::now(), std::chrono::system_clock::now()};
}

} // namespace

// -- a scope in the body -----------------------------------------------------

/// What is too large to be taken in, or comes without a length, goes on as it
/// comes.
void exchange::look_into_body() {
  if (in_->body != framing::length || in_->length == 0
      || in_->length > with().config->bounds.entry_bytes) {
    looked_ = true;
    held_body_.clear();
    decide(traffic::clock::now());
    return;
  }
  looking_ = true;
  start_gathering();
}

void exchange::looked_into_body() {
  looking_ = false;
  looked_ = has_body_ = true;
  decide(traffic::clock::now());
}

/// The body is here already: it goes out with the head of each leg.
void exchange::keep_what_was_looked_at() {
  kept_ = std::move(held_body_);
  release_gathered();
  keeps_body_ = kept_all_ = true;
}

// -- an operation, by the adapter --------------------------------------------

void exchange::take_by_adapter() {
  auto& change = *replicated_;
  change.taking = w_.shared->adapted->take(
    {in_->view(), seen_target(), std::move(held_body_), *decision_.copies,
     *decision_.service, peer_of_client(), change.asks, change.at,
     with().config->bounds.entry_bytes});
  held_body_ = {};
  assert(change.taking);
  take_step(change.taking->begin(w_.decider.around(*w_.mesh, now())));
}

void exchange::take_step(traffic::taking::step step) {
  if (auto* why = std::get_if<error>(&step)) {
    refuse_change(std::move(*why));
  } else if (auto* known = std::get_if<traffic::small_answer>(&step)) {
    release_gathered();
    ran_ = true; // An answer: nobody tries another site because of it.
    decision_.answer =
      std::make_unique<traffic::small_answer>(std::move(*known));
    answer_here();
  } else if (auto* unknown = std::get_if<traffic::aside>(&step)) {
    ask_to_take(std::move(*unknown));
  } else {
    release_gathered();
    taken_in(std::move(std::get<replicant::taken>(step)));
  }
}

void exchange::ask_to_take(traffic::aside what) {
  stage_ = stage::aside;
  if (++asides_ > traffic::taking_asides_max) {
    refuse_change({errc::overloaded,
                   "the change needs more than "
                     + std::to_string(traffic::taking_asides_max)
                     + " answers first",
                   "", "ask", "name fewer sites, or fewer other objects"});
    return;
  }
  if (what.site != w_.site())
    for (auto& x :
         traffic::peer_fields(*with().config, what.service, {}, {}, 0))
      what.fields.push_back(std::move(x));
  auto ok = begin_aside(what, [](void* self, auto told) {
    static_cast<exchange*>(self)->on_told_to_take(told);
  });
  if (!ok)
    on_told_to_take(ok.error());
}

void exchange::on_told_to_take(const result<traffic::small_answer>& told) {
  ref<session> hold{&s_};
  auto call = std::move(aside_); // It may be what calls.
  take_step(
    replicated_->taking->told(told, w_.decider.around(*w_.mesh, now())));
}

// -- asides ------------------------------------------------------------------

/// Errors: it could not even begin.
result<void> exchange::begin_aside(const traffic::aside& what,
                                   aside_call::done then) {
  auto unknown = [&](std::string_view why) {
    return error{errc::unreachable, std::string{why}, what.site.value, "ask",
                 ""};
  };
  ref<pool> to;
  auto limit = with().config->times.answer;
  auto asked = what;
  if (what.site == w_.site()) {
    const auto* front = with().front_of(what.service);
    if (front == nullptr)
      return unknown("this site has no front for it");
    const auto& file = front->config.to.identity.token_file;
    if (what.as_node && !file.empty()) {
      auto token = read_bearer(file);
      if (!token)
        return token.error();
      asked.fields.push_back({"Authorization", "Bearer " + *token});
    }
    to = what.as_node ? w_.node_pool(*front) : w_.backend_pool(*front);
  } else {
    auto way = w_.way_to(what.site);
    if (!way.to)
      return unknown(way.closed);
    to = std::move(way.to);
    limit = with().config->times.peer_answer;
  }
  limit_.disarm();
  aside_ =
    std::make_unique<aside_call>(w_, std::move(to), asked, limit, then, this);
  aside_->start();
  return {};
}

} // namespace cheops::http
