#pragma once

#include <chrono>
#include <thread>

namespace cheops::scenario {

/// Asks `holds` again and again until it is true or the time is over. What is
/// waited for happens in other processes, which cannot wake this one.
template <class Condition>
[[nodiscard]] bool poll_until(std::chrono::milliseconds at_most,
                              Condition&& holds) {
  constexpr std::chrono::milliseconds pause{20};
  auto end = std::chrono::steady_clock::now() + at_most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

} // namespace cheops::scenario
