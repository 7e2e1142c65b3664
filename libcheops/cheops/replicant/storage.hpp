#pragma once

#include "cheops/ports.hpp"
#include "cheops/raft/log.hpp"
#include "cheops/replicant/codec.hpp"
#include "cheops/replicant/generations.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>

/// How a replicant lies in a store: keys, batches, and the way back.
namespace cheops::replicant {

/// Keys begin with it: 20 bytes, big-endian, so that one replicant's entries
/// lie together and in order.
[[nodiscard]] std::string key_of(const meta_id& x);
[[nodiscard]] std::string key_of(const meta_id& x, index_id index);
[[nodiscard]] std::string key_of_local(const service_id& service,
                                       std::string_view kind,
                                       std::string_view local_id);
/// nullopt: not a key of ours.
[[nodiscard]] std::optional<meta_id> meta_of_key(std::string_view key);

/// Where a stored log begins and ends.
struct stored_range {
  index_id first = 1; ///< Of the entries behind the base.
  index_id last = 0;
  std::optional<hard_state> hard; ///< Unset: it is not known.
};

/// Adds what a raft asks to be stored (`x`), and moves `range` along: entries
/// that are no more are erased one by one, so that a plain append erases
/// nothing; and a term and vote that are there already are not written again.
void add(ports::batch& to, const meta_id& meta, const raft::persist& x,
         stored_range& range);
void add(ports::batch& to, const meta_id& meta, const membership& x);
void add(ports::batch& to, const meta_id& meta, const site_record& x);
/// "At this site, that id is this replicant."
void add_local(ports::batch& to, const meta_id& meta, const service_id& service,
               std::string_view kind, std::string_view local_id);
void erase_local(ports::batch& to, const service_id& service,
                 std::string_view kind, std::string_view local_id);

/// A replicant as a store has it.
struct stored_replicant {
  meta_id meta;
  membership own;
  hard_state hard;
  raft::log log;
  stored_range range;
  site_record site;
};

/// nullopt: there is none. Errors: `io` of the store; `broken` for what is
/// damaged.
[[nodiscard]] result<std::optional<stored_replicant>>
load(const ports::store& from, const meta_id& meta);

/// Each replicant that a store has, without loading it; until `take` says
/// false. Errors: `io`.
[[nodiscard]] result<void>
each_replicant(const ports::store& in,
               const std::function<bool(const meta_id&)>& take);

/// Everything of one replicant goes, but for what is remembered of it
/// (generations.hpp). Errors: `io`, `broken`.
[[nodiscard]] result<ports::batch> erase_all(const ports::store& in,
                                             const meta_id& meta,
                                             const forgetting& how,
                                             passing_rows& passing);

/// Of a local id at this site; nullopt: not replicated. Errors: `io`.
[[nodiscard]] result<std::optional<meta_id>>
find_local(const ports::store& in, const service_id& service,
           std::string_view kind, std::string_view local_id);

} // namespace cheops::replicant
