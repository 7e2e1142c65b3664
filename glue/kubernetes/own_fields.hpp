#pragma once

#include "glue/kubernetes/object_name.hpp"

#include <boost/json/value.hpp>

#include <string_view>

namespace cheops::glue::kubernetes {

/// Puts into a replacement what the API server of this site, or a controller
/// there, gave the object that it replaces, and what no other site can mean:
/// its version, and by its kind the addresses, the node, the volume, the token.
/// What the user's own words say of these stays.
void keep_own_fields(const object_name& of, const boost::json::value& own,
                     boost::json::value& replacement);

} // namespace cheops::glue::kubernetes
