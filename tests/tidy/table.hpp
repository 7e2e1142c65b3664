#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The dependency table: which folder may include what. It is the one place
/// where an arrow is allowed; docs/architecture.md explains it.
namespace tidy {

/// Third-party headers that come and go together.
struct family {
  std::string_view name;
  std::vector<std::string_view> prefixes; ///< Of what stands between < and >.
};

[[nodiscard]] const std::vector<family>& families();

/// The family of an include in angle brackets: "std" for the standard
/// library; nullopt for what no family has.
[[nodiscard]] std::optional<std::string_view>
family_of(std::string_view include);

/// What the sources of one folder may include.
struct folder {
  std::string path;                    ///< "http/"; the longest match counts.
  std::vector<std::string> own;        ///< Prefixes of quoted includes.
  std::vector<std::string_view> third; ///< Names of families; std always.
};

/// The folder that a source of ours lies in; nullptr if the table has none.
[[nodiscard]] const folder* folder_of(std::string_view path);

} // namespace tidy
