#pragma once

#include "cheops/result.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The tree behind glue/yaml.hpp. Only yaml.cpp and yaml_tree.cpp include it.
namespace cheops::glue::yaml {

struct entry;

struct value {
  enum class kind { null, scalar, list, map };
  kind what = kind::null;
  bool plain = true; ///< A scalar without quotes.
  int line = 1;      ///< From 1, as editors count.
  int column = 1;
  std::string text;           ///< Of a scalar.
  std::vector<value> items;   ///< Of a list.
  std::vector<entry> entries; ///< Of a map.

  // What readers did with a map, for the search for unknown keys.
  mutable bool taken_whole = false;
  mutable std::vector<std::string> asked;
};

struct entry {
  std::string key;
  int line = 1;
  int column = 1;
  value what;
};

/// Something wrong, at a place (line 0: the file as a whole).
struct complaint {
  int line = 0;
  int column = 0;
  std::string text;
};

using tree_result = boost::system::result<value, complaint>;

[[noreturn]] void throw_exception_from_error(const complaint& x,
                                             const boost::source_location&);

/// Parses one document within the bounds that yaml.hpp names.
[[nodiscard]] tree_result parse_tree(std::string_view text);

/// `x` in quotes, clipped, control characters escaped.
[[nodiscard]] std::string quoted(std::string_view x);

} // namespace cheops::glue::yaml
