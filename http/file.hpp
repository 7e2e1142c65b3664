#pragma once

#include "cheops/result.hpp"

#include <string>
#include <string_view>
#include <sys/types.h>

/// Small files, most with secrets.
namespace cheops::http {

/// Reads a file whose content is nobody else's business. Errors: bad_config,
/// with the way out: it cannot be opened, is no plain file, is over 64 KiB, or
/// others than its owner and group may read or write it.
[[nodiscard]] result<std::string> read_secret(const std::string& file);

struct written {
  int why = 0;       ///< errno; 0: it is there, and synced.
  bool made = false; ///< It was created; what failed then is gone again.
};

/// Writes a file that was not there, with its mode from the first moment.
[[nodiscard]] written write_new(const std::string& file,
                                std::string_view content, mode_t mode);

/// Makes a file that `read_secret` takes, 0600, synced. Errors: bad_config
/// (there is one), io.
[[nodiscard]] result<void> write_secret(const std::string& file,
                                        std::string_view content);

} // namespace cheops::http
