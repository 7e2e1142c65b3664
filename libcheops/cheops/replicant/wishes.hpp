#pragma once

#include "cheops/replicant/types.hpp"
#include "cheops/result.hpp"
#include "cheops/traffic/request.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace cheops::replicant {

/// What a client says, in the fields of its request, of how it wants to be
/// served.
struct wishes {
  wait_for until = wait_for::here;
  /// `Prefer: respond-async` (RFC 7240): a fate that is open at the end of
  /// the wait is a 202 too.
  bool respond_async = false;
  std::chrono::milliseconds patience{0}; ///< `Prefer: wait=N`; 0: unsaid.
  /// `Cheops-Replicant-Index`: it read what it changes at that index.
  std::optional<index_id> read_at;
  /// `If-Match`: to be judged at this site, before anything runs.
  std::string if_match;
  std::string key;           ///< `Idempotency-Key`; empty: none.
  bool linearizable = false; ///< `Cheops-Consistency`.
};

inline constexpr std::size_t idempotency_key_bytes_max = 255;

/// Of a change. Errors: `bad_request` for what is none of the words;
/// `not_built` for preconditions that cannot be judged for several sites.
[[nodiscard]] result<wishes> wishes_of(const traffic::request_view& in);

/// Of a read: only `Cheops-Consistency` counts. Errors: `bad_request`.
[[nodiscard]] result<bool> wants_linearizable(const traffic::request_view& in);

/// Whether an `If-Match` names that entity tag: strong comparison (RFC 9110,
/// 8.8.3.2); "*" is any.
[[nodiscard]] bool matches_etag(std::string_view if_match,
                                std::string_view etag) noexcept;

} // namespace cheops::replicant
