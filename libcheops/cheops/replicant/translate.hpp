#pragma once

#include "cheops/replicant/operation.hpp"
#include "cheops/result.hpp"

#include <functional>

namespace cheops::replicant {

/// The local id of a replicant at this site; nullopt: unknown, the request
/// keeps what stands there.
using local_ids = std::function<std::optional<std::string>(const meta_id&)>;

/// The request as this site's application takes it: each slot holds this
/// site's id. An id in the path is percent-encoded; a JSON number stays a
/// number where the new id is one. Errors: `bad_request`, where a slot does not
/// exist or the body is no JSON.
[[nodiscard]] result<templated> translate(const templated& x,
                                          const local_ids& ids);

} // namespace cheops::replicant
