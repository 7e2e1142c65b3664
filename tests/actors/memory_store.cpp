#include "actors/memory_store.hpp"

namespace cheops::support {

result<void> memory_store::commit(std::span<const ports::batch> all) {
  if (fails)
    return error{errc::io, "the disk is full", {}, "write the store", {}};
  std::lock_guard lock{guard_};
  for (const auto& b : all)
    for (const auto& w : b.writes) {
      auto& to = all_[static_cast<std::size_t>(w.in)];
      if (w.value)
        to.insert_or_assign(w.key, *w.value);
      else
        to.erase(w.key);
    }
  return {};
}

result<std::optional<std::string>>
memory_store::get(ports::family in, std::string_view key) const {
  std::lock_guard lock{guard_};
  const auto& from = all_[static_cast<std::size_t>(in)];
  auto i = from.find(key);
  return i == from.end() ? std::optional<std::string>{}
                         : std::optional{i->second};
}

result<void> memory_store::scan(
  ports::family in, std::string_view prefix, std::string_view from,
  const std::function<bool(std::string_view key, std::string_view value)>& take)
  const {
  std::map<std::string, std::string, std::less<>> found;
  {
    std::lock_guard lock{guard_};
    const auto& all = all_[static_cast<std::size_t>(in)];
    auto i = all.lower_bound(std::string{prefix} + std::string{from});
    for (; i != all.end() && i->first.starts_with(prefix); ++i)
      found.insert(*i);
  }
  for (const auto& [key, value] : found)
    if (!take(key, value))
      break;
  return {};
}

std::size_t memory_store::count(ports::family in) const {
  std::lock_guard lock{guard_};
  return all_[static_cast<std::size_t>(in)].size();
}

} // namespace cheops::support
