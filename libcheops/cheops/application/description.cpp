#include "cheops/application/description.hpp"

#include <algorithm>

namespace cheops::application {

std::string_view to_string(verb x) noexcept {
  switch (x) {
  case verb::create:
    return "create";
  case verb::read:
    return "read";
  case verb::list:
    return "list";
  case verb::update:
    return "update";
  case verb::remove:
    return "remove";
  case verb::other:
    break;
  }
  return "other";
}

std::string_view to_string(dependency x) noexcept {
  switch (x) {
  case dependency::requires_:
    return "requires";
  case dependency::relies_on:
    return "relies_on";
  case dependency::composed_of:
    break;
  }
  return "composed_of";
}

std::string_view to_string(error_shape x) noexcept {
  switch (x) {
  case error_shape::problem:
    return "problem";
  case error_shape::openstack:
    return "openstack";
  case error_shape::kubernetes:
    break;
  }
  return "kubernetes";
}

std::vector<std::string_view> parameters_of(std::string_view path_template) {
  std::vector<std::string_view> out;
  for (auto open = path_template.find('{'); open != std::string_view::npos;
       open = path_template.find('{', open + 1)) {
    auto close = path_template.find('}', open);
    if (close == std::string_view::npos)
      break;
    out.push_back(path_template.substr(open + 1, close - open - 1));
  }
  return out;
}

const operation*
resource::find(verb does,
               const std::vector<std::string_view>& parameters) const {
  auto fits = [&](const operation& x) {
    auto own = parameters_of(x.path);
    return x.does == does && std::ranges::is_permutation(own, parameters);
  };
  auto i = std::ranges::find_if(operations, fits);
  return i == operations.end() ? nullptr : &*i;
}

const service* description::find(std::string_view wanted) const noexcept {
  auto is_wanted = [&](const service& x) {
    return same_name(x.name.value, wanted)
           || std::ranges::any_of(x.aliases, [&](const std::string& alias) {
                return same_name(alias, wanted);
              });
  };
  auto i = std::ranges::find_if(services, is_wanted);
  return i == services.end() ? nullptr : &*i;
}

bool description::reaches(const service_id& from, const service_id& to) const {
  // Breadth first; `seen` is the queue too, and each service enters it once.
  std::vector<const service*> seen;
  auto visit = [&](const service_id& id) {
    const auto* x = find(id.value);
    if (x && std::ranges::find(seen, x) == seen.end())
      seen.push_back(x);
  };
  visit(from);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto& here = *seen[i];
    if (same_name(here.name.value, to.value))
      return true;
    for (const auto& called : here.calls)
      visit(called);
    for (const auto& owned : here.resources)
      for (const auto& other : owned.references)
        visit(other.service);
  }
  return false;
}

} // namespace cheops::application
