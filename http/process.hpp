#pragma once

#include <cstdint>

namespace cheops::http {

/// What the kernel says of this process; 0 where it says nothing.
struct process_figures {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
  double cpu_seconds = 0;   ///< User and system.
  double start_seconds = 0; ///< Unix time.
};

[[nodiscard]] process_figures read_process();

} // namespace cheops::http
