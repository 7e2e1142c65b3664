#pragma once

#include "cheops/bugs.hpp"

namespace cheops {

/// The mistake that is in, on this thread.
inline thread_local bug planted_bug = bug::none;

[[nodiscard]] inline bool planted(bug x) noexcept {
  return planted_bug == x;
}

} // namespace cheops
