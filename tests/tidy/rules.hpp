#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

/// The style rules that a program can check (CONTRIBUTING.md).
namespace tidy {

struct file {
  std::string path; ///< From the top of the project.
  std::string text;
};

struct finding {
  std::string path;
  std::size_t line = 0; ///< From 1.
  std::string what;
};

using findings = std::vector<finding>;

inline constexpr std::size_t file_lines_max = 600;
inline constexpr std::size_t function_lines_max = 70;
inline constexpr std::size_t columns_max = 80;

/// The text with the contents of comments, strings and
/// preprocessor lines replaced by spaces; lines stay where they are.
[[nodiscard]] std::string code_of(const std::string& text);

/// Only arrows of the dependency table.
[[nodiscard]] findings check_includes(const file& x);
/// A source includes its own header first. `paths`: all files there are.
[[nodiscard]] findings check_own_header(const file& x,
                                        const std::set<std::string>& paths);
/// Headers begin with `#pragma once`, before any code.
[[nodiscard]] findings check_guard(const file& x);
/// Lines in a file, columns in a line, lines in a function.
[[nodiscard]] findings check_sizes(const file& x);
/// Constructs that we do without, each where the rule holds.
[[nodiscard]] findings check_constructs(const file& x);
/// Words that do not belong into the project; for files of every kind.
[[nodiscard]] findings check_words(const file& x);
/// Relative links of Markdown files lead to files that are there.
[[nodiscard]] findings check_links(const file& x,
                                   const std::set<std::string>& paths);

/// Every rule that applies to a file of this name.
[[nodiscard]] findings check(const file& x, const std::set<std::string>& paths);

} // namespace tidy
