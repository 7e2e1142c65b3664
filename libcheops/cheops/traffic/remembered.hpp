#pragma once

#include "cheops/traffic/correlation.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace cheops::traffic {

/// A table with a bound in number and in time: an entry leaves when its time
/// has come, and the one unused for longest when the table is full. Safe to
/// call from every thread. Values are copied out: keep them small, or shared.
template <class Value>
class remembered {
public:
  explicit remembered(std::size_t entries_max)
    : most_(std::max<std::size_t>(1, entries_max)) {}

  void put(const std::string& key, Value what, clock::time_point until) {
    std::lock_guard lock{guard_};
    auto i = entries_.find(key);
    if (i == entries_.end()) {
      if (entries_.size() >= most_)
        erase(entries_.find(order_.front()));
      i = entries_.emplace(key, entry{}).first;
      i->second.place = order_.insert(order_.end(), key);
    } else {
      order_.splice(order_.end(), order_, i->second.place);
    }
    i->second.what = std::move(what);
    i->second.until = until;
    count_.store(entries_.size(), std::memory_order_relaxed);
  }

  [[nodiscard]] std::optional<Value> find(const std::string& key,
                                          clock::time_point now) {
    return look(key, now, std::nullopt);
  }
  /// The same; what is found stays until `until`, if that is later.
  [[nodiscard]] std::optional<Value>
  find(const std::string& key, clock::time_point now, clock::time_point until) {
    return look(key, now, until);
  }

  void forget(const std::string& key) {
    if (empty())
      return;
    std::lock_guard lock{guard_};
    if (auto i = entries_.find(key); i != entries_.end())
      erase(i);
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  /// One load: nothing is looked up in a table that is not used.
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

private:
  struct entry {
    Value what{};
    clock::time_point until;
    std::list<std::string>::iterator place;
  };
  using entry_map = std::unordered_map<std::string, entry>;

  std::optional<Value> look(const std::string& key, clock::time_point now,
                            std::optional<clock::time_point> longer) {
    if (empty())
      return std::nullopt;
    std::lock_guard lock{guard_};
    auto i = entries_.find(key);
    if (i == entries_.end())
      return std::nullopt;
    if (i->second.until <= now) {
      erase(i);
      return std::nullopt;
    }
    if (longer)
      i->second.until = std::max(i->second.until, *longer);
    order_.splice(order_.end(), order_, i->second.place);
    return i->second.what;
  }

  void erase(typename entry_map::iterator i) {
    assert(i != entries_.end());
    order_.erase(i->second.place);
    entries_.erase(i);
    count_.store(entries_.size(), std::memory_order_relaxed);
  }

  const std::size_t most_;
  std::mutex guard_;
  entry_map entries_;
  std::list<std::string> order_; ///< The one unused for longest in front.
  std::atomic<std::size_t> count_{0};
};

} // namespace cheops::traffic
