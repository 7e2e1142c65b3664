#include "actors/memory_store.hpp"

#include <vector>

namespace cheops::support {

result<void> memory_store::commit(std::span<const ports::batch> all) {
  if (fails)
    return error{errc::io, "the disk is full", {}, "write the store", {}};
  std::lock_guard lock{guard_};
  return kept_.commit(all);
}

result<std::optional<std::string>>
memory_store::get(ports::family in, std::string_view key) const {
  std::lock_guard lock{guard_};
  return kept_.get(in, key);
}

result<void> memory_store::scan(
  ports::family in, std::string_view prefix, std::string_view from,
  const std::function<bool(std::string_view key, std::string_view value)>& take)
  const {
  // What is told may ask for more, or write.
  std::vector<std::pair<std::string, std::string>> found;
  {
    std::lock_guard lock{guard_};
    auto done = kept_.scan(in, prefix, from, [&](auto key, auto value) {
      found.emplace_back(key, value);
      return true;
    });
    if (!done)
      return done;
  }
  for (const auto& [key, value] : found)
    if (!take(key, value))
      break;
  return {};
}

std::size_t memory_store::count(ports::family in) const {
  std::size_t n = 0;
  auto done = scan(in, {}, {}, [&](auto, auto) {
    ++n;
    return true;
  });
  return done ? n : 0;
}

} // namespace cheops::support
