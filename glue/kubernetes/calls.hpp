#pragma once

#include "cheops/site/config.hpp"
#include "glue/application_calls.hpp"

#include <memory>

/// Replicated changes at the API server of this site: made by the node on
/// behalf of who asked, so that this site's own rules decide
/// (docs/decisions/0013-kubernetes-objects.md).
namespace cheops::glue::kubernetes {

/// A write that meets another one is begun anew so often.
inline constexpr unsigned tries_max = 5;

/// - Who asked is told in `Impersonate-*`; without a principal, or with one
///   that another site may not bring (`trust`), a call is a 403 and nothing is
///   sent. So is nothing where the backend has no `identity`.
/// - POST leaves the operation's id on the object. Where the name is taken, an
///   object with that id is the answer.
/// - PUT writes over the object that is here: its version, and what only this
///   site can mean, are put in.
/// - DELETE of what goes already is done.
[[nodiscard]] std::shared_ptr<const application_calls>
make_calls(const site::config& config);

} // namespace cheops::glue::kubernetes
