#include "cheops/wire/codec.hpp"

namespace cheops::wire {

void writer::fixed(std::uint64_t x, int bytes) {
  for (auto shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out_.push_back(static_cast<char>((x >> shift) & 0xff));
}

void writer::varint(std::uint64_t x) {
  while (x >= 0x80) {
    out_.push_back(static_cast<char>((x & 0x7f) | 0x80));
    x >>= 7;
  }
  out_.push_back(static_cast<char>(x));
}

void writer::text(std::string_view x) {
  varint(x.size());
  out_.append(x);
}

void reader::fail() noexcept {
  ok_ = false;
  rest_ = {};
}

std::uint64_t reader::fixed(std::size_t bytes) noexcept {
  if (rest_.size() < bytes) {
    fail();
    return 0;
  }
  std::uint64_t x = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    x = (x << 8) | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(bytes);
  return x;
}

std::uint64_t reader::varint() noexcept {
  std::uint64_t x = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    auto byte = u8();
    if (!ok_)
      return 0;
    // The tenth byte holds one bit; a last byte of zero is a longer form of
    // a shorter number, which would give one value two encodings.
    if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0)) {
      fail();
      return 0;
    }
    x |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0)
      return x;
  }
  fail();
  return 0;
}

std::size_t reader::count(std::size_t max) noexcept {
  auto n = varint();
  if (n > max || n > rest_.size()) {
    fail();
    return 0;
  }
  return static_cast<std::size_t>(n);
}

std::string_view reader::text(std::size_t max) noexcept {
  auto n = varint();
  if (!ok_ || n > max || n > rest_.size()) {
    fail();
    return {};
  }
  auto x = rest_.substr(0, static_cast<std::size_t>(n));
  rest_.remove_prefix(x.size());
  return x;
}

} // namespace cheops::wire
