#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What goes between sites, byte by byte; docs/formats.md has it in tables.
namespace cheops::wire {

/// Appends to a string. Fixed integers are big-endian; a varint has seven
/// bits a byte, lowest first, the top bit set on all but the last.
class writer {
public:
  void u8(std::uint8_t x) { out_.push_back(static_cast<char>(x)); }
  void u16(std::uint16_t x) { fixed(x, 2); }
  void u32(std::uint32_t x) { fixed(x, 4); }
  void u64(std::uint64_t x) { fixed(x, 8); }
  void varint(std::uint64_t x);
  /// A varint with the length, then the bytes.
  void text(std::string_view x);
  /// The bytes alone.
  void raw(std::string_view x) { out_.append(x); }

  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  void fixed(std::uint64_t x, int bytes);
  std::string out_;
};

/// Reads what a writer wrote. The first thing that does not fit makes it
/// fail for good: from then on every read gives zero or nothing, so that a
/// decoder reads all fields and checks `ok()` once.
class reader {
public:
  explicit reader(std::string_view x) noexcept : rest_(x) {}

  [[nodiscard]] std::uint8_t u8() noexcept {
    return static_cast<std::uint8_t>(fixed(1));
  }
  [[nodiscard]] std::uint16_t u16() noexcept {
    return static_cast<std::uint16_t>(fixed(2));
  }
  [[nodiscard]] std::uint32_t u32() noexcept {
    return static_cast<std::uint32_t>(fixed(4));
  }
  [[nodiscard]] std::uint64_t u64() noexcept { return fixed(8); }
  /// At most ten bytes, in the shortest form.
  [[nodiscard]] std::uint64_t varint() noexcept;
  /// A count of things that take at least one byte each, at most `max`.
  [[nodiscard]] std::size_t count(std::size_t max) noexcept;
  /// At most `max` bytes; a view into the input.
  [[nodiscard]] std::string_view text(std::size_t max) noexcept;

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

private:
  std::uint64_t fixed(std::size_t bytes) noexcept;
  void fail() noexcept;
  std::string_view rest_;
  bool ok_ = true;
};

} // namespace cheops::wire
