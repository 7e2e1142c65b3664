#pragma once

#include "cheops/application/description.hpp"
#include "cheops/replication.hpp"
#include "cheops/result.hpp"
#include "cheops/traffic/request.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace cheops::traffic {

class adapter;
struct decision;

/// A request about a resource that is, or is to be, on several sites.
struct copies {
  application::request_match match;
  /// To be created: there. Else the sites that the scope says it is at;
  /// empty: it says none.
  std::vector<site_id> sites;
  /// This site's copy; unset: the request creates the resource.
  std::optional<ports::local_replica> found;
  bool linearizable = false; ///< A read that must see all that is decided.
};

/// What is known of a request when it is asked about copies.
struct copy_question {
  const request_view& in;
  std::string_view target; ///< As the application is to see it.
  const application::service& of;
  const site_id& self;
  /// The sites of a scope with `&` (or an `around` that creates); null: there
  /// is no such scope.
  const std::vector<site_id>* sites = nullptr;
  const adapter* plug = nullptr; ///< Null: the description says it all.
  /// The node can act for users at the service: it has an identity there.
  bool acts = false;
};

/// Adds to a decision what copies mean for it: `decision::copies` wherever the
/// backend here serves a resource that is replicated, and the verdict
/// `replicate` where more than this backend must be asked; or
/// `decision::unsettled`, with whatever verdict. Errors: not_built
/// (nothing can act in a user's name, or the request is about no one
/// resource), not_found (`&` about an id that is not replicated here),
/// bad_request (also for what is never on several sites).
[[nodiscard]] result<void> consider_copies(decision& out,
                                           const copy_question& ask,
                                           const ports::replication& at);

/// Sites, as a node tells them to the peer that is to run the request.
[[nodiscard]] std::string listed_sites(const std::vector<site_id>& sites);

} // namespace cheops::traffic
