#pragma once

#include "cheops/scope/parse.hpp"

/// parse() with its work counted; internal to scope/ and its tests.
namespace cheops::scope {

struct counted_parse {
  parse_result outcome;
  /// Code points looked at, tokens looked at, bytes printed to check the
  /// canonical form: what the time of a parse is made of.
  std::size_t steps = 0;
};

[[nodiscard]] counted_parse parse_counted(std::string_view text,
                                          const known_names& known);

} // namespace cheops::scope
