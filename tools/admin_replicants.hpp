#pragma once

#include "tools/admin.hpp"

#include <memory>
#include <vector>

namespace cheops::tools {

/// Adds what the endpoint says and does of resources on several sites.
void add_replicant_routes(std::vector<http::route>& to,
                          std::shared_ptr<const admin_context> in);

} // namespace cheops::tools
