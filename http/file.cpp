#include "http/file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cheops::http {

namespace {

constexpr std::size_t bytes_max = 64 * 1024;

/// Closes it in the end.
struct descriptor {
  int at;
  explicit descriptor(int x) : at(x) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (at >= 0)
      ::close(at);
  }
};

error bad(const std::string& file, std::string what, std::string hint) {
  return {errc::bad_config,
          file + ": " + std::move(what),
          {},
          "read a secret file",
          std::move(hint)};
}

error failed(const std::string& file, int why) {
  return {
    errc::io, file + ": " + std::strerror(why), {}, "write a secret file", {}};
}

bool write_all(int fd, std::string_view x) {
  while (!x.empty()) {
    auto n = ::write(fd, x.data(), x.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    x.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

} // namespace

result<std::string> read_secret(const std::string& file) {
  descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat is {};
  if (in.at < 0 || ::fstat(in.at, &is) != 0)
    return bad(file, std::strerror(errno),
               "make it readable for the user of cheopsd, and for nobody else");
  if (!S_ISREG(is.st_mode))
    return bad(file, "is no plain file", "name a file");
  if ((is.st_mode & S_IRWXO) != 0)
    return bad(file, "others than its owner may use it",
               "chmod o= " + file
                 + "; if somebody may have read it, make "
                   "another");
  std::string out(bytes_max + 1, '\0');
  std::size_t size = 0;
  for (;;) {
    auto n = ::read(in.at, out.data() + size, out.size() - size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return bad(file, std::strerror(errno), "look at the disk");
    size += static_cast<std::size_t>(n);
    if (n == 0 || size == out.size())
      break;
  }
  if (size > bytes_max)
    return bad(file, "is longer than 64 KiB", "name another file");
  out.resize(size);
  return out;
}

written write_new(const std::string& file, std::string_view content,
                  mode_t mode) {
  descriptor out{
    ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (out.at < 0)
    return {errno, false};
  if (write_all(out.at, content) && ::fchmod(out.at, mode) == 0
      && ::fsync(out.at) == 0)
    return {0, true};
  auto why = errno;
  ::unlink(file.c_str());
  return {why, true};
}

result<void> write_secret(const std::string& file, std::string_view content) {
  auto done = write_new(file, content, 0600);
  if (done.why == 0)
    return {};
  if (!done.made && done.why == EEXIST)
    return bad(file, "exists, and is not overwritten",
               "name another file, or remove it if nobody needs it");
  return failed(file, done.why);
}

} // namespace cheops::http
