#pragma once

#include <caf/actor_addr.hpp>

#include <atomic>
#include <cstddef>
#include <memory>

namespace cheops::actors {

/// What this site has done with of the messages of one link, until the link
/// hears of it. Safe from any thread.
class ledger {
public:
  /// Tells `link` (with atom::settle) once this much has come together.
  ledger(caf::actor_addr link, std::size_t worth_telling)
    : link_(std::move(link)), worth_telling_(worth_telling) {}

  void give_back(std::size_t cost) noexcept;

  /// All that came together since the last call.
  [[nodiscard]] std::size_t collect() noexcept { return done_.exchange(0); }

private:
  const caf::actor_addr link_;
  const std::size_t worth_telling_;
  std::atomic<std::size_t> done_ = 0;
};

/// Goes with a message of a peer wherever it goes in this site. When the
/// last copy is gone, whoever had the message has done with it (or has died),
/// and the peer may send as much again. Who keeps the work but not the
/// message keeps this.
class receipt {
public:
  receipt(std::shared_ptr<ledger> to, std::size_t cost)
    : to_(std::move(to)), cost_(cost) {}
  receipt(const receipt&) = delete;
  receipt& operator=(const receipt&) = delete;
  ~receipt() { to_->give_back(cost_); }

private:
  const std::shared_ptr<ledger> to_;
  const std::size_t cost_;
};

/// Null for what did not come over a link.
using receipt_ptr = std::shared_ptr<const receipt>;

} // namespace cheops::actors
