#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// Counts and durations of the scope language; internal to scope/.
namespace cheops::scope {

struct quantity_error {
  std::string what;
  std::string expected;
  std::size_t offset = 0; ///< Where in the text it is wrong.
};

[[noreturn]] void throw_exception_from_error(const quantity_error& x,
                                             const boost::source_location&);

/// Digits, perhaps with a fraction: what still lacks a unit.
[[nodiscard]] bool is_number(std::string_view x) noexcept;

/// "50ms", "1.5s": whole microseconds.
[[nodiscard]] boost::system::result<std::chrono::microseconds, quantity_error>
to_duration(std::string_view x);

/// The other way: the largest unit that leaves a whole number.
[[nodiscard]] std::string to_string(std::chrono::microseconds x);

/// "2": at least 1.
[[nodiscard]] boost::system::result<std::uint32_t, quantity_error>
to_count(std::string_view x);

} // namespace cheops::scope
