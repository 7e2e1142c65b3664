#pragma once

#include "cheops/ports.hpp"
#include "cheops/sim/dice.hpp"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>

namespace cheops::sim {

/// A store with a write-ahead log: what was written and not synced may be
/// lost by a crash, in whole batches from the end, the last of them torn.
class disk : public ports::store {
public:
  /// Appends to the log; it survives a crash only once `sync` has said so.
  void write(ports::batch x) { unsynced_.push_back(std::move(x)); }
  [[nodiscard]] std::size_t unsynced() const { return unsynced_.size(); }
  /// The oldest `n` of what was written are safe now.
  void sync(std::size_t n);
  /// Forgets what was not synced, but for some of its first bytes.
  void crash(dice& random);
  /// A new, empty disk.
  void lose();

  result<void> commit(std::span<const ports::batch> all) override;
  [[nodiscard]] result<std::optional<std::string>>
  get(ports::family in, std::string_view key) const override;
  [[nodiscard]] result<void>
  scan(ports::family in, std::string_view prefix, std::string_view from,
       const std::function<bool(std::string_view, std::string_view)>& take)
    const override;

private:
  void keep(ports::batch x);

  std::deque<ports::batch> unsynced_;
  std::array<std::map<std::string, std::string, std::less<>>, ports::families>
    kept_;
};

/// A batch as the log has it: length, checksum, bytes.
[[nodiscard]] std::string framed(const ports::batch& x);
/// Takes the next batch off the front; nullopt where it is torn.
[[nodiscard]] std::optional<ports::batch> next_framed(std::string_view& log);

} // namespace cheops::sim
