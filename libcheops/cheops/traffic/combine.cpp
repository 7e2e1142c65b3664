#include "cheops/traffic/combine.hpp"

#include <algorithm>

namespace cheops::traffic {

namespace {

/// Null: `in` says nothing of that service.
const scope::placement* placement_of(const scope::tree& in,
                                     const std::string& name,
                                     const application::description& app) {
  const auto* wanted = app.find(name);
  auto is_it = [&](const auto& entry) {
    const auto* one = app.find(entry.first);
    return wanted != nullptr ? one == wanted : same_name(entry.first, name);
  };
  auto i = std::ranges::find_if(in.services, is_it);
  return i == in.services.end() ? nullptr : &i->second;
}

} // namespace

bool agrees(const scope::tree& part, const scope::tree& whole,
            const application::description& app) {
  return std::ranges::all_of(part.services, [&](const auto& entry) {
    const auto* there = placement_of(whole, entry.first, app);
    return there != nullptr && *there == entry.second;
  });
}

scope::tree completed(scope::tree asked, const scope::tree& kept,
                      const service_id& front,
                      const application::description& app) {
  if (placement_of(asked, scope::every_service, app) != nullptr)
    return asked; // It speaks of all there is.
  for (const auto& [name, where] : kept.services) {
    const auto* service = app.find(name);
    if (service != nullptr && app.reaches(front, service->name)
        && placement_of(asked, name, app) == nullptr)
      asked.services.emplace_back(name, where);
  }
  return asked;
}

} // namespace cheops::traffic
