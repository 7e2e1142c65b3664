#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/scope/parse.hpp"

#include <boost/json/value.hpp>

#include <optional>
#include <string>

/// What a scope would do to a request: for the admin endpoint and, without a
/// node, for the command line.
namespace cheops::tools {

struct explain_request {
  std::string scope;
  std::string service; ///< Empty: see `explain`.
  std::string method = "GET";
  std::string path = "/";
};

struct explain_failure {
  error what;
  /// Set where the scope's text is wrong: where it is.
  std::optional<scope::syntax_error> where;
};

using explain_result =
  boost::system::result<boost::json::value, explain_failure>;

[[noreturn]] void throw_exception_from_error(const explain_failure& x,
                                             const boost::source_location&);

/// The body of `POST /v1/scope:explain`'s answer. Without a service it takes
/// the application's only one, else the first that the scope names.
/// `replicates`: the node keeps resources on several sites.
[[nodiscard]] explain_result explain(const explain_request& what,
                                     const application::description& app,
                                     const mesh::view& mesh, bool replicates);

/// The names that a scope may use, for the parser.
[[nodiscard]] scope::known_names names_of(const application::description& app,
                                          const mesh::view& mesh);

} // namespace cheops::tools
