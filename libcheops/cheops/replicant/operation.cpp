#include "cheops/replicant/operation.hpp"

#include <algorithm>
#include <array>

namespace cheops::replicant {

std::string_view to_string(change x) noexcept {
  constexpr std::array<std::string_view, 4> names{"create", "replace", "patch",
                                                  "remove"};
  return names[static_cast<std::size_t>(x)];
}

bool operator==(const templated& a, const templated& b) {
  auto same = [](const traffic::header& x, const traffic::header& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.method == b.method && a.target == b.target && a.body == b.body
         && a.slots == b.slots && std::ranges::equal(a.fields, b.fields, same);
}

} // namespace cheops::replicant
