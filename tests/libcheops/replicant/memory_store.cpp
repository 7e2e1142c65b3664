#include "memory_store.hpp"

namespace cheops::replicant::testing {

result<void> memory_store::commit(std::span<const ports::batch> all) {
  for (const auto& b : all)
    for (const auto& w : b.writes) {
      auto& in = (*this)[w.in];
      if (w.value)
        in.insert_or_assign(w.key, *w.value);
      else
        in.erase(w.key);
    }
  return {};
}

result<std::optional<std::string>>
memory_store::get(ports::family in, std::string_view key) const {
  const auto& all = kept_[static_cast<std::size_t>(in)];
  auto i = all.find(key);
  return i == all.end() ? std::nullopt : std::optional{i->second};
}

result<void> memory_store::scan(
  ports::family in, std::string_view prefix, std::string_view from,
  const std::function<bool(std::string_view, std::string_view)>& take) const {
  const auto& all = kept_[static_cast<std::size_t>(in)];
  auto start = std::string{prefix} + std::string{from};
  for (auto i = all.lower_bound(start);
       i != all.end() && i->first.starts_with(prefix); ++i)
    if (!take(i->first, i->second))
      break;
  return {};
}

} // namespace cheops::replicant::testing
