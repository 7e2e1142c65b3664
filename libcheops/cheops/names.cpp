#include "cheops/names.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace cheops {

namespace {

constexpr char fold(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, fold, fold);
}

bool begins_with_name(std::string_view x, std::string_view start) noexcept {
  return same_name(x.substr(0, start.size()), start);
}

std::string fold_case(std::string_view x) {
  std::string out{x};
  std::ranges::transform(out, out.begin(), fold);
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto same = fold(a[i]) == fold(b[j]);
      auto best =
        std::min({diagonal + (same ? 0U : 1U), row[j] + 1, row[j + 1] + 1});
      diagonal = row[j + 1];
      row[j + 1] = best;
    }
  }
  return row[b.size()];
}

} // namespace cheops
