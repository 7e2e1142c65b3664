#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>

/// Members of what the admin endpoint answers.
namespace cheops::cli {

/// A member as text; empty where it is missing or null.
[[nodiscard]] inline std::string text_of(const boost::json::value& x,
                                         std::string_view name) {
  const auto* member =
    x.is_object() ? x.as_object().if_contains(name) : nullptr;
  if (!member || member->is_null())
    return {};
  if (const auto* text = member->if_string())
    return std::string{*text};
  return boost::json::serialize(*member);
}

[[nodiscard]] inline const boost::json::array&
list_of(const boost::json::value& x, std::string_view name) {
  static const boost::json::array none;
  const auto* member =
    x.is_object() ? x.as_object().if_contains(name) : nullptr;
  return member && member->is_array() ? member->as_array() : none;
}

} // namespace cheops::cli
