#include "http/buffer.hpp"

#include <algorithm>
#include <cstring>

namespace cheops::http {

std::span<char> buffer::room(std::size_t most) {
  auto held = size();
  if (held >= most)
    return {};
  if (capacity_ == 0) {
    capacity_ = std::min(small, most);
    data_ = std::make_unique_for_overwrite<char[]>(capacity_);
  } else if (end_ == capacity_) {
    // Full at the back: first move, and double when at least half is held.
    if (held * 2 >= capacity_ && capacity_ < most) {
      auto wider = std::min(capacity_ * 2, std::max(most, capacity_));
      auto next = std::make_unique_for_overwrite<char[]>(wider);
      std::memcpy(next.get(), data(), held);
      data_ = std::move(next);
      capacity_ = wider;
    } else if (begin_ > 0) {
      std::memmove(data_.get(), data(), held);
    }
    begin_ = 0;
    end_ = held;
  }
  return {data_.get() + end_, std::min(capacity_ - end_, most - held)};
}

void buffer::rest() noexcept {
  if (empty() && capacity_ > small) {
    data_.reset();
    capacity_ = 0;
    clear();
  }
}

} // namespace cheops::http
