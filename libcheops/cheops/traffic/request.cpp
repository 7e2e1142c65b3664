#include "cheops/traffic/request.hpp"

#include "cheops/names.hpp"

#include <algorithm>

namespace cheops::traffic {

std::string_view request_view::get(std::string_view name) const noexcept {
  for (const auto& x : fields)
    if (same_name(x.name, name))
      return x.value;
  return {};
}

std::size_t request_view::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
    fields, [&](const field& x) { return same_name(x.name, name); }));
}

} // namespace cheops::traffic
