#include "cheops/scope/quantity.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <stdexcept>

namespace cheops::scope {

namespace {

constexpr const char* a_duration = "a duration, such as 50ms";
constexpr const char* a_unit = "us, ms or s";
constexpr const char* a_count = "a whole number of copies, at least 1";
constexpr std::string_view digits = "0123456789";

// The parts of "1.5ms"; views into it.
struct parts {
  std::string_view whole;
  std::optional<std::string_view> fraction;
  std::string_view unit;
};

parts split(std::string_view x) {
  parts out;
  auto end = std::min(x.find_first_not_of(digits), x.size());
  out.whole = x.substr(0, end);
  x.remove_prefix(end);
  if (x.starts_with('.')) {
    end = std::min(x.find_first_not_of(digits, 1), x.size());
    out.fraction = x.substr(1, end - 1);
    x.remove_prefix(end);
  }
  out.unit = x;
  return out;
}

std::int64_t microseconds_in(std::string_view unit) noexcept {
  return unit == "us" ? 1 : unit == "ms" ? 1'000 : unit == "s" ? 1'000'000 : 0;
}

template <class T>
std::optional<T> to_number(std::string_view x) {
  T out{};
  auto [at, ec] = std::from_chars(x.data(), x.data() + x.size(), out);
  if (ec != std::errc{} || at != x.data() + x.size())
    return std::nullopt;
  return out;
}

} // namespace

void throw_exception_from_error(const quantity_error& x,
                                const boost::source_location&) {
  throw std::runtime_error(x.what);
}

bool is_number(std::string_view x) noexcept {
  auto p = split(x);
  return !p.whole.empty() && (!p.fraction || !p.fraction->empty())
         && p.unit.empty();
}

boost::system::result<std::chrono::microseconds, quantity_error>
to_duration(std::string_view x) {
  if (x.starts_with('-') && !split(x.substr(1)).whole.empty())
    return quantity_error{"a duration below zero", a_duration};
  auto p = split(x);
  if (p.whole.empty() || (p.fraction && p.fraction->empty()))
    return quantity_error{"no duration", a_duration};
  if (p.unit.empty())
    return quantity_error{"a duration without a unit", a_unit, x.size()};
  auto unit = microseconds_in(p.unit);
  if (unit == 0)
    return quantity_error{"an unknown unit", a_unit, x.size() - p.unit.size()};
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  auto whole = to_number<std::int64_t>(p.whole);
  if (!whole || *whole > most / unit)
    return quantity_error{"a duration that is too long",
                          "less than " + std::to_string(most) + "us"};
  auto total = *whole * unit;
  auto fraction = p.fraction.value_or("");
  while (fraction.ends_with('0'))
    fraction.remove_suffix(1);
  for (auto digit : fraction) {
    if (unit % 10 != 0)
      return quantity_error{"a duration finer than a microsecond", a_duration};
    unit /= 10;
    auto more = (digit - '0') * unit;
    if (total > most - more)
      return quantity_error{"a duration that is too long",
                            "less than " + std::to_string(most) + "us"};
    total += more;
  }
  return std::chrono::microseconds{total};
}

std::string to_string(std::chrono::microseconds x) {
  auto n = x.count();
  if (n % 1'000'000 == 0)
    return std::to_string(n / 1'000'000) + "s";
  if (n % 1'000 == 0)
    return std::to_string(n / 1'000) + "ms";
  return std::to_string(n) + "us";
}

boost::system::result<std::uint32_t, quantity_error>
to_count(std::string_view x) {
  auto negative = x.starts_with('-');
  auto number = x.substr(negative ? 1 : 0);
  if (number.empty()
      || number.find_first_not_of(digits) != std::string_view::npos)
    return quantity_error{"a count that is no number", a_count};
  if (negative || number.find_first_not_of('0') == std::string_view::npos)
    return quantity_error{"a count below 1", a_count};
  auto out = to_number<std::uint32_t>(number);
  if (!out)
    return quantity_error{
      "a count that is too high",
      "at most " + std::to_string(std::numeric_limits<std::uint32_t>::max())};
  return *out;
}

} // namespace cheops::scope
