#include "tools/scenario/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace cheops::scenario {

namespace {

/// The groups of all living children, for the thread that handles signals.
struct group_list {
  std::mutex guard;
  std::vector<pid_t> groups;
};

group_list& all_groups() {
  static group_list x;
  return x;
}

error io_error(std::string what, std::string step) {
  return {errc::io, std::move(what) + ": " + std::strerror(errno), "",
          std::move(step), ""};
}

/// The child's side of fork(): only what is safe after it. Reports a failed
/// exec by its errno through `report`.
[[noreturn]] void become(char* const* argv, int log, int network, int report,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent)
    ::_exit(127); // The runner died before the line above.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  auto null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, 0);
  ::dup2(log, 1);
  ::dup2(log, 2);
  if (network < 0 || ::setns(network, CLONE_NEWNET) == 0)
    ::execvp(argv[0], argv);
  auto why = errno;
  [[maybe_unused]] auto n = ::write(report, &why, sizeof why);
  ::_exit(127);
}

std::optional<std::uint64_t> status_kib(pid_t pid, const std::string& key) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.compare(0, key.size(), key) == 0)
      return std::strtoull(line.c_str() + key.size(), nullptr, 10);
  return std::nullopt;
}

} // namespace

result<std::unique_ptr<process>> process::start(const launch& x) {
  auto step = "start " + x.command.front();
  auto log =
    ::open(x.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0)
    return io_error("cannot write " + x.log, step);
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) {
    ::close(log);
    return io_error("no pipe", step);
  }
  std::vector<char*> argv;
  for (const auto& word : x.command)
    argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid == 0)
    become(argv.data(), log, x.network, report[1], parent);
  auto failed = pid < 0 ? errno : 0;
  ::close(log);
  ::close(report[1]);
  if (pid > 0) {
    // End of file: the exec has closed the pipe's other end.
    if (::read(report[0], &failed, sizeof failed) > 0)
      ::waitpid(pid, nullptr, 0);
    ::setpgid(pid, pid);
  }
  ::close(report[0]);
  if (failed) {
    errno = failed;
    return io_error("it does not run", step);
  }
  auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  std::lock_guard lock(all_groups().guard);
  all_groups().groups.push_back(pid);
  return std::unique_ptr<process>(new process(pid, handle));
}

process::~process() {
  signal(SIGKILL);
  reap(true);
  if (handle_ >= 0)
    ::close(handle_);
  std::lock_guard lock(all_groups().guard);
  auto& groups = all_groups().groups;
  groups.erase(std::remove(groups.begin(), groups.end(), pid_), groups.end());
}

void process::reap(bool block) {
  if (!reaped_)
    reaped_ = ::waitpid(pid_, &status_, block ? 0 : WNOHANG) == pid_;
}

std::optional<std::string> process::ended() {
  reap(false);
  if (!reaped_)
    return std::nullopt;
  if (WIFSIGNALED(status_))
    return std::string{"ended by signal "} + ::strsignal(WTERMSIG(status_));
  return "ended with status " + std::to_string(WEXITSTATUS(status_));
}

bool process::succeeded() {
  reap(false);
  return reaped_ && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

void process::signal(int number) const noexcept {
  ::kill(-pid_, number);
}

bool process::wait(std::chrono::milliseconds at_most) {
  pollfd ready{handle_, POLLIN, 0};
  if (!reaped_)
    while (::poll(&ready, 1, static_cast<int>(at_most.count())) < 0
           && errno == EINTR) {
    }
  reap(false);
  return reaped_;
}

bool process::stop(std::chrono::milliseconds grace) {
  if (ended())
    return true;
  signal(SIGCONT);
  signal(SIGTERM);
  if (wait(grace))
    return true;
  signal(SIGKILL);
  reap(true);
  return false;
}

void end_on_signals(std::string folder) {
  sigset_t set;
  ::sigemptyset(&set);
  for (auto number : {SIGINT, SIGTERM, SIGHUP})
    ::sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  std::thread([set, folder = std::move(folder)] {
    int number = 0;
    ::sigwait(&set, &number);
    std::lock_guard lock(all_groups().guard); // Nothing is started any more.
    for (auto group : all_groups().groups)
      ::kill(-group, SIGKILL);
    std::error_code ignored;
    if (!folder.empty())
      std::filesystem::remove_all(folder, ignored);
    ::_exit(130);
  }).detach();
}

std::optional<std::uint64_t> resident_bytes(pid_t pid) {
  auto kib = status_kib(pid, "VmRSS:");
  return kib ? std::optional{*kib * 1024} : std::nullopt;
}

std::optional<std::uint64_t> peak_resident_bytes(pid_t pid) {
  auto kib = status_kib(pid, "VmHWM:");
  return kib ? std::optional{*kib * 1024} : std::nullopt;
}

void reset_peak(pid_t pid) {
  std::ofstream("/proc/" + std::to_string(pid) + "/clear_refs") << 5;
}

std::optional<std::size_t> open_descriptors(pid_t pid) {
  std::error_code failed;
  std::filesystem::directory_iterator all(
    "/proc/" + std::to_string(pid) + "/fd", failed);
  if (failed)
    return std::nullopt;
  return static_cast<std::size_t>(
    std::distance(begin(all), std::filesystem::directory_iterator{}));
}

} // namespace cheops::scenario
