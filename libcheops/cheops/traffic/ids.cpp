#include "cheops/traffic/ids.hpp"

#include <algorithm>

namespace cheops::traffic {

namespace {

std::string hex(std::uint64_t x) {
  static constexpr auto digits = "0123456789abcdef";
  std::string out(16, '0');
  for (auto& c : out) {
    c = digits[x >> 60];
    x <<= 4;
  }
  return out;
}

} // namespace

id_source::id_source(std::uint64_t seed) {
  std::random_device system;
  random_.seed(seed != 0 ? seed : std::uint64_t{system()} << 32 | system());
}

std::string id_source::trace() {
  std::string out;
  do
    out = hex(random_()) + hex(random_());
  while (std::ranges::all_of(out, [](char c) { return c == '0'; }));
  return out;
}

std::string id_source::traceparent(std::string_view trace) {
  return "00-" + std::string{trace} + "-" + hex(random_() | 1) + "-01";
}

std::string id_source::uuid(std::string_view prefix) {
  auto x = hex(random_()) + hex(random_());
  x[12] = '4'; // Its version.
  x[16] = "89ab"[random_() % 4];
  std::string out{prefix};
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20)
      out += '-';
    out += x[i];
  }
  return out;
}

} // namespace cheops::traffic
