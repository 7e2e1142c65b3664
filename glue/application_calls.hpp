#pragma once

#include "cheops/replication.hpp"
#include "http/client.hpp"

#include <functional>

/// How a replicated call is made at an application for which one request, as
/// it stands in the log, is not enough. The connector has the connections, the
/// threads and the node's identity; what is said is decided here.
namespace cheops::glue {

/// What one request came to.
struct heard {
  result<http::client_response> answer;
  bool whole = true; ///< False: the body was over the bound, and is left out.
};

/// Sends one request to the application of this site, as the node itself, and
/// waits for what it says.
using exchange = std::function<heard(replicant::templated request)>;

class application_calls {
public:
  virtual ~application_calls() = default;

  /// Blocks. From any thread, several at once.
  [[nodiscard]] virtual ports::call_result call(const replicant::call& what,
                                                const exchange& send) const = 0;
  [[nodiscard]] virtual replicant::probed probe(const replicant::probe& what,
                                                const exchange& send) const = 0;
};

/// The answer as the owner of the replicant takes it; without a local id.
[[nodiscard]] ports::call_result told(replicant::call_id call, heard got);

} // namespace cheops::glue
