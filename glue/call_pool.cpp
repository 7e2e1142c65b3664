#include "glue/call_pool.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace cheops::glue {

struct call_pool::state {
  state(std::size_t most, std::size_t waiting)
    : threads_max(most), waiting_max(waiting) {}

  void work(std::unique_lock<std::mutex>& lock) {
    while (!stopping) {
      if (queue.empty()) {
        ++idle;
        auto woken = wake.wait_for(lock, thread_rest,
                                   [&] { return stopping || !queue.empty(); });
        --idle;
        if (!woken)
          return;
        continue;
      }
      auto what = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      what();
      what = nullptr; // What it holds goes outside the lock.
      lock.lock();
    }
  }

  const std::size_t threads_max;
  const std::size_t waiting_max;
  std::mutex guard; ///< Of what follows.
  std::condition_variable wake;
  std::condition_variable ended;
  std::deque<std::function<void()>> queue;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool stopping = false;
};

call_pool::call_pool(std::size_t threads_max, std::size_t waiting_max)
  : state_(std::make_shared<state>(threads_max, waiting_max)) {}

call_pool::~call_pool() {
  decltype(state_->queue) dropped;
  std::unique_lock lock{state_->guard};
  state_->stopping = true;
  dropped.swap(state_->queue);
  state_->wake.notify_all();
  state_->ended.wait_for(lock, stop_patience,
                         [&] { return state_->threads == 0; });
}

bool call_pool::run(std::function<void()> what) {
  auto& s = *state_;
  std::unique_lock lock{s.guard};
  if (s.stopping || s.queue.size() >= s.waiting_max)
    return false;
  if (s.idle <= s.queue.size() && s.threads < s.threads_max) {
    try {
      std::thread{[mine = state_] {
        std::unique_lock own{mine->guard};
        mine->work(own);
        --mine->threads;
        mine->ended.notify_all();
      }}.detach();
      ++s.threads;
    } catch (const std::system_error&) {
      if (s.threads == 0)
        return false; // Nobody would ever run it.
    }
  }
  s.queue.push_back(std::move(what));
  s.wake.notify_one();
  return true;
}

} // namespace cheops::glue
