#pragma once

#include "cheops/replicant/types.hpp"
#include "cheops/sim/application.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cheops::sim {

using replicant::index_id;
using replicant::meta_id;
using replicant::operation_id;

/// A client's request, from its side.
struct request_record {
  std::uint64_t tag = 0;
  unsigned resource = 0;
  unsigned site = 0;
  meta_id meta;
  operation_id id;
  replicant::change does = replicant::change::create;
  replicant::wait_for until = replicant::wait_for::here;
  std::optional<index_id> read_at;
  std::uint64_t key = 0; ///< Of its Idempotency-Key; 0: none.
  unsigned retries = 0;
  replicant::operation operation;
  time_us asked_at = 0;
  time_us answered_at = 0;
  std::optional<replicant::answer> said;
  bool dropped = false; ///< Its site crashed before it answered.
};

/// A client's read, and what it saw.
struct read_record {
  unsigned resource = 0;
  unsigned site = 0;
  meta_id meta;
  bool linearizable = false;
  time_us asked_at = 0;
  time_us answered_at = 0;
  std::optional<replicant::read_answer> said;
  bool found = false;
  std::vector<std::uint64_t> tags;
  bool dropped = false;
};

/// What was decided in one group, by whoever took it first.
struct group_record {
  struct fact {
    operation_id id;
    replicant::fate how = replicant::fate::open;
    std::uint16_t status = 0;
  };
  std::map<index_id, std::uint64_t> entries; ///< Digests: one order.
  std::map<index_id, fact> fates;
  std::map<index_id, index_id> undone;       ///< By what was undone: where.
  std::map<std::uint64_t, unsigned> leaders; ///< By term.
  std::set<index_id> overruled;
};

/// Everything that is checked afterwards.
struct history {
  std::vector<request_record> requests;
  std::vector<read_record> reads;
  std::map<meta_id, group_record> groups;
  std::map<operation_id, std::size_t> by_operation; ///< Into `requests`.
};

} // namespace cheops::sim
