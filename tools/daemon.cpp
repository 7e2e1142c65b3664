#include "tools/daemon.hpp"

#include <ctime>
#include <string>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

namespace cheops::tools {

namespace {

sigset_t waited_for() {
  sigset_t out;
  sigemptyset(&out);
  for (auto x : {SIGHUP, SIGTERM, SIGINT, SIGQUIT})
    sigaddset(&out, x);
  return out;
}

} // namespace

void block_signals() {
  auto set = waited_for();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int next_signal() {
  auto set = waited_for();
  int out = 0;
  while (sigwait(&set, &out) != 0)
    ; // Interrupted by a signal that is not ours.
  return out;
}

void raise_file_limit() {
  rlimit x{};
  if (getrlimit(RLIMIT_NOFILE, &x) == 0 && x.rlim_cur < x.rlim_max) {
    x.rlim_cur = x.rlim_max;
    setrlimit(RLIMIT_NOFILE, &x);
  }
}

void notify_ready(std::string_view status) {
  auto text = "READY=1\nSTATUS=" + std::string{status};
  sd_notify(0, text.c_str());
}

void notify_reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  auto us = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000
            + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  auto text = "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us);
  sd_notify(0, text.c_str());
}

void notify_stopping() {
  sd_notify(0, "STOPPING=1");
}

} // namespace cheops::tools
