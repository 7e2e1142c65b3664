#pragma once

#include "cheops/result.hpp"

#include <boost/json/value.hpp>

#include <map>
#include <string>
#include <string_view>

namespace cheops::scenario {

using variables = std::map<std::string, std::string, std::less<>>;

/// Replaces each `${name}` by its value; `$${` stands for `${` itself.
/// Errors: bad_config (no such variable, a `${` without its `}`).
[[nodiscard]] result<std::string> expand(std::string_view text,
                                         const variables& known);

/// The same in every text of a JSON value, names of members included.
[[nodiscard]] result<boost::json::value> expand_all(const boost::json::value& x,
                                                    const variables& known);

} // namespace cheops::scenario
