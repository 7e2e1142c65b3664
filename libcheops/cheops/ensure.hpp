#pragma once

#include <string_view>

namespace cheops {

/// Our own bug was found: says so and stops the process, in release builds
/// too, before anything false is stored or sent.
[[noreturn]] void broken(std::string_view what);

/// Calls `broken` unless it holds.
inline void ensure(bool holds, std::string_view what) {
  if (!holds)
    broken(what);
}

/// For simulations: `broken` calls it first, on this thread; it may throw, and
/// what was being stepped is garbage then. nullptr: nothing is called.
void on_broken(void (*handler)(std::string_view what)) noexcept;

} // namespace cheops
