#pragma once

#include <boost/json/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// The scope language: docs/scope-lang.md.
namespace cheops::scope {

struct placement;

/// One site by name.
struct site {
  std::string name;
  friend bool operator==(const site&, const site&) = default;
};

/// `A & B`: on every one. Chains are flat; a nested `all` was parenthesised.
struct all {
  std::vector<placement> parts;
  friend bool operator==(const all&, const all&);
};

/// `A % B`: one resource spread over them.
struct cross {
  std::vector<placement> parts;
  friend bool operator==(const cross&, const cross&);
};

/// `A || B`: the first that can be reached.
struct any {
  std::vector<placement> parts;
  friend bool operator==(const any&, const any&);
};

/// `around(A, 50ms)`: every site whose round trip to A is at most that.
struct around {
  std::string site;
  std::chrono::microseconds within{0};
  friend bool operator==(const around&, const around&) = default;
};

/// `2@A`, and chains of such with `&`: so many copies on each.
struct copies {
  std::uint32_t count = 1;
  std::string site;
  friend bool operator==(const copies&, const copies&) = default;
};
struct set {
  std::vector<copies> parts;
  friend bool operator==(const set&, const set&) = default;
};

struct placement {
  std::variant<site, all, cross, any, around, set> node;
  friend bool operator==(const placement&, const placement&) = default;
};

/// The name that stands for "the application's one service", and for the
/// `around:` and `set:` entries.
inline constexpr const char* every_service = "*";

/// A whole scope: each service once, in the order written.
struct tree {
  std::vector<std::pair<std::string, placement>> services;
  std::optional<std::string> prime; ///< The arbiter of a `%`.
  friend bool operator==(const tree&, const tree&) = default;
};

/// Canonical text: parse(to_string(x)) == x.
[[nodiscard]] std::string to_string(const tree& x);
[[nodiscard]] std::string to_string(const placement& x);

/// The form that docs/scope-lang.md fixes (`cheops scope parse`).
[[nodiscard]] boost::json::value to_json(const tree& x);

} // namespace cheops::scope
