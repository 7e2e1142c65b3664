#pragma once

#include "glue/kubernetes/body.hpp"
#include "glue/kubernetes/object_name.hpp"

#include <string>
#include <vector>

/// Which objects may be on several sites, and what they need there
/// (docs/decisions/0013-kubernetes-objects.md). Pure.
namespace cheops::glue::kubernetes {

/// Whether the request changes the object itself, for all of its sites.
[[nodiscard]] bool changes_object(const object_request& x);

/// A change that means something at one site alone: of a status, a dry run, a
/// review, a token, exec.
[[nodiscard]] bool is_here_only(const object_request& x,
                                std::string_view target);

/// Why no change of it is for several sites; empty: it is.
[[nodiscard]] std::string why_never(const object_request& x);
/// The same of what a create would make.
[[nodiscard]] std::string why_never(const object_body& x,
                                    const object_name& of);

/// An object that another cannot be without.
struct needed {
  object_name object;
  std::string version; ///< Of the path that reads it.
};
/// The namespace, the definition of a custom resource, and what a pod (or the
/// template of one, in JSON) names. At most `needed_max`.
[[nodiscard]] std::vector<needed> needed_by(const object_body& x,
                                            const object_name& of);

inline constexpr std::size_t needed_max = 32;

} // namespace cheops::glue::kubernetes
