#include "cheops/traffic/request.hpp"

#include "cheops/names.hpp"
#include "cheops/traffic/decide.hpp"

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

bool is_ours(std::string_view name) noexcept {
  if (name.size() == 5)
    return same_name(name, "scope");
  return name.size() > 7 && (name[0] == 'C' || name[0] == 'c')
         && same_name(name.substr(0, 7), "cheops-");
}

bool may_try_next(failure what, unsigned status, bool safe_method) noexcept {
  switch (what) {
  case failure::not_sent:
    return true;
  case failure::no_answer:
    return safe_method;
  case failure::status:
    return status == 429 || (status >= 500 && safe_method);
  case failure::node_refused:
    return status == 429 || status >= 500;
  }
  return false;
}

} // namespace cheops::traffic
