#include "glue/quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace cheops::glue {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

// Smallest first.
constexpr std::array<unit, 5> times{{{"us", 1},
                                     {"ms", 1'000},
                                     {"s", 1'000'000},
                                     {"m", 60'000'000},
                                     {"h", 3'600'000'000}}};
constexpr std::array<unit, 4> sizes{
  {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};

constexpr double microseconds_max = 100.0 * 365 * 24 * 3.6e9;

template <class Units>
std::optional<std::uint64_t> factor_of(const Units& units,
                                       std::string_view name) {
  for (const auto& x : units)
    if (x.name == name)
      return x.factor;
  return std::nullopt;
}

/// A space may stand before a unit.
std::string_view unit_name(std::string_view x) {
  x.remove_prefix(x.starts_with(' ') ? 1 : 0);
  return x;
}

template <class Units>
const unit& largest_divisor(const Units& units, std::uint64_t x) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < units.size(); ++i)
    if (x != 0 && x % units[i].factor == 0)
      best = i;
  return units[best];
}

} // namespace

std::optional<std::chrono::microseconds> to_duration(std::string_view x) {
  auto digits = x.find_first_not_of("0123456789.");
  if (digits == std::string_view::npos || digits == 0)
    return std::nullopt;
  auto factor = factor_of(times, unit_name(x.substr(digits)));
  double number = 0;
  const auto* end = x.data() + digits;
  auto [at, ec] = std::from_chars(x.data(), end, number);
  if (!factor || ec != std::errc{} || at != end)
    return std::nullopt;
  auto total = std::round(number * static_cast<double>(*factor));
  if (total > microseconds_max)
    return std::nullopt;
  return std::chrono::microseconds{static_cast<std::int64_t>(total)};
}

std::string to_text(std::chrono::microseconds x) {
  auto count = static_cast<std::uint64_t>(x.count() < 0 ? 0 : x.count());
  if (count == 0)
    return "0ms";
  const auto& in = largest_divisor(times, count);
  return std::to_string(count / in.factor) + std::string{in.name};
}

std::optional<std::uint64_t> to_size(std::string_view x) {
  std::uint64_t number = 0;
  const auto* end = x.data() + x.size();
  auto [at, ec] = std::from_chars(x.data(), end, number);
  if (ec != std::errc{})
    return std::nullopt;
  if (at == end)
    return number;
  auto rest = x.substr(static_cast<std::size_t>(at - x.data()));
  auto factor = factor_of(sizes, unit_name(rest));
  if (!factor || number > UINT64_MAX / *factor)
    return std::nullopt;
  return number * *factor;
}

std::string size_text(std::uint64_t x) {
  const auto& in = largest_divisor(sizes, x);
  return std::to_string(x / in.factor)
         + (in.factor == 1 ? "" : std::string{in.name});
}

} // namespace cheops::glue
