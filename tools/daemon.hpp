#pragma once

#include "cheops/result.hpp"

#include <csignal>
#include <string_view>

/// What systemd and the shell expect of a daemon.
namespace cheops::tools {

/// Blocks the signals that `next_signal` waits for, in every thread that is
/// started later; ignores SIGPIPE. To be called first.
void block_signals();

/// Waits for SIGHUP, SIGTERM, SIGINT or SIGQUIT, and tells which.
[[nodiscard]] int next_signal();

/// Raises the limit on open files to the hard limit.
void raise_file_limit();

/// Tells the service manager (sd_notify(3)); does nothing without one.
void notify_ready(std::string_view status);
void notify_reloading();
void notify_stopping();

} // namespace cheops::tools
