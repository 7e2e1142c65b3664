#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace cheops::glue {

/// Threads for what blocks: started when there is work, at most so many, gone
/// again after a rest.
class call_pool {
public:
  call_pool(std::size_t threads_max, std::size_t waiting_max);
  /// What waits is dropped; what runs has `stop_patience`, then it is left
  /// alone (it touches nothing of ours but what it holds).
  ~call_pool();
  call_pool(const call_pool&) = delete;
  call_pool& operator=(const call_pool&) = delete;

  /// False: too many wait, or we are stopping; it will not be run.
  [[nodiscard]] bool run(std::function<void()> what);

  static constexpr std::chrono::seconds stop_patience{2};
  static constexpr std::chrono::seconds thread_rest{10};

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace cheops::glue
