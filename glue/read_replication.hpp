#pragma once

#include "cheops/application/description.hpp"
#include "glue/yaml.hpp"

#include <string>

namespace cheops::glue {

/// Reads the key `replicate` of a resource, whose other keys are read, as it
/// is served under `base`. What is wrong is complained about at its place.
[[nodiscard]] application::replication
read_replication(const yaml::node& x, const application::resource& of,
                 const std::string& base);

} // namespace cheops::glue
