#pragma once

#include "cheops/result.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

/// Child processes that end when the runner ends, however it ends.
namespace cheops::scenario {

struct launch {
  std::vector<std::string> command; ///< The program is looked up in PATH.
  std::string log;                  ///< Output and errors are appended here.
  int network = -1;                 ///< A namespace's descriptor, or none.
};

/// A child in a process group of its own. The kernel kills it when the
/// thread that started it dies, so processes are started by the main thread.
class process {
public:
  /// Errors: io (it cannot be started).
  [[nodiscard]] static result<std::unique_ptr<process>> start(const launch& x);

  ~process(); ///< Kills its whole group and reaps it.
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// How it ended, as text; nullopt while it runs.
  [[nodiscard]] std::optional<std::string> ended();
  /// Whether it ended by itself with status 0.
  [[nodiscard]] bool succeeded();
  /// To the whole group.
  void signal(int number) const noexcept;
  /// Waits until it has ended; false if it still runs.
  [[nodiscard]] bool wait(std::chrono::milliseconds at_most);
  /// SIGTERM, then SIGKILL after `grace`. Whether it ended within it.
  bool stop(std::chrono::milliseconds grace);

private:
  explicit process(pid_t pid, int handle) : pid_(pid), handle_(handle) {}
  void reap(bool block);

  pid_t pid_;
  int handle_; ///< pidfd: readable once it has ended.
  bool reaped_ = false;
  int status_ = 0;
};

/// From now on SIGINT and SIGTERM end every child, remove `folder` (where it
/// is not empty) and exit with 130. Call it before other threads start.
void end_on_signals(std::string folder);

/// What /proc says of a process. Nullopt: it is gone.
[[nodiscard]] std::optional<std::uint64_t> resident_bytes(pid_t pid);
[[nodiscard]] std::optional<std::uint64_t> peak_resident_bytes(pid_t pid);
/// Makes the peak start anew from what is resident now.
void reset_peak(pid_t pid);
[[nodiscard]] std::optional<std::size_t> open_descriptors(pid_t pid);

} // namespace cheops::scenario
