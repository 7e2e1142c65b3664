#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace cheops::http {

/// A bounded queue of bytes that lie in one piece: written behind, consumed
/// in front. It takes memory when first written to.
class buffer {
public:
  /// What it begins with, and what an idle connection may keep.
  static constexpr std::size_t small = 16 * 1024;

  [[nodiscard]] char* data() noexcept { return data_.get() + begin_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return end_ == begin_; }
  [[nodiscard]] std::string_view view() const noexcept {
    return {data_.get() + begin_, size()};
  }

  /// Room to read into. It grows by doubling, while what is held stays below
  /// `most`; empty when that many bytes are held.
  [[nodiscard]] std::span<char> room(std::size_t most);

  /// The last `room()` now holds `n` more bytes.
  void commit(std::size_t n) noexcept { end_ += n; }
  void consume(std::size_t n) noexcept {
    begin_ += n;
    if (begin_ == end_)
      begin_ = end_ = 0;
  }
  void clear() noexcept { begin_ = end_ = 0; }
  /// Gives back what is over `small`, if it is empty.
  void rest() noexcept;

private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

} // namespace cheops::http
