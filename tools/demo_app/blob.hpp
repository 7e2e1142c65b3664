#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

/// Large bodies of known content.
namespace demo {

/// Writes `count` bytes of the pattern as from offset `at`.
inline void blob_pattern(std::uint64_t at, char* to, std::size_t count) {
  // 251 is prime: a piece that is lost or doubled shifts what follows it.
  auto next = at % 251;
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = static_cast<char>(next);
    next = next == 250 ? 0 : next + 1;
  }
}

/// FNV-1a, 64 bits.
inline constexpr std::uint64_t blob_checksum_start = 0xcbf29ce484222325;

inline std::uint64_t blob_checksum(std::uint64_t sum, std::string_view piece) {
  for (auto c : piece)
    sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

inline std::string hex(std::uint64_t x) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(x));
  return text;
}

} // namespace demo
