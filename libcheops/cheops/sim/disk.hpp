#pragma once

#include "cheops/sim/dice.hpp"
#include "cheops/sim/memory_store.hpp"

#include <deque>
#include <string>

namespace cheops::sim {

/// A store with a write-ahead log: what was written and not synced may be
/// lost by a crash, in whole batches from the end, the last of them torn.
class disk final : public memory_store {
public:
  /// Appends to the log; it survives a crash only once `sync` has said so.
  void write(ports::batch x) { unsynced_.push_back(std::move(x)); }
  /// The oldest `n` of what was written are safe now.
  void sync(std::size_t n);
  /// Forgets what was not synced, but for some of its first bytes.
  void crash(dice& random);
  /// A new, empty disk.
  void lose();

  result<void> commit(std::span<const ports::batch> all) override;

private:
  std::deque<ports::batch> unsynced_;
};

/// A batch as the log has it: length, checksum, bytes.
[[nodiscard]] std::string framed(const ports::batch& x);
/// Takes the next batch off the front; nullopt where it is torn.
[[nodiscard]] std::optional<ports::batch> next_framed(std::string_view& log);

} // namespace cheops::sim
