#pragma once

#include "tools/scenario/match.hpp"
#include "tools/scenario/sites.hpp"
#include "tools/scenario/variables.hpp"

#include <string>
#include <vector>

namespace cheops::scenario {

/// A request as it goes out: every variable expanded.
struct prepared {
  std::string method;
  std::string url;
  texts fields;
  std::string body;
  std::string scope; ///< Canonical for display; already in the above.
  carrier carry = carrier::header;
  std::uint64_t upload_bytes = 0;
  bool discard_body = false;
  milliseconds timeout{0};
  int network = -1;
};

/// Errors: bad_config (a variable, a site or a service that is not there).
[[nodiscard]] result<prepared> prepare(sites& all, const request_spec& what,
                                       const variables& known);

/// Sends it from within the current thread's network.
[[nodiscard]] observation send_here(const prepared& x);

/// The same from the network of the site that it is for.
[[nodiscard]] observation send(const prepared& x);

/// The command with which a user would send it.
[[nodiscard]] std::string command_of(const prepared& x);

/// The command with which a user would ask what a scope does to a request.
[[nodiscard]] std::string explain_command(const request_spec& what,
                                          const std::string& scope);

/// A scope as a member of W3C baggage.
[[nodiscard]] std::string scope_baggage(std::string_view scope);

/// What the journals of all instances hold since they were read last. Sites
/// whose journal cannot be read are added to `unread`.
[[nodiscard]] std::vector<journal_call>
read_journals(sites& all, std::vector<std::string>& unread);

} // namespace cheops::scenario
