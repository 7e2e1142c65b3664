#pragma once

#include "cheops/result.hpp"

#include <string>
#include <string_view>

/// Small files with secrets.
namespace cheops::http {

/// Reads a file whose content is nobody else's business. Errors: bad_config,
/// with the way out: it cannot be opened, is no plain file, is over 64 KiB, or
/// others than its owner and group may read or write it.
[[nodiscard]] result<std::string> read_secret(const std::string& file);

/// Makes such a file, 0600, synced. Errors: bad_config (there is one), io.
[[nodiscard]] result<void> write_secret(const std::string& file,
                                        std::string_view content);

} // namespace cheops::http
