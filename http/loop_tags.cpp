#include "http/loop_tags.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdlib>

namespace cheops::http {

namespace {

constexpr std::string_view opening = "(cheops ";
constexpr std::size_t tag_digits = 32;

} // namespace

std::array<unsigned char, 32> loop_tags::fresh_key() {
  std::array<unsigned char, 32> key{};
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1)
    std::abort(); // No machine of ours is without entropy.
  return key;
}

std::string loop_tags::tag(std::string_view service,
                           std::uint64_t minute) const {
  auto text = std::to_string(minute) + " ";
  text += service;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest,
       &size);
  static constexpr auto digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < tag_digits / 2; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

std::string loop_tags::line(std::string_view service,
                            std::uint64_t minute) const {
  return "Via: 1.1 " + via_name_ + " " + std::string{opening}
         + tag(service, minute) + ")\r\n";
}

bool loop_tags::came_back(const head& in, std::string_view service,
                          std::uint64_t minute) const {
  std::array<std::string, minutes_live> live;
  for (std::uint64_t i = 0; i < minutes_live; ++i)
    live[i] = tag(service, minute - i);
  for (std::size_t i = 0; i < in.fields.size(); ++i) {
    if (in.ids[i] != known::via)
      continue;
    auto rest = in.fields[i].value;
    for (;;) {
      auto at = rest.find(opening);
      if (at == rest.npos)
        break;
      rest.remove_prefix(at + opening.size());
      if (rest.size() <= tag_digits || rest[tag_digits] != ')')
        continue;
      for (const auto& x : live)
        if (CRYPTO_memcmp(x.data(), rest.data(), tag_digits) == 0)
          return true;
    }
  }
  return false;
}

std::string loop_tags::path_of(const head& in) {
  constexpr std::size_t path_bytes_max = 512;
  std::string out;
  for (std::size_t i = 0; i < in.fields.size(); ++i) {
    if (in.ids[i] != known::via)
      continue;
    for_each_member(in.fields[i].value, [&out](std::string_view x) {
      // received-protocol SP received-by [ SP comment ]
      auto from = x.find(' ');
      if (from == x.npos || out.size() > path_bytes_max)
        return;
      auto name = x.substr(from + 1, x.find(' ', from + 1) - from - 1);
      out += (out.empty() ? "" : " > ") + std::string{name.substr(0, 64)};
    });
  }
  return out;
}

} // namespace cheops::http
