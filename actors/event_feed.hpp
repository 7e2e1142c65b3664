#pragma once

#include "cheops/replication.hpp"

#include <deque>
#include <mutex>

namespace cheops::actors {

/// The newest events, for whoever follows them. From any thread.
class event_feed {
public:
  explicit event_feed(std::size_t kept_max) : kept_max_(kept_max) {}

  void add(const replicant::meta_id& meta, replicant::event what);
  [[nodiscard]] ports::feed_page behind(std::uint64_t sequence,
                                        std::size_t max) const;

private:
  std::size_t kept_max_;
  mutable std::mutex guard_;
  std::deque<ports::feed_event> kept_;
  std::uint64_t newest_ = 0;
};

} // namespace cheops::actors
