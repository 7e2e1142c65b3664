#pragma once

#include "cheops/replicant/intake.hpp"
#include "cheops/traffic/request.hpp"

#include <string>
#include <variant>
#include <vector>

/// How an adapter makes operations itself, where a description does not say
/// enough: docs/decisions/0013-kubernetes-objects.md.
namespace cheops::traffic {

struct copies;
struct surroundings;

/// An answer that fits into memory.
struct small_answer {
  unsigned status = 0;
  std::vector<header> fields; ///< Without those that frame the body.
  std::string body;
};

/// A small question of the node's own, to a service here or at a peer. It may
/// be put twice, so it must have no effect.
struct aside {
  site_id site;
  service_id service;
  std::string target;
  std::vector<header> fields; ///< `Accept` replaces "application/json".
  std::string memo;           ///< The adapter's, for `learn`.
  std::string method = "GET";
  std::string body = {};
  /// With the identity that the node has at the service (of this site).
  bool as_node = false;
};

/// What a request is about.
struct subject {
  application::request_match match;
  /// A change that means something at one site alone: it runs there, whatever
  /// the scope.
  bool here_only = false;
  /// It may change more than one: the adapter looks which, also without a
  /// scope.
  bool of_many = false;
  /// Why a change of it is not for several sites; empty: it is.
  std::string never;
};

/// One request for a change. All that is viewed stays until it is answered.
struct to_take {
  request_view in;
  std::string_view target; ///< As the application is to see it.
  std::string body;        ///< Whole, without chunks.
  const copies& about;
  const application::service& of;
  site_id peer; ///< That brings it; empty: a user does.
  const replicant::wishes& asks;
  const replicant::lookups& at;
  std::uint64_t entry_bytes_max = 0;
};

/// Makes an operation of one request, question by question.
class taking {
public:
  virtual ~taking() = default;

  /// An `aside` is answered by `told`; the others end it. A `small_answer` is
  /// the client's, and nothing else happens.
  using step = std::variant<replicant::taken, error, small_answer, aside>;
  [[nodiscard]] virtual step begin(const surroundings& around) = 0;
  [[nodiscard]] virtual step told(const result<small_answer>& what,
                                  const surroundings& around) = 0;
};

/// Asides of one `taking`, before the request is refused.
inline constexpr unsigned taking_asides_max = 64;

} // namespace cheops::traffic
