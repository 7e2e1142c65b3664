#include "http/poller.hpp"

#include "http/stream.hpp"

#include <array>
#include <cassert>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>
#include <unistd.h>

namespace cheops::http {

namespace {

/// Handed out at a time. What is left comes with the next turn, so that
/// timers and new connections have theirs.
constexpr std::size_t events_max = 256;

} // namespace

poller::poller() : set_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (set_ < 0)
    throw std::system_error{errno, std::generic_category(), "epoll_create1"};
}

poller::~poller() {
  assert(!ready_); // `stop` has run, on the loop's thread.
  ::close(set_);
}

void poller::start(boost::asio::io_context& io) {
  // A descriptor of its own: Asio closes what it is given.
  ready_.emplace(io, ::dup(set_));
  wait();
}

void poller::stop() {
  ready_.reset();
}

bool poller::add(int socket, stream& of, std::uint32_t& slot) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  slot = free_.back();
  epoll_event what{};
  what.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  what.data.u64 =
    std::uint64_t{places_[slot].generation} << 32 | std::uint64_t{slot};
  if (::epoll_ctl(set_, EPOLL_CTL_ADD, socket, &what) != 0)
    return false;
  free_.pop_back();
  places_[slot].of = &of;
  return true;
}

void poller::remove(std::uint32_t slot) {
  // Closing the socket takes it out of the set.
  places_[slot].of = nullptr;
  ++places_[slot].generation;
  free_.push_back(slot);
}

void poller::wait() {
  ready_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& e) {
                       if (e || !ready_)
                         return;
                       hand_out();
                       if (ready_)
                         wait();
                     });
}

void poller::hand_out() {
  std::array<epoll_event, events_max> all;
  auto n = ::epoll_wait(set_, all.data(), events_max, 0);
  for (int i = 0; i < n; ++i) {
    const auto& x = all[static_cast<std::size_t>(i)];
    auto slot = static_cast<std::uint32_t>(x.data.u64);
    const auto& at = places_[slot];
    if (at.of != nullptr && at.generation == x.data.u64 >> 32)
      at.of->on_events(x.events);
  }
}

} // namespace cheops::http
