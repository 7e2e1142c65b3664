#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "tools/explain.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

/// The bodies of the admin endpoint, in both directions.
namespace cheops::tools {

[[nodiscard]] boost::json::value sites_json(const mesh::view& x);
[[nodiscard]] boost::json::value links_json(const mesh::view& x);
[[nodiscard]] boost::json::value fronts_json(const site::config& x);
[[nodiscard]] boost::json::value
application_json(const application::description& x);
[[nodiscard]] boost::json::value faults_json(const mesh::fault_table& x);

/// Errors: bad_request, with the member that is wrong.
[[nodiscard]] result<explain_request> to_explain_request(std::string_view body);

/// Errors: bad_request; unknown_site for a peer that `mesh` does not have.
[[nodiscard]] result<mesh::fault_table> to_fault_table(std::string_view body,
                                                       const mesh::view& mesh);

/// Where a client of this machine reaches a front: an address that means
/// "every one of mine" becomes loopback.
[[nodiscard]] std::string url_of(const site::front& x);

} // namespace cheops::tools
