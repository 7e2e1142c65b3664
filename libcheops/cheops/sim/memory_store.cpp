#include "cheops/sim/memory_store.hpp"

namespace cheops::sim {

void memory_store::keep(ports::batch x) {
  for (auto& w : x.writes) {
    auto& in = (*this)[w.in];
    if (w.value)
      in.insert_or_assign(std::move(w.key), std::move(*w.value));
    else
      in.erase(w.key);
  }
}

void memory_store::clear() {
  for (auto& x : kept_)
    x.clear();
}

result<void> memory_store::commit(std::span<const ports::batch> all) {
  for (const auto& x : all)
    keep(x);
  return {};
}

result<std::optional<std::string>>
memory_store::get(ports::family in, std::string_view key) const {
  const auto& all = kept_[static_cast<std::size_t>(in)];
  auto i = all.find(key);
  if (i == all.end())
    return std::optional<std::string>{};
  return std::optional{i->second};
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

} // namespace cheops::sim
