#include "http/pool.hpp"

#include "http/worker.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace cheops::http {

pool::pool(worker& on, endpoint to)
  : on_(on), to_(std::move(to)), label_(mesh::to_string(to_.at)) {}

void pool::acquire(upstream_user& user, bool fresh, bool careful) {
  while (!fresh && !idle_.empty()) {
    auto x = std::move(idle_.back());
    idle_.pop_back();
    if (careful && !x->io.looks_idle()) {
      on_.counts.pooled(label_, -1, 0);
      x->close();
      continue;
    }
    x->state_ = upstream::state::used;
    x->user_ = &user;
    x->counted_busy_ = true;
    x->limit_.disarm();
    on_.counts.pooled(label_, -1, 1);
    user.on_upstream(std::move(x));
    return;
  }
  if (open_ < on_.bounds().upstream_connections) {
    connect_for(user);
  } else if (waiting_.size() < on_.bounds().upstream_waiting) {
    on_.counts.hit(bound::upstream_connections);
    waiting_.push_back(&user);
  } else {
    user.on_no_upstream({errc::overloaded,
                         "as many requests wait for " + label_
                           + " as the limit upstream_waiting allows",
                         to_.site.value, "connect", "try again later"},
                        refusal::no_upstream_slot);
  }
}

void pool::connect_for(upstream_user& user) {
  ref<upstream> x{new upstream(on_, ref<pool>{this})};
  x->user_ = &user;
  ++open_;
  connecting_.push_back(x);
  x->connect();
}

void pool::cancel(upstream_user& user) {
  std::erase(waiting_, &user);
  auto mine = std::ranges::find(connecting_, &user,
                                [](const auto& x) { return x->user_; });
  if (mine != connecting_.end())
    ref<upstream> {
      *mine
      } -> close();
}

void pool::no_longer_connecting(upstream& x) {
  std::erase_if(connecting_, [&x](const auto& y) { return y.get() == &x; });
}

void pool::give_back(ref<upstream> x, bool reusable) {
  assert(x->state_ == upstream::state::used);
  x->user_ = nullptr;
  if (!reusable || retired_ || on_.draining || !x->io.open()) {
    x->close();
    return;
  }
  x->reused = true;
  if (!waiting_.empty()) {
    auto* next = waiting_.front();
    waiting_.pop_front();
    x->user_ = next;
    next->on_upstream(std::move(x));
    return;
  }
  if (idle_.size() >= on_.bounds().upstream_idle) {
    on_.counts.hit(bound::upstream_idle);
    x->close();
    return;
  }
  x->state_ = upstream::state::idle;
  x->in.rest();
  x->limit_.arm(on_.clock, on_.times().upstream_idle);
  x->wait_readable();
  x->counted_busy_ = false;
  on_.counts.pooled(label_, 1, -1);
  idle_.push_back(std::move(x));
}

void pool::forget(upstream& x) {
  assert(open_ > 0);
  --open_;
  no_longer_connecting(x);
  auto at = std::ranges::find(idle_, &x, &ref<upstream>::get);
  if (at != idle_.end()) {
    on_.counts.pooled(label_, -1, 0);
    idle_.erase(at);
  }
  // Not on this stack: a connection may fail at once, and so may the next.
  if (!waiting_.empty())
    boost::asio::post(on_.io,
                      [hold = ref<pool>{this}] { hold->serve_waiting(); });
}

void pool::serve_waiting() {
  while (!waiting_.empty() && !on_.stopped
         && open_ < on_.bounds().upstream_connections) {
    auto* next = waiting_.front();
    waiting_.pop_front();
    connect_for(*next);
  }
}

void pool::retire() {
  retired_ = true;
  auto resting = std::move(idle_);
  idle_.clear();
  if (!resting.empty())
    on_.counts.pooled(label_, -static_cast<int>(resting.size()), 0);
  for (auto& x : resting)
    x->close();
}

void pool::kick() {
  auto all = connecting_;
  for (auto& x : all)
    if (std::exchange(x->held_, false))
      x->connect();
}

} // namespace cheops::http
