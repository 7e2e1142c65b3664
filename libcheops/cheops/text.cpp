#include "cheops/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace cheops {

namespace {

/// "2026-11-24T03:42:03".
std::string date_and_time(std::chrono::system_clock::time_point x) {
  using namespace std::chrono;
  auto day = floor<days>(x);
  year_month_day date{day};
  hh_mm_ss time{floor<seconds>(x - day)};
  char out[48];
  std::snprintf(
    out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d",
    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
    static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
    static_cast<int>(time.minutes().count()),
    static_cast<int>(time.seconds().count()));
  return out;
}

} // namespace

bool is_token(std::string_view x) noexcept {
  return !x.empty() && std::ranges::all_of(x, [](unsigned char c) {
    return token_chars[c];
  });
}

std::optional<std::uint64_t> whole_number(std::string_view x) noexcept {
  std::uint64_t out = 0;
  const auto* end = x.data() + x.size();
  auto [stop, bad] = std::from_chars(x.data(), end, out);
  if (x.empty() || bad != std::errc{} || stop != end)
    return std::nullopt;
  return out;
}

std::string utc(std::chrono::system_clock::time_point x) {
  return date_and_time(x) + 'Z';
}

std::string utc_ms(std::chrono::system_clock::time_point x) {
  using namespace std::chrono;
  auto ms = floor<milliseconds>(x.time_since_epoch()) % 1s;
  if (ms < 0ms)
    ms += 1s;
  char out[8];
  std::snprintf(out, sizeof out, ".%03dZ", static_cast<int>(ms.count()));
  return date_and_time(x) + out;
}

} // namespace cheops
