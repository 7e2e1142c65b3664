#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Application descriptions: files of the form that docs/applications.md
/// documents.
namespace cheops::glue {

/// Reads a description and checks that it makes sense. `where` is a file, or
/// a bare name ("demo"), which is looked for in description_folders().
/// Errors: bad_config, a line for each complaint.
[[nodiscard]] result<application::description>
load_description(const std::string& where);

/// The same from a text; `name` stands for the file in complaints.
[[nodiscard]] result<application::description>
parse_description(std::string_view text, std::string name);

/// Whether `where` is a bare name: no slash in it, and no .yaml or .yml at
/// its end.
[[nodiscard]] bool is_bare_name(std::string_view where) noexcept;

/// The file of a bare name. Errors: bad_config, with the folders that were
/// looked into and the nearest name there.
[[nodiscard]] result<std::string> find_description(const std::string& name);

/// Where bare names are looked for, first to last: each folder of
/// $CHEOPS_APPLICATIONS (separated by colons); of the installation or source
/// tree that the running program belongs to; of the system.
[[nodiscard]] std::vector<std::string> description_folders();

} // namespace cheops::glue
