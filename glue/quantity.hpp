#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Amounts with a unit, as files and command lines write them. A space may
/// stand before the unit.
namespace cheops::glue {

/// "250us", "50ms", "1.5s", "2m", "1h"; a zero needs a unit too. Nullopt if
/// it is none, or over 100 years.
[[nodiscard]] std::optional<std::chrono::microseconds>
to_duration(std::string_view x);

/// The shortest text that to_duration() reads back as `x`.
[[nodiscard]] std::string to_text(std::chrono::microseconds x);

/// "512", "64KiB", "3MiB", "1GiB", "17B"; nullopt if it is none.
[[nodiscard]] std::optional<std::uint64_t> to_size(std::string_view x);

/// The shortest text that to_size() reads back as `x`.
[[nodiscard]] std::string size_text(std::uint64_t x);

} // namespace cheops::glue
