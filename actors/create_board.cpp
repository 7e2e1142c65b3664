#include "actors/create_board.hpp"

namespace cheops::actors {

namespace {

/// Ids are the whole name, or its last part.
bool is_named(std::string_view whole, std::string_view id) {
  if (!whole.ends_with(id))
    return false;
  auto before = whole.substr(0, whole.size() - id.size());
  return before.empty() || before.ends_with('/');
}

} // namespace

void create_board::begin(const replicant::meta_id& of,
                         const service_id& service, std::string_view kind,
                         std::string_view name) {
  std::lock_guard lock{guard_};
  auto [i, fresh] = of_.try_emplace(of, service.value, kind, last_ + 1);
  if (!fresh)
    return;
  ++last_;
  all_.emplace(i->second, name);
  size_ = all_.size();
}

void create_board::end(const replicant::meta_id& of) {
  if (empty())
    return;
  std::lock_guard lock{guard_};
  auto i = of_.find(of);
  if (i == of_.end())
    return;
  all_.erase(i->second);
  of_.erase(i);
  size_ = all_.size();
}

std::optional<ports::open_creates>
create_board::find(const service_id& service, std::string_view kind,
                   std::string_view name) const {
  if (empty())
    return std::nullopt;
  std::optional<ports::open_creates> out;
  std::lock_guard lock{guard_};
  for (auto i = all_.lower_bound({service.value, std::string{kind}, 0});
       i != all_.end(); ++i) {
    const auto& [of_service, of_kind, number] = i->first;
    if (of_service != service.value || of_kind != kind)
      break;
    if (!name.empty() && !i->second.empty() && !is_named(i->second, name))
      continue;
    if (!out)
      out = ports::open_creates{number, number};
    out->newest = number;
  }
  return out;
}

} // namespace cheops::actors
