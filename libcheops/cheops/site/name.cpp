#include "cheops/site/name.hpp"

#include <algorithm>

namespace cheops::site {

bool is_name(std::string_view x) noexcept {
  auto refused = [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f || c == '/';
  };
  return !x.empty() && x.size() <= name_bytes_max && x != "*" && x != "."
         && x != ".." && x.front() != ' ' && x.back() != ' '
         && std::ranges::none_of(x, refused);
}

} // namespace cheops::site
