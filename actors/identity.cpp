#include "actors/identity.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cheops::actors {

namespace {

error failed(const std::string& file, const std::string& what,
             std::string hint = "check the owner and free space of the folder "
                                "that `data` names") {
  return {
    errc::io, file + ": " + what, {}, "open data folder", std::move(hint)};
}

error failed(const std::string& file) {
  return failed(file, std::strerror(errno));
}

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

/// The content of a small file; nothing if there is none.
result<std::optional<std::string>> read_small(const std::string& file) {
  descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.get() < 0) {
    if (errno == ENOENT)
      return std::optional<std::string>{};
    return failed(file);
  }
  std::array<char, 128> buffer{};
  auto n = ::read(in.get(), buffer.data(), buffer.size());
  if (n < 0)
    return failed(file);
  std::string out(buffer.data(), static_cast<std::size_t>(n));
  while (!out.empty() && out.back() == '\n')
    out.pop_back();
  return std::optional<std::string>{std::move(out)};
}

/// Replaces a small file so that after a crash it is the old or the new one.
result<void> write_small(const std::string& folder, const std::string& name,
                         const std::string& content) {
  auto file = folder + "/" + name;
  auto fresh = file + ".new";
  {
    descriptor out{
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    auto text = content + "\n";
    if (out.get() < 0
        || ::write(out.get(), text.data(), text.size())
             != static_cast<ssize_t>(text.size())
        || ::fsync(out.get()) != 0)
      return failed(fresh);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0)
    return failed(file);
  descriptor parent{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (parent.get() < 0 || ::fsync(parent.get()) != 0)
    return failed(folder);
  return {};
}

std::string random_store() {
  std::array<unsigned char, 16> bytes{};
  // 16 bytes are never cut short (getrandom(2)).
  while (::getrandom(bytes.data(), bytes.size(), 0) < 0 && errno == EINTR) {
  }
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  for (auto b : bytes)
    out += {hex[b >> 4], hex[b & 15]};
  return out;
}

std::uint64_t clock_now() {
  using namespace std::chrono;
  auto now = system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(now).count());
}

bool is_store(const std::string& x) {
  return x.size() == 32
         && x.find_first_not_of("0123456789abcdef") == std::string::npos;
}

result<std::string> store_in(const std::string& data, const std::string& own) {
  auto written = read_small(data + "/store-id");
  if (!written)
    return written.error();
  if (own.empty() && *written && !is_store(**written))
    return failed(data + "/store-id", "is not 32 hex digits",
                  "restore the file; without it this store is a new one");
  auto out = !own.empty() ? own : *written ? **written : random_store();
  if (*written != out)
    if (auto done = write_small(data, "store-id", out); !done)
      return done.error();
  return out;
}

} // namespace

identity::identity(identity&& x) noexcept
  : store(std::move(x.store)),
    incarnation(x.incarnation),
    lock_(std::exchange(x.lock_, -1)) {}

identity::~identity() {
  if (lock_ >= 0)
    ::close(lock_);
}

result<identity> identity::take(const std::string& data,
                                const std::string& store) {
  identity out;
  if (data.empty()) {
    out.store = store.empty() ? random_store() : store;
    out.incarnation = clock_now();
    return out;
  }
  if (::mkdir(data.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(data);
  auto lock = data + "/lock";
  out.lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (out.lock_ < 0)
    return failed(lock);
  if (::flock(out.lock_, LOCK_EX | LOCK_NB) != 0)
    return failed(data, "another process uses this folder",
                  "stop the other cheopsd, or give each its own `data`");
  auto known = store_in(data, store);
  if (!known)
    return known.error();
  out.store = std::move(*known);
  auto last = read_small(data + "/incarnation");
  if (!last)
    return last.error();
  std::uint64_t before = 0;
  if (*last) {
    const auto& text = **last;
    auto [at, ec] =
      std::from_chars(text.data(), text.data() + text.size(), before);
    if (ec != std::errc{} || at != text.data() + text.size())
      return failed(data + "/incarnation", "is not a number",
                    "remove the file; the clock is taken instead");
  }
  // At least the clock, so that a folder that was lost does not bring back
  // incarnations that peers have seen.
  out.incarnation = std::max(before + 1, clock_now());
  if (auto done =
        write_small(data, "incarnation", std::to_string(out.incarnation));
      !done)
    return done.error();
  return out;
}

} // namespace cheops::actors
