#pragma once

#include "cheops/raft/types.hpp"

#include <deque>
#include <optional>
#include <span>

namespace cheops::raft {

/// The log of one member: a snapshot, and the entries behind it.
class log {
public:
  /// Starts where `from` ends; entries follow by `append`.
  explicit log(snapshot from = {}) : base_(std::move(from)) {}

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  /// Bytes of the payloads behind `i`, which must not lie before the
  /// snapshot.
  [[nodiscard]] std::size_t bytes_behind(index_id i) const;
  [[nodiscard]] std::size_t bytes() const { return bytes_behind(base_.index); }

  [[nodiscard]] index_id first_index() const { return base_.index + 1; }
  [[nodiscard]] index_id last_index() const {
    return base_.index + entries_.size();
  }
  [[nodiscard]] term_id last_term() const {
    return entries_.empty() ? base_.term : entries_.back().term;
  }
  [[nodiscard]] const snapshot& base() const { return base_; }

  /// nullopt: compacted, or not there yet.
  [[nodiscard]] std::optional<term_id> term_at(index_id i) const;
  /// `i` must lie in [first_index, last_index].
  [[nodiscard]] const entry& at(index_id i) const;

  /// The next entry; its index must follow the last.
  void append(entry x);
  /// Drops `from` and all behind it.
  void truncate(index_id from);
  /// Folds everything up to `to.index` into `to`; keeps what lies behind if
  /// the terms agree, else starts anew from it.
  void compact(snapshot to);

  /// Entries from `from` on: at least one if there is one, then as many as
  /// `bytes_max` allows (payloads counted), at most `count_max`.
  [[nodiscard]] std::vector<entry> slice(index_id from, std::size_t bytes_max,
                                         std::size_t count_max) const;

  /// The configuration in force: that of the newest `configure` entry, at
  /// whatever index (4.1), else the snapshot's.
  [[nodiscard]] const configuration& members() const;
  /// The index of that entry; the snapshot's index if there is none.
  [[nodiscard]] index_id members_index() const;
  /// The configuration that was in force at `i`, not before the snapshot.
  [[nodiscard]] const configuration& members_at(index_id i) const;

private:
  snapshot base_;
  std::deque<entry> entries_;
  std::deque<index_id> configures_; ///< Where the `configure` entries are.
  /// Sums of the payloads' bytes up to each entry, from whatever start.
  std::deque<std::uint64_t> sums_;
  std::uint64_t start_sum_ = 0;
};

} // namespace cheops::raft
