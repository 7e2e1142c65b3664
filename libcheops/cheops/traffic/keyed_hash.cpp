#include "cheops/traffic/keyed_hash.hpp"

#include <bit>
#include <cstddef>

namespace cheops::traffic {

namespace {

/// Up to eight bytes, the first the lowest.
std::uint64_t little_endian(std::string_view x) noexcept {
  std::uint64_t out = 0;
  for (auto i = x.size(); i > 0; --i)
    out = out << 8 | static_cast<unsigned char>(x[i - 1]);
  return out;
}

struct state {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  void take(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

} // namespace

std::uint64_t keyed_hash(std::string_view x, const hash_key& key) noexcept {
  // "somepseudorandomlygeneratedbytes", as the paper has it.
  state s{key.first ^ 0x736f6d6570736575U, key.second ^ 0x646f72616e646f6dU,
          key.first ^ 0x6c7967656e657261U, key.second ^ 0x7465646279746573U};
  auto last = static_cast<std::uint64_t>(x.size()) << 56;
  for (; x.size() >= 8; x.remove_prefix(8))
    s.take(little_endian(x.substr(0, 8)));
  s.take(last | little_endian(x));
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i)
    s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

} // namespace cheops::traffic
