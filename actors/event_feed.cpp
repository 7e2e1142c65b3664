#include "actors/event_feed.hpp"

#include <algorithm>

namespace cheops::actors {

void event_feed::add(const replicant::meta_id& meta, replicant::event what) {
  ports::feed_event x{0, std::chrono::system_clock::now(), meta,
                      std::move(what)};
  std::lock_guard lock{guard_};
  x.sequence = ++newest_;
  kept_.push_back(std::move(x));
  if (kept_.size() > kept_max_)
    kept_.pop_front();
}

ports::feed_page event_feed::behind(std::uint64_t sequence,
                                    std::size_t max) const {
  ports::feed_page out;
  std::lock_guard lock{guard_};
  out.newest = newest_;
  auto first = newest_ + 1 - kept_.size();
  // Who comes from before a restart begins anew.
  if (sequence > newest_)
    sequence = 0;
  out.missed = sequence + 1 < first;
  auto from = out.missed ? 0 : sequence + 1 - first;
  for (auto i = from; i < kept_.size() && out.events.size() < max; ++i)
    out.events.push_back(kept_[i]);
  return out;
}

} // namespace cheops::actors
