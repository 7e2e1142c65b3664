#pragma once

#include "cheops/application/description.hpp"
#include "cheops/site/config.hpp"
#include "glue/yaml.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace cheops::glue {

/// Reads a configuration; services are looked up in `app`, relative paths
/// are relative to `folder`. What is wrong in itself is complained about.
[[nodiscard]] site::config read_config(const yaml::node& root,
                                       const application::description& app,
                                       const std::string& folder);

/// Complains about what is wrong only in the whole, and fills in what is
/// derived from it (the default networks).
void check_config(const yaml::node& root, site::config& x);

/// Reads `limits` and `timeouts` into their defaults.
void read_limits(const yaml::node& x, site::limits& to);
void read_timeouts(const yaml::node& x, site::timeouts& to);

/// The parts of a backend's URL; nullopt if it is no http or https URL of a
/// host alone.
struct origin {
  mesh::address at;
  bool tls = false;
};
[[nodiscard]] std::optional<origin> to_origin(std::string_view url);

} // namespace cheops::glue
