#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How answers look: tables for people, JSON and YAML for programs.
namespace cheops::cli {

enum class format : std::uint8_t { table, wide, json, yaml, name };

/// nullopt if there is none of that name.
[[nodiscard]] std::optional<format> to_format(std::string_view x);

struct column {
  std::string title;      ///< Upper case, as kubectl writes them.
  bool wide_only = false; ///< Shown with `-o wide` alone.
};

struct table {
  std::string kind; ///< "site": `-o name` writes site/Site1.
  std::vector<column> columns;
  /// Cells as columns; the first is the name. An empty cell shows as "-".
  std::vector<std::vector<std::string>> rows;
};

/// `whole`: what JSON and YAML show.
[[nodiscard]] std::string render(const table& x,
                                 const boost::json::value& whole, format as,
                                 bool headers = true);

/// Columns padded to their widest cell, three spaces between; nothing after
/// the last. Widths count code points.
[[nodiscard]] std::string to_text(const table& x, bool wide, bool headers);

/// JSON in two-space indentation.
[[nodiscard]] std::string to_pretty_json(const boost::json::value& x);

/// YAML 1.2; text that could be read as anything else is quoted.
[[nodiscard]] std::string to_yaml(const boost::json::value& x);

} // namespace cheops::cli
