#pragma once

#include <chrono>
#include <cstdint>

namespace cheops {

/// Lines of the log about what anybody may cause, as often as they like: one
/// for the first, then one in a while, with how many there were.
class seldom {
public:
  using instant = std::chrono::microseconds; ///< Of any steady clock.

  explicit seldom(instant pause) noexcept : pause_(pause) {}

  /// One more. How many there were since the last line, this one included, if
  /// a line is due now; else 0.
  [[nodiscard]] std::uint64_t count(instant now) noexcept {
    ++untold_;
    if (told_ && now < quiet_until_)
      return 0;
    told_ = true;
    quiet_until_ = now + pause_;
    auto out = untold_;
    untold_ = 0;
    return out;
  }

private:
  instant pause_;
  instant quiet_until_{};
  std::uint64_t untold_ = 0;
  bool told_ = false;
};

} // namespace cheops
