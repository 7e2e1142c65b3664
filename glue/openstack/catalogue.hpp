#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <optional>
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

/// `body` (any JSON) with each endpoint's URL that is the backend of its
/// service's front made that of the front: several services may have one
/// address, as behind one web server. `asked_host`: the Host that the client
/// asked, taken for fronts that listen on every address. Errors: broken.
[[nodiscard]] result<std::string> at_fronts(std::string_view body,
                                            const application::description& app,
                                            const site::config& config,
                                            std::string_view asked_host);

/// `body` (any JSON) with each link ("href") to the backend of `front` made one
/// to `asked_host`, and with `prefix` put in front of the path of each link
/// there: so that a client that looks around at the front, or under a prefix
/// of it, stays there. nullopt: there is no such link. Errors: broken.
[[nodiscard]] result<std::optional<std::string>>
links_at_front(std::string_view body, const site::front& front,
               std::string_view prefix, std::string_view asked_host);

} // namespace cheops::glue::openstack
