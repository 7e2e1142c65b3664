#pragma once

#include "cheops/result.hpp"
#include "tools/cli/session.hpp"
#include "tools/cli/url.hpp"

#include <map>
#include <string>
#include <vector>

/// What commands need to know of a site's application: from the files where
/// the command line names them, else from the admin endpoint.
namespace cheops::cli {

struct application_facts {
  std::vector<front_url> fronts;
  /// What its clients read: docs/applications.md, `clients`.
  std::map<std::string, std::string> environment;
};

/// `application_file`: read instead of the one that the site names.
[[nodiscard]] result<application_facts>
learn_application(const session& s, const std::string& application_file);

/// Refuses a scope that does not parse (`pointed_error`). Names are not
/// checked: the node knows them best.
[[nodiscard]] result<void> check_scope(const std::string& scope);

} // namespace cheops::cli
