#pragma once

#include "cheops/application/description.hpp"
#include "glue/yaml.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What descriptions and configurations have in common.
namespace cheops::glue {

/// The name of a site, service or kind: up to 253 bytes in one line, without
/// spaces around it, and not "*".
[[nodiscard]] std::string read_name(const yaml::node& x);

/// A site's name: site::is_name.
[[nodiscard]] std::string read_site_name(const yaml::node& x);

/// One of the verbs.
[[nodiscard]] application::verb read_verb(const yaml::node& x);

/// A text, or a list of texts.
[[nodiscard]] std::vector<yaml::node> one_or_many(const yaml::node& x);

/// Complains: `unknown service "X"; did you mean "Y"?`, or names them all.
void fail_unknown(const yaml::node& at, std::string_view what,
                  std::string_view name, const std::vector<std::string>& known);

/// The service that `x` names, by name or alias; nullptr after a complaint.
[[nodiscard]] const application::service*
read_service(const yaml::node& x, const application::description& app);

} // namespace cheops::glue
