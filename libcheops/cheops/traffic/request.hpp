#pragma once

#include <span>
#include <string>
#include <string_view>

/// What the data plane shows the rules, and what they answer.
namespace cheops::traffic {

/// A header field as it stands in the connection's buffer.
struct field {
  std::string_view name;
  std::string_view value;
};

/// A request's head. Everything views the connection's buffer.
struct request_view {
  std::string_view method;
  std::string_view target; ///< Origin form, as received.
  std::span<const field> fields;

  /// The first field of that name in any case; empty if there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

/// A field that we set; it replaces those of its name.
struct header {
  std::string name;
  std::string value;
};

} // namespace cheops::traffic
