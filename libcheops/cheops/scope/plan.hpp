#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/names.hpp"
#include "cheops/result.hpp"
#include "cheops/scope/tree.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <vector>

namespace cheops::application {
struct description;
}

namespace cheops::scope {

/// What is asked of the planner: one request, as far as it matters here.
struct question {
  service_id service;   ///< The front that it reached.
  bool safe = true;     ///< GET, HEAD, OPTIONS, TRACE: no effect is asked for.
  bool creates = false; ///< The description says that it creates a resource.
  /// The scope came by baggage, token or correlation: it may name services
  /// of other calls than this one.
  bool inherited = false;
  /// This node keeps resources on several sites: `&` runs.
  bool replicates = false;
};

/// What must be done with a request.
enum class action : std::uint8_t {
  local,     ///< The service here: the scope does not name it.
  share,     ///< The service of one site: the first candidate that can.
  replicate, ///< `&`, or a create with `around`.
  divide,    ///< `%`.
  copy,      ///< A replica set.
};

[[nodiscard]] std::string_view to_string(action x) noexcept;

/// A site that was looked at and not taken, and why ("round trip 80 ms is
/// over 50 ms", "cut off for 12 s").
struct rejected {
  site_id site;
  std::string why;
};

struct plan {
  action act = action::local;
  /// `share`: sites to try, in order; the others: the sites that take part.
  /// A site that is cut off stays in the list of a `share` (its turn ends at
  /// once); `around` leaves it out. `replicate` of what does not create: the
  /// sites that are said to have a replica.
  std::vector<site_id> sites;
  std::vector<rejected> passed_over;
  /// Not empty: this release does not run it; the sentence for the 501.
  std::string not_built;
  /// One sentence for people: "ServiceB runs at Site2; if it cannot be
  /// reached, at Site3".
  std::string summary;
};

/// Decides what a scope means for a request. Pure: equal calls give equal
/// plans. Errors: unknown_site, unknown_service (also one that the request
/// can never reach), bad_scope, unreachable (`around` a site whose round
/// trips are not known).
[[nodiscard]] result<plan> make_plan(const tree& scope, const question& ask,
                                     const application::description& app,
                                     const mesh::view& mesh);

/// `explain`: the plan for people and programs.
[[nodiscard]] boost::json::value to_json(const plan& x);

} // namespace cheops::scope
