#pragma once

#include "cheops/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace cheops::cli {

/// The wrapper script of a client; empty if there is none for it.
[[nodiscard]] std::string shim_script(std::string_view name);

/// Whether a file is one of our wrappers.
[[nodiscard]] bool is_shim(const std::filesystem::path& file);

/// Writes the wrapper. Errors: forbidden (another program is there), io.
[[nodiscard]] result<void> install_shim(std::string_view name,
                                        const std::filesystem::path& at);

} // namespace cheops::cli
