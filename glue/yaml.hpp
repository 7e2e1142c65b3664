#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// A strict reader of YAML files that people write.
///
/// A reader asks for the keys that it knows and never stops at an error:
///
///     auto file = yaml::read_file(path);
///     if (!file)
///       return file.error();
///     auto root = file->root();
///     settings out;
///     out.name = root.at("name").as<std::string>();
///     root.read("limit", out.limit, 1U, 100U);     // Keeps its default.
///     for (const auto& x : root.optional("peers").each())
///       out.peers.push_back(read_peer(x));
///     if (auto ok = file->check(); !ok)
///       return ok.error();
///
/// What goes wrong is collected: check() gives one error (bad_config) with a
/// line for each complaint, `site.yaml:12:5: fronts[0].listen: expected
/// host:port, found "x"`. It also finds the keys that nobody asked for.
namespace cheops::glue::yaml {

struct value; // A node of the parsed tree; yaml_tree.hpp.
struct state; // Of a document: the tree and the complaints.

/// A size in bytes: "64KiB", "3MiB", or a plain number.
struct bytes {
  std::uint64_t count = 0;
  friend auto operator<=>(const bytes&, const bytes&) = default;
};

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

/// A place in a file: its value, or that there is none. Reading from a place
/// without a value gives a default and no complaint (at() made it already).
class node {
public:
  node() = default;

  /// There is a value here; `key:` with nothing behind it has none.
  [[nodiscard]] explicit operator bool() const noexcept;
  [[nodiscard]] bool is_text() const noexcept; ///< Any scalar.
  [[nodiscard]] bool is_list() const noexcept;
  [[nodiscard]] bool is_map() const noexcept;

  /// The value of a key of this mapping; complains where it is missing.
  [[nodiscard]] node at(std::string_view key) const;
  /// The same, but it may be missing.
  [[nodiscard]] node optional(std::string_view key) const;
  /// The items of this list.
  [[nodiscard]] std::vector<node> each() const;
  /// All entries of this mapping, in order, whatever their keys.
  [[nodiscard]] std::vector<std::pair<std::string, node>> entries() const;

  /// The value as bool, std::string, an integer, double, a duration, `bytes`
  /// or mesh::address; `T{}` after a complaint.
  template <class T>
  [[nodiscard]] T as() const;
  /// The same for amounts, within bounds (both allowed).
  template <class T>
  [[nodiscard]] T as(T low, T high) const;
  /// One of some words: as<colour>({{"red", colour::red}, …}).
  template <class T>
  [[nodiscard]] T
  as(std::initializer_list<std::pair<std::string_view, T>> words) const;

  /// Reads an optional key into `to`, which keeps its value if it is missing.
  template <class T>
  void read(std::string_view key, T& to) const;
  template <class T>
  void read(std::string_view key, T& to, std::type_identity_t<T> low,
            std::type_identity_t<T> high) const;

  /// Adds a complaint of the caller's about this place.
  void fail(std::string_view what) const;
  /// Complains: "expected …, found …".
  void expected(std::string_view what) const;

  /// "fronts[0].listen"; empty for the root.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// "site.yaml:12:5".
  [[nodiscard]] std::string where() const;

private:
  friend class document;
  node(std::shared_ptr<state> of, const value* what, std::string path)
    : of_(std::move(of)), what_(what), path_(std::move(path)) {}

  [[nodiscard]] node child(std::string_view key, const value* what) const;
  [[nodiscard]] bool is_map_or_fail() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool truth() const;
  [[nodiscard]] std::int64_t integer(std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::uint64_t natural(std::uint64_t low,
                                      std::uint64_t high) const;
  [[nodiscard]] double real(double low, double high) const;
  [[nodiscard]] std::chrono::microseconds
  duration(std::chrono::microseconds low, std::chrono::microseconds high) const;
  [[nodiscard]] std::uint64_t size(std::uint64_t low, std::uint64_t high) const;
  [[nodiscard]] mesh::address address() const;
  /// The index of the word; `words.size()` after a complaint.
  [[nodiscard]] std::size_t
  word(const std::vector<std::string_view>& words) const;

  std::shared_ptr<state> of_;
  const value* what_ = nullptr;
  std::string path_;
};

/// A parsed file.
class document {
public:
  [[nodiscard]] node root() const;
  /// No complaint so far.
  [[nodiscard]] bool clean() const noexcept;
  /// Ends the reading: complaints, and mappings' keys that nobody asked for.
  [[nodiscard]] result<void> check() const;

private:
  friend result<document> parse(std::string_view, std::string);
  explicit document(std::shared_ptr<state> of) : of_(std::move(of)) {}
  std::shared_ptr<state> of_;
};

/// Bounds of what is read; beyond them a file is refused.
inline constexpr std::size_t file_bytes_max = 1024 * 1024;
inline constexpr std::size_t depth_max = 64;

/// Parses one YAML document. `name` stands for the file in complaints.
/// Refused: duplicate keys, explicit tags, keys that are not scalars, several
/// documents, and aliases that blow a file up.
[[nodiscard]] result<document> parse(std::string_view text, std::string name);

/// Reads and parses a file.
[[nodiscard]] result<document> read_file(const std::string& path);

// -- templates ---------------------------------------------------------------

template <class T>
T node::as() const {
  if constexpr (std::is_same_v<T, bool>)
    return truth();
  else if constexpr (std::is_same_v<T, std::string>)
    return text();
  else if constexpr (std::is_same_v<T, mesh::address>)
    return address();
  else if constexpr (std::is_same_v<T, bytes>)
    return as(bytes{0}, bytes{std::numeric_limits<std::uint64_t>::max()});
  else if constexpr (is_duration<T>)
    return as(T{0}, std::chrono::floor<T>(std::chrono::hours{24 * 36'500}));
  else
    return as(std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max());
}

template <class T>
T node::as(T low, T high) const {
  if constexpr (std::is_same_v<T, bytes>)
    return bytes{size(low.count, high.count)};
  else if constexpr (is_duration<T>)
    return std::chrono::floor<T>(duration(low, high));
  else if constexpr (std::floating_point<T>)
    return static_cast<T>(real(low, high));
  else if constexpr (std::unsigned_integral<T>)
    return static_cast<T>(natural(low, high));
  else
    return static_cast<T>(integer(low, high));
}

template <class T>
T node::as(std::initializer_list<std::pair<std::string_view, T>> words) const {
  std::vector<std::string_view> names;
  for (const auto& x : words)
    names.push_back(x.first);
  auto i = word(names);
  return i < words.size() ? (words.begin() + i)->second : T{};
}

template <class T>
void node::read(std::string_view key, T& to) const {
  if (auto x = optional(key))
    to = x.as<T>();
}

template <class T>
void node::read(std::string_view key, T& to, std::type_identity_t<T> low,
                std::type_identity_t<T> high) const {
  if (auto x = optional(key))
    to = x.as<T>(low, high);
}

} // namespace cheops::glue::yaml
