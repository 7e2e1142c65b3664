#pragma once

#include "cheops/raft/types.hpp"
#include "cheops/replicant/digest.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Which replicant is which, at every site the same.
namespace cheops::replicant {

/// The name that the user chose for a resource, where the application keeps
/// names apart (Kubernetes: group, namespace, resource, name). Two sites that
/// create the same name at once meet in one group.
struct natural_key {
  service_id service;
  std::string kind;
  std::vector<std::string> path;
  friend bool operator==(const natural_key&, const natural_key&) = default;
};

/// The id of a replicant: of a natural key and its generation (from 1), or
/// random (generation 0).
struct meta_id {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const meta_id&, const meta_id&) = default;
  friend auto operator<=>(const meta_id&, const meta_id&) = default;
};

/// The generation grows each time that a resource of that name was deleted
/// and is created anew.
[[nodiscard]] meta_id meta_of(const natural_key& key, std::uint32_t generation);

/// A create that carries an Idempotency-Key and names nothing: a retry of it,
/// at whatever site, must find the same group. `principal`: keys of
/// different users are different.
[[nodiscard]] meta_id meta_of_retry(const service_id& service,
                                    std::string_view principal,
                                    std::string_view idempotency_key);

/// Any other create: a UUID of version 4 from 128 random bits of the caller's.
[[nodiscard]] meta_id random_meta(std::uint64_t high, std::uint64_t low);

/// A UUID, and ".N" behind it where there are generations.
[[nodiscard]] std::string to_string(const meta_id& x);
/// What `to_string` prints; nullopt for anything else.
[[nodiscard]] std::optional<meta_id> parse_meta(std::string_view text);

/// One request of a client, for good. The origin is the member that was
/// asked; its sessions grow with each start of an owner there; within one,
/// sequence numbers grow from 1.
struct operation_id {
  std::uint64_t origin = 0;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  friend bool operator==(const operation_id&, const operation_id&) = default;
  friend auto operator<=>(const operation_id&, const operation_id&) = default;
};

[[nodiscard]] std::uint64_t origin_of(const raft::member_id& x);
/// "ORIGIN-SESSION-SEQUENCE", in hex digits.
[[nodiscard]] std::string to_string(const operation_id& x);
[[nodiscard]] std::optional<operation_id>
parse_operation(std::string_view text);
/// As raft knows a request. Unique within a session; two sessions share a
/// number with the odds of two random 64-bit numbers.
[[nodiscard]] raft::request_id request_of(const operation_id& x);
/// Its sequence number, if it is of that session: else any large number.
[[nodiscard]] std::uint64_t sequence_of(raft::request_id request,
                                        std::uint64_t origin,
                                        std::uint64_t session);

/// How a group began: the same at each of its members, for good. The group
/// is known by it: a member that began otherwise is of another group.
struct birth {
  raft::configuration members;
  /// Leads in the first term without an election. Unset where two sites may
  /// found the same group at once (natural keys).
  std::optional<raft::member_id> founder;
  std::optional<natural_key> key;
  friend bool operator==(const birth&, const birth&) = default;
};
[[nodiscard]] std::uint64_t fingerprint(const birth& x);

/// Who joins a group later has an id of its own in it, also if it was a member
/// before: an answer of its first time must not be taken for one of its
/// second. `by`: what brings it in.
[[nodiscard]] raft::member_id joining_as(const raft::member_id& store,
                                         const operation_id& by);
/// The id of the store itself.
[[nodiscard]] raft::member_id store_of(const raft::member_id& x);

} // namespace cheops::replicant

template <>
struct std::hash<cheops::replicant::meta_id> {
  std::size_t operator()(const cheops::replicant::meta_id& x) const noexcept {
    return static_cast<std::size_t>(x.low ^ (x.high * 31) ^ x.generation);
  }
};
