#include "cheops/replicant/digest.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cheops::replicant {

namespace {

using word = std::uint32_t;

/// The first 32 bits of the fractions of the cube roots of the first 64
/// primes (FIPS 180-4, 4.2.2).
constexpr std::array<word, 64> constants{
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
  0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
  0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// Of the square roots of the first eight (5.3.3).
constexpr std::array<word, 8> start{0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                    0xa54ff53a, 0x510e527f, 0x9b05688c,
                                    0x1f83d9ab, 0x5be0cd19};

constexpr std::size_t block_bytes = 64;

word big_endian(const unsigned char* p) {
  return word{p[0]} << 24 | word{p[1]} << 16 | word{p[2]} << 8 | word{p[3]};
}

/// One block into the state (6.2.2).
void take_block(std::array<word, 8>& h, const unsigned char* block) {
  std::array<word, 64> w;
  for (std::size_t t = 0; t < 16; ++t)
    w[t] = big_endian(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    auto a = w[t - 15];
    auto b = w[t - 2];
    w[t] = w[t - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3))
           + w[t - 7] + (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
  }
  auto v = h;
  for (std::size_t t = 0; t < 64; ++t) {
    auto e = v[4];
    auto a = v[0];
    auto t1 = v[7] + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25))
              + ((e & v[5]) ^ (~e & v[6])) + constants[t] + w[t];
    auto t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22))
              + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    std::rotate(v.begin(), v.end() - 1, v.end());
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (std::size_t i = 0; i < h.size(); ++i)
    h[i] += v[i];
}

} // namespace

std::array<std::uint8_t, 32> sha256(std::string_view x) {
  auto h = start;
  std::array<unsigned char, block_bytes> block;
  auto rest = x;
  for (; rest.size() >= block_bytes; rest.remove_prefix(block_bytes)) {
    std::memcpy(block.data(), rest.data(), block_bytes);
    take_block(h, block.data());
  }
  // The padding (5.1.1): a one, zeros, and the length in bits.
  block.fill(0);
  std::copy(rest.begin(), rest.end(), block.begin());
  block[rest.size()] = 0x80;
  if (rest.size() + 9 > block_bytes) {
    take_block(h, block.data());
    block.fill(0);
  }
  auto bits = static_cast<std::uint64_t>(x.size()) * 8;
  for (std::size_t i = 0; i < 8; ++i)
    block[block_bytes - 1 - i] = static_cast<unsigned char>(bits >> (8 * i));
  take_block(h, block.data());
  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(h[i / 4] >> (24 - 8 * (i % 4)));
  return out;
}

digest128 digest_of(std::string_view x) {
  auto bytes = sha256(x);
  digest128 out;
  for (std::size_t i = 0; i < 8; ++i) {
    out.high = out.high << 8 | bytes[i];
    out.low = out.low << 8 | bytes[8 + i];
  }
  return out;
}

} // namespace cheops::replicant
