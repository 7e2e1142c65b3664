#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <string>
#include <string_view>

/// Keystone's catalogue: where clients go next.
namespace cheops::glue::openstack {

/// The catalogue of a token's answer, as a JSON array in text; "[]" where
/// there is none. Errors: broken.
[[nodiscard]] result<std::string> read_catalogue(std::string_view body);

/// A catalogue made for one project, for another: endpoints may have the
/// project's id as a segment of their path.
[[nodiscard]] std::string for_project(std::string_view catalogue,
                                      std::string_view made_for,
                                      std::string_view wanted);

/// `body` (any JSON) with each endpoint's URL that is a backend's of this
/// site made that of its front. `asked_host`: the Host that the client asked,
/// taken for fronts that listen on every address. Errors: broken.
[[nodiscard]] result<std::string> at_fronts(std::string_view body,
                                            const site::config& config,
                                            std::string_view asked_host);

/// `body` (any JSON) with `prefix` put in front of the path of each link
/// ("href") to `asked_host`: so that a client that looks around under a
/// prefix stays there. Errors: broken.
[[nodiscard]] result<std::string> under_prefix(std::string_view body,
                                               std::string_view prefix,
                                               std::string_view asked_host);

} // namespace cheops::glue::openstack
