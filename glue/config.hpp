#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <string>
#include <string_view>

/// Site configurations: files of the form that docs/configuration.md
/// documents.
namespace cheops::glue {

/// Reads a configuration, and the application's description for the names of
/// its services, and checks that both make sense together. Paths come out
/// absolute; relative ones are relative to the file's folder. Opens no other
/// file: certificates are read by who uses them. Errors: bad_config, a line
/// for each complaint.
[[nodiscard]] result<site::config> load_config(const std::string& path);

/// The same from a text; `path` stands for its file.
[[nodiscard]] result<site::config> parse_config(std::string_view text,
                                                const std::string& path);

} // namespace cheops::glue
