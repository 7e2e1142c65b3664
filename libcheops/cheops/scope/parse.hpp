#pragma once

#include "cheops/result.hpp"
#include "cheops/scope/tree.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cheops::scope {

/// Names that a parser may check against; an empty list checks nothing.
struct known_names {
  std::vector<std::string> sites; ///< Canonical.
  /// Name or alias, case folded -> canonical name of the service.
  std::map<std::string, std::string, std::less<>> services;
};

/// Where and why a text is not a scope.
struct syntax_error {
  std::size_t at = 0;          ///< Byte offset into the text.
  std::string what;            ///< What is wrong: "a site twice in one chain".
  std::string expected;        ///< What would have been right; may be empty.
  std::string nearest;         ///< "did you mean"; may be empty.
  errc code = errc::bad_scope; ///< Or unknown_site, unknown_service.
};

/// Three lines: the text (a window of it where it is long), a caret below
/// the character, the sentence. Control characters are shown escaped.
[[nodiscard]] std::string pointed(std::string_view text, const syntax_error&);

/// One sentence without the caret, for errors in HTTP bodies.
[[nodiscard]] error to_error(std::string_view text, const syntax_error&);

/// Longest text that is looked at, in bytes; longer is an error.
inline constexpr std::size_t text_bytes_max = 16 * 1024;

/// Deepest nesting of parentheses.
inline constexpr std::size_t depth_max = 64;

using parse_result = boost::system::result<tree, syntax_error>;

/// Linear in the text. Names come out in their canonical form where `known`
/// has them, else as they were written.
[[nodiscard]] parse_result parse(std::string_view text,
                                 const known_names& known = {});

[[noreturn]] void throw_exception_from_error(const syntax_error& x,
                                             const boost::source_location&);

} // namespace cheops::scope
