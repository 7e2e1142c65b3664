#pragma once

#include "cheops/replicant/types.hpp"

#include <string>
#include <string_view>

/// What the application's answers say, for the connector. Pure.
namespace cheops::glue {

/// The id of what was made: at `id_pointer` (RFC 6901) of a JSON body, else
/// the last segment of `location`. Empty where there is none.
[[nodiscard]] std::string local_id_in(std::string_view body,
                                      const std::string& id_pointer,
                                      std::string_view location);

/// What a probe looks for.
struct probe_rule {
  /// JSON that must be in the resource: each member of an object in that of
  /// the same name, anything else as it is. Empty: that it is there is enough.
  std::string wanted;
  std::string id_pointer; ///< Of the resource alone; in a list, its last part.
};

/// Judges the answer to a probe: the resource itself, or a list, which is the
/// body or a member of it. A 404 or 410, and a list without it, is `absent`;
/// two that fit, a body that is no JSON, and any other status is `nothing`.
[[nodiscard]] replicant::probed
judge_probe(unsigned status, std::string_view body, const probe_rule& rule);

} // namespace cheops::glue
