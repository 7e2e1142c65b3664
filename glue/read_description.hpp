#pragma once

#include "cheops/application/description.hpp"
#include "glue/yaml.hpp"

#include <string>
#include <string_view>

namespace cheops::glue {

/// Reads and checks a description. What is wrong is complained about at its
/// place; then the answer is not to be used.
[[nodiscard]] application::description read_description(const yaml::node& root);

/// Why `x` is not a path template; empty if it is one.
[[nodiscard]] std::string template_fault(std::string_view x);

/// Why `x` is not a JSON Pointer (RFC 6901); empty if it is one.
[[nodiscard]] std::string pointer_fault(std::string_view x);

} // namespace cheops::glue
