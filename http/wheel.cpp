#include "http/wheel.hpp"

#include <algorithm>
#include <cassert>

namespace cheops::http {

timeout::~timeout() {
  unlink();
}

void timeout::unlink() noexcept {
  if (link_ == nullptr)
    return;
  *link_ = next_;
  if (next_ != nullptr)
    next_->link_ = link_;
  link_ = nullptr;
  next_ = nullptr;
  --on_->linked_;
}

void timeout::arm(wheel& on, std::chrono::milliseconds after) {
  on_ = &on;
  if (!on.turning_)
    on.now_ = on.clock_ticks();
  due_ = on.now_ + static_cast<std::uint64_t>(after / wheel::tick) + 2;
  // In a slot that comes early enough it will find its new time by itself.
  if (link_ != nullptr && slot_ <= due_)
    return;
  unlink();
  on.link(*this);
}

wheel::wheel(boost::asio::io_context& io) : timer_(io), heads_(slots) {}

wheel::~wheel() {
  for (auto* head : heads_)
    while (head != nullptr) {
      auto* x = head;
      head = x->next_;
      x->link_ = nullptr;
      x->next_ = nullptr;
    }
}

std::uint64_t wheel::clock_ticks() const {
  return static_cast<std::uint64_t>(
    std::chrono::steady_clock::now().time_since_epoch() / tick);
}

void wheel::link(timeout& x) {
  x.slot_ = std::min(x.due_, now_ + slots - 1);
  auto& head = heads_[x.slot_ % slots];
  x.next_ = head;
  x.link_ = &head;
  if (head != nullptr)
    head->link_ = &x.next_;
  head = &x;
  ++linked_;
  if (!turning_ && !stopped_) {
    turning_ = true;
    wait();
  }
}

void wheel::wait() {
  timer_.expires_after(tick);
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec && !stopped_)
      turn();
  });
}

void wheel::turn() {
  auto until = clock_ticks();
  // After a pause of the process each slot is looked at once.
  if (until - now_ > slots)
    now_ = until - slots;
  while (now_ < until) {
    ++now_;
    auto*& head = heads_[now_ % slots];
    // Take the slot's entries off first: actions may arm anew.
    timeout* taken = head;
    head = nullptr;
    if (taken != nullptr)
      taken->link_ = &taken;
    while (taken != nullptr) {
      auto& x = *taken;
      x.unlink();
      if (x.due_ == timeout::never)
        continue;
      if (x.due_ > now_) {
        link(x);
        continue;
      }
      x.due_ = timeout::never;
      x.run_(x.owner_);
    }
  }
  turning_ = linked_ > 0;
  if (turning_)
    wait();
}

void wheel::stop() {
  stopped_ = true;
  turning_ = false;
  timer_.cancel();
}

} // namespace cheops::http
