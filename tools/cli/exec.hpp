#pragma once

#include <string>
#include <vector>

namespace cheops::cli {

/// Becomes the command; returns only if it cannot: exit_no_command or
/// exit_not_executable, after a line on stderr.
[[nodiscard]] int become(const std::vector<std::string>& command);

/// The folder of the running program.
[[nodiscard]] std::string own_folder();

} // namespace cheops::cli
