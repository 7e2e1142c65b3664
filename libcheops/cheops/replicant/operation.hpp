#pragma once

#include "cheops/replicant/identity.hpp"
#include "cheops/traffic/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What a client asked for, as a black box: the request, and what must be
/// known to run it at every site. The description of the application says
/// how to fill it in; nothing in here knows an application.
namespace cheops::replicant {

using raft::index_id;

/// What a request does to the one resource of its replicant.
enum class change : std::uint8_t {
  create = 0,
  replace = 1, ///< Afterwards nothing is left of earlier changes (PUT).
  patch = 2,   ///< Rests on what was there before (PATCH, actions).
  remove = 3,
};

[[nodiscard]] std::string_view to_string(change x) noexcept;

/// Where a request names a resource by an id that differs from site to site.
struct slot {
  enum class place : std::uint8_t {
    segment = 0, ///< The path's segment number `segment`, from 0.
    body = 1,    ///< The JSON value at `pointer` (RFC 6901).
  };
  place where = place::segment;
  std::uint32_t segment = 0;
  std::string pointer;
  meta_id of; ///< Whose local id belongs there.
  friend bool operator==(const slot&, const slot&) = default;
};

/// A request as the asking site's application would take it, and where its
/// ids are.
struct templated {
  std::string method;
  std::string target; ///< Origin form.
  std::vector<traffic::header> fields;
  std::string body;
  std::vector<slot> slots;
  friend bool operator==(const templated&, const templated&);
};

/// Applied only where that replicant's own entries up to `index` are: a pod
/// never runs before its namespace.
struct dependency {
  meta_id on;
  index_id index = 0;
  friend bool operator==(const dependency&, const dependency&) = default;
};

/// How to find out what an abandoned call did.
enum class settling : std::uint8_t {
  none = 0,   ///< Nobody can tell: `uncertain`.
  repeat = 1, ///< To call again has no further effect (a key that the
              ///< application enforces, or PUT and DELETE).
  probe = 2,  ///< `probe` finds what was made.
};

/// What to do at a site that refuses (4xx) what the asking site accepted.
enum class refusal_rule : std::uint8_t {
  keep = 0,       ///< The others keep it; the site stays `diverged`.
  compensate = 1, ///< `undo` is run where it was done: creates and patches
                  ///< alone, and only while nothing rests on them.
};

/// A client's own name for a request (Idempotency-Key), as digests: of the
/// key and who sent it, and of the request.
struct client_key {
  digest128 key;
  digest128 request;
  friend bool operator==(const client_key&, const client_key&) = default;
};

struct operation {
  change does = change::create;
  templated what;
  std::string principal; ///< Who asked, in the connector's words. Never a
                         ///< credential.
  service_id service;
  std::string kind;
  std::vector<dependency> after;
  /// The replicant index at which the client read what it changes.
  std::optional<index_id> read_at;
  std::uint16_t stale_status = 412; ///< For the client whose read is too old.
  std::optional<client_key> key;
  settling settle = settling::none;
  /// After so long an abandoned call can no longer act; 0: nobody knows, and
  /// what is cut off stays `uncertain` until a person says.
  std::uint32_t settles_after_ms = 0;
  std::optional<templated> probe; ///< With `settling::probe`.
  refusal_rule on_refusal = refusal_rule::keep;
  std::optional<templated> undo; ///< Takes this back. Of a create: removes.
  friend bool operator==(const operation&, const operation&) = default;
};

inline constexpr std::size_t slots_max = 64;
inline constexpr std::size_t dependencies_max = 64;
inline constexpr std::size_t fields_max = 128;
inline constexpr std::size_t method_bytes_max = 32;
inline constexpr std::size_t target_bytes_max = 64 * 1024;
inline constexpr std::size_t field_bytes_max = 64 * 1024;
inline constexpr std::size_t body_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t principal_bytes_max = 16 * 1024;
inline constexpr std::size_t local_id_bytes_max = 1024;

} // namespace cheops::replicant
