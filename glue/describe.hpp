#pragma once

#include "cheops/application/description.hpp"

#include <string>

namespace cheops::glue {

/// What a description means, for people: `cheops app check FILE`.
[[nodiscard]] std::string explain(const application::description& x);

} // namespace cheops::glue
