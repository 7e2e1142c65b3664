#include "tools/time.hpp"

#include <cstdio>
#include <ctime>

namespace cheops::tools {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::system_clock;

std::string rounded(microseconds x) {
  if (x < 1ms)
    return std::to_string(x.count()) + "us";
  char out[32];
  auto in_ms = static_cast<double>(x.count()) / 1e3;
  if (x < 1s)
    std::snprintf(out, sizeof out, "%.1fms", in_ms);
  else
    std::snprintf(out, sizeof out, "%.1fs", in_ms / 1e3);
  return out;
}

std::string age(system_clock::duration x) {
  auto s = std::chrono::duration_cast<std::chrono::seconds>(x).count();
  if (s < 0)
    s = 0;
  if (s < 120)
    return std::to_string(s) + "s";
  if (s < 120 * 60)
    return std::to_string(s / 60) + "m";
  if (s < 48 * 3600)
    return std::to_string(s / 3600) + "h";
  return std::to_string(s / 86'400) + "d";
}

namespace {

std::optional<system_clock::time_point> parse_utc(std::string_view x,
                                                  const char* format) {
  std::string text{x};
  std::tm parts{};
  if (!strptime(text.c_str(), format, &parts))
    return std::nullopt;
  return system_clock::from_time_t(timegm(&parts));
}

} // namespace

std::optional<system_clock::time_point> from_rfc3339(std::string_view x) {
  if (x.empty() || x.back() != 'Z')
    return std::nullopt;
  return parse_utc(x, "%Y-%m-%dT%H:%M:%S");
}

std::optional<system_clock::time_point> from_http_date(std::string_view x) {
  return parse_utc(x, "%a, %d %b %Y %H:%M:%S GMT");
}

} // namespace cheops::tools
