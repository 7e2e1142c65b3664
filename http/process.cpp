#include "http/process.hpp"

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace cheops::http {

namespace {

// When the machine started, in Unix time.
double boot_seconds() {
  std::ifstream in{"/proc/stat"};
  std::string key;
  double value = 0;
  while (in >> key) {
    if (key == "btime" && in >> value)
      return value;
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

// Field 22 of /proc/self/stat: ticks since the machine started.
double started_after_boot() {
  std::ifstream in{"/proc/self/stat"};
  std::string all;
  std::getline(in, all);
  auto name_end = all.rfind(')'); // The name may hold anything before it.
  if (name_end == std::string::npos)
    return 0;
  std::istringstream fields{all.substr(name_end + 1)};
  std::string skipped;
  for (int i = 3; i < 22; ++i)
    fields >> skipped;
  double ticks = 0;
  fields >> ticks;
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double seconds(const timeval& x) {
  return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
}

std::uint64_t count_fds() {
  namespace fs = std::filesystem;
  std::error_code ec;
  std::uint64_t out = 0;
  for (fs::directory_iterator i{"/proc/self/fd", ec}, end; !ec && i != end;
       i.increment(ec))
    ++out;
  return out > 0 ? out - 1 : 0; // Without the one that we read it through.
}

} // namespace

process_figures read_process() {
  process_figures out;
  auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t size = 0, resident = 0;
  if (statm >> size >> resident) {
    out.virtual_bytes = size * page;
    out.resident_bytes = resident * page;
  }
  out.open_fds = count_fds();
  rlimit fds{};
  if (getrlimit(RLIMIT_NOFILE, &fds) == 0)
    out.max_fds = fds.rlim_cur;
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0)
    out.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  if (auto boot = boot_seconds(); boot > 0)
    out.start_seconds = boot + started_after_boot();
  return out;
}

} // namespace cheops::http
