#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace cheops::traffic {

/// Makes the ids by which inner calls are known. For one thread.
class id_source {
public:
  /// Zero: seeded by the operating system.
  explicit id_source(std::uint64_t seed = 0);

  /// 32 hex digits, not all zero (W3C Trace Context, 3.2.2.3).
  [[nodiscard]] std::string trace();
  /// A `traceparent` of that trace, with a fresh parent.
  [[nodiscard]] std::string traceparent(std::string_view trace);
  /// `prefix` and a random UUID (RFC 9562, 5.4).
  [[nodiscard]] std::string uuid(std::string_view prefix);

private:
  std::mt19937_64 random_;
};

} // namespace cheops::traffic
