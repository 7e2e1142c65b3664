#pragma once

#include "cheops/sim/memory_store.hpp"

#include <atomic>
#include <mutex>

namespace cheops::support {

/// A store for many threads, which outlives the node that uses it, as a disk
/// does.
class memory_store final : public ports::store {
public:
  [[nodiscard]] result<void> commit(std::span<const ports::batch> all) override;
  [[nodiscard]] result<std::optional<std::string>>
  get(ports::family in, std::string_view key) const override;
  [[nodiscard]] result<void>
  scan(ports::family in, std::string_view prefix, std::string_view from,
       const std::function<bool(std::string_view key, std::string_view value)>&
         take) const override;

  [[nodiscard]] std::size_t count(ports::family in) const;

  std::atomic<bool> fails{false}; ///< Each commit from now on.

private:
  mutable std::mutex guard_;
  sim::memory_store kept_;
};

} // namespace cheops::support
