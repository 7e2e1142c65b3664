#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace cheops {

/// A name that cannot be taken for a name of another kind.
template <class Kind>
struct name_of {
  std::string value;

  name_of() = default;
  explicit name_of(std::string x) : value(std::move(x)) {}

  [[nodiscard]] bool empty() const noexcept { return value.empty(); }
  friend bool operator==(const name_of&, const name_of&) = default;
  friend auto operator<=>(const name_of&, const name_of&) = default;
};

/// A site's name in its canonical form, as its configuration writes it.
using site_id = name_of<struct site_kind>;

/// A service's name in its canonical form, as the description writes it.
using service_id = name_of<struct service_kind>;

/// Names match whatever their case: ASCII letters are folded, the rest of
/// UTF-8 is compared byte by byte.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;
/// Whether `x` begins so, in any case; there may be nothing behind it.
[[nodiscard]] bool begins_with_name(std::string_view x,
                                    std::string_view start) noexcept;
[[nodiscard]] std::string fold_case(std::string_view x);

/// Edit distance (Levenshtein, case folded), for "did you mean": O(n*m), so
/// callers bound both lengths (names are at most 253 bytes).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `x`, or "" if none is near enough to suggest
/// (more than a third of the letters differ).
template <class Range>
[[nodiscard]] std::string nearest_name(std::string_view x, const Range& all) {
  std::string best;
  auto limit = x.size() / 3 + 1;
  for (const auto& candidate : all) {
    auto d = edit_distance(x, candidate);
    if (d <= limit) {
      limit = d == 0 ? 0 : d - 1;
      best = candidate;
    }
  }
  return best;
}

} // namespace cheops

template <class Kind>
struct std::hash<cheops::name_of<Kind>> {
  std::size_t operator()(const cheops::name_of<Kind>& x) const noexcept {
    return std::hash<std::string>{}(x.value);
  }
};
