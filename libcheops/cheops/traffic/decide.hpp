#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/replicant/told.hpp"
#include "cheops/result.hpp"
#include "cheops/scope/plan.hpp"
#include "cheops/site/config.hpp"
#include "cheops/traffic/adapter.hpp"
#include "cheops/traffic/copies.hpp"
#include "cheops/traffic/correlation.hpp"
#include "cheops/traffic/request.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cheops::traffic {

/// Who sends a request.
struct caller {
  const application::service* front = nullptr; ///< User fronts: its service.
  /// Peer front: the site of the verified certificate; else empty.
  site_id peer;
  /// The verified client certificate's fingerprint; empty if there is none.
  std::string_view certificate;
};

enum class verdict : std::uint8_t {
  local,     ///< No scope: to the backend here, as it came.
  run,       ///< `candidates`, in their order.
  replicate, ///< By `copies`: a change of all of them, or a strict read.
  look,      ///< Say what became of `look`.
  refuse,    ///< Answer with `refusal`.
  answer,    ///< Answer with `answer`.
  ask,       ///< Put `ask`, have it learned, and decide anew.
  gather,    ///< Decide anew, with the body.
};

/// What must be done with a request.
struct decision {
  verdict what = verdict::local;
  const application::service* service = nullptr;
  /// `run`: the sites to try. The own site means the backend here. A strict
  /// read runs so too, once it may.
  std::vector<site_id> candidates;
  std::string target;      ///< Replaces the request's target; empty: keep it.
  std::vector<header> set; ///< To set on every leg (traceparent, tracestate).
  std::vector<header> set_for_peer; ///< To set on a leg to a peer only
                                    ///< (Cheops-Scope, -Service, -Path, …).
  edits for_local;                  ///< The adapter's, for a leg here, …
  edits for_peer;                   ///< … and for one to a peer.
  std::unique_ptr<follower> follow; ///< Null: nobody looks at the answer.
  std::unique_ptr<small_answer> answer;
  std::unique_ptr<aside> ask;
  /// Where a leg to the backend here is about a resource on several sites;
  /// nearly always null.
  std::unique_ptr<traffic::copies> copies;
  /// A change of an id that one of these may have made here: they are waited
  /// for, and it is decided anew. Nearly always unset.
  std::optional<ports::open_creates> unsettled;
  std::unique_ptr<replicant::operation_name> look; ///< Nearly always null.
  std::string scope; ///< Canonical text, for logs and metrics.
  /// What the asking site still waits for the answer's head (peer front).
  std::optional<std::chrono::milliseconds> answer_within;
  std::string_view plan = "local"; ///< Label for logs and metrics.
  bool plans_full = false;    ///< The cache of plans was full: it began anew.
  correlation::ticket ticket; ///< Keep until the exchange has ended.
  /// Whom to blame when a leg fails in Cheops (inherited scopes).
  std::optional<correlation_key> blame;
  /// Answers from this status on give way to a recorded cause.
  unsigned cause_from = 500;
  /// What a caller is told instead of 503, so that it does not try again and
  /// again while its user waits; 0: 503.
  unsigned unavailable_as = 0;
  error refusal;
};

/// Decides on requests. One per I/O thread: it caches parsed scopes and is
/// not thread-safe; `correlation` is shared and is.
class decider {
public:
  /// `seed` makes the ids of traces that the node starts; zero: seeded by
  /// the operating system. `plug`: shared by all; null: the description says
  /// all that there is to know. `replicas`: null where nothing is replicated.
  decider(std::shared_ptr<const site::config> config,
          std::shared_ptr<const application::description> app,
          std::shared_ptr<correlation> traces, std::uint64_t seed = 0,
          std::shared_ptr<adapter> plug = nullptr,
          std::shared_ptr<const ports::replication> replicas = nullptr);
  ~decider();

  /// New rules or limits (SIGHUP).
  void configure(std::shared_ptr<const site::config> config);

  /// `wall` is for the adapter alone. `body`: unset at first; empty where it
  /// is not to be had.
  [[nodiscard]] decision
  decide(const request_view& in, const caller& from, const mesh::view& mesh,
         clock::time_point now, std::chrono::system_clock::time_point wall = {},
         std::optional<std::string_view> body = std::nullopt);

  /// What came of the `ask` of a decision.
  void learn(const aside& asked, const result<small_answer>& told,
             const mesh::view& mesh, const moment& now);

  /// What a `taking` may look at.
  [[nodiscard]] surroundings around(const mesh::view& mesh,
                                    const moment& now) const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Whether a field belongs to Cheops (`Scope`, `Cheops-*`): such fields are
/// removed from what an application or a user sees, and set anew for peers.
[[nodiscard]] bool is_ours(std::string_view field_name) noexcept;

/// RFC 9110, 9.2.1: no effect is asked for.
[[nodiscard]] bool is_safe(std::string_view method) noexcept;

/// `||`: whether the next candidate may be tried after this happened.
enum class failure : std::uint8_t {
  not_sent,    ///< Not one byte of the request went out.
  no_answer,   ///< Sent (wholly or in part), and no answer head came.
  status,      ///< An answer head came: see `status`.
  node_refused ///< The peer's node refused it before running it.
};
[[nodiscard]] bool may_try_next(failure what, unsigned status,
                                bool safe_method) noexcept;

} // namespace cheops::traffic
