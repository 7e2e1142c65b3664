#pragma once

#include "cheops/scope/parse.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Words for errors about names; internal to scope/. All of it is bounded:
/// it runs once, on the way to an error.
namespace cheops::scope {

/// A piece of somebody's text in quotes, controls escaped, not longer than
/// about 40 characters.
[[nodiscard]] std::string excerpt(std::string_view x);

/// "A, B and C", "A, B and 7 more"; `last` is "and" or "or".
[[nodiscard]] std::string listed(const std::vector<std::string>& names,
                                 std::string_view last);

/// The nearest of the first thousand names.
[[nodiscard]] std::string nearest_of(std::string_view x,
                                     const std::vector<std::string>& names);

[[nodiscard]] syntax_error unknown_site(std::size_t at, std::string_view name,
                                        const known_names& known);
[[nodiscard]] syntax_error unknown_service(std::size_t at,
                                           std::string_view name,
                                           const known_names& known);

} // namespace cheops::scope
