#pragma once

#include "cheops/names.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace cheops::mesh {

/// The name of a site in its certificate: a URI SAN
/// `urn:cheops:site:<name>`, all but letters, digits and -._~ as %XX.
[[nodiscard]] std::string to_urn(const site_id& x);

/// nullopt for another URI, a bad escape, an empty or overlong name.
[[nodiscard]] std::optional<site_id> from_urn(std::string_view x);

} // namespace cheops::mesh
