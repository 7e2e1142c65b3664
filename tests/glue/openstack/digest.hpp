#pragma once

#include "glue/adapters.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// Stands for the keyed digest of a process: each bit of the text and of the
/// key counts, and nobody attacks a test.
inline cheops::glue::keyed_digest fake_digest(std::uint64_t key) {
  return [key](std::string_view text) {
    std::string out;
    for (std::uint64_t part = 0; part < 4; ++part) {
      auto h = 0xcbf29ce484222325ULL ^ (key * 31 + part);
      for (unsigned char c : text)
        h = (h ^ c) * 0x100000001b3ULL;
      h ^= h >> 29;
      h *= 0x9e3779b97f4a7c15ULL;
      for (int i = 0; i < 8; ++i)
        out += static_cast<char>(h >> (8 * i));
    }
    return out;
  };
}
