#include "http/access_log.hpp"

#include "cheops/percent.hpp"
#include "http/text.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cheops::http {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t target_bytes_max = 2048;
constexpr std::size_t scope_bytes_max = 1024;
constexpr std::size_t text_bytes_max = 256;
constexpr auto gather = 20ms; ///< Lines wait so long to be written together.

// -- redaction ----------------------------------------------------------------

constexpr std::array<std::string_view, 8> secret_parts{
  "token",     "password",   "passwd",  "secret",
  "signature", "credential", "session", "apikey"};
constexpr std::array<std::string_view, 6> secret_ends{"key",  "code", "sig",
                                                      "auth", "pwd",  "jwt"};

bool is_secret_name(std::string_view raw) {
  std::string name;
  if (!append_percent_decoded(raw, name))
    return true; // What cannot be read is not shown.
  for (auto& c : name)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  auto within = [&name](std::string_view x) {
    return name.find(x) != std::string::npos;
  };
  auto at_end = [&name](std::string_view x) { return name.ends_with(x); };
  return std::any_of(secret_parts.begin(), secret_parts.end(), within)
         || std::any_of(secret_ends.begin(), secret_ends.end(), at_end);
}

// "user:password@" of an absolute form: the scheme's "://" up to the '@'.
void append_without_user(std::string& to, std::string_view path) {
  auto scheme = path.find("://");
  if (path.starts_with('/') || scheme == std::string_view::npos) {
    to += path;
    return;
  }
  auto from = scheme + 3;
  auto end = std::min(path.find('/', from), path.size());
  auto at = path.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < from) {
    to += path;
    return;
  }
  to += path.substr(0, from);
  to += path.substr(at + 1);
}

// -- formatting ---------------------------------------------------------------

void append_number(std::string& to, std::uint64_t x) {
  std::array<char, 20> digits{};
  auto at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + x % 10);
    x /= 10;
  } while (x != 0);
  to.append(digits.data() + at, digits.size() - at);
}

class formatter {
public:
  explicit formatter(std::string site) : site_(std::move(site)) {}

  /// The line with its end; valid until the next call.
  std::string_view format(const access_record& x) {
    line_.clear();
    line_ += "{\"time\":\"";
    append_time(x.time);
    line_ += '"';
    text("site", site_);
    text("service", x.service);
    text("client", x.client);
    text("peer", x.peer);
    text("method", x.method);
    text("target", redact_target(x.target), target_bytes_max);
    number("status", x.status);
    number("bytes_in", x.bytes_in);
    number("bytes_out", x.bytes_out);
    auto us = std::chrono::duration_cast<std::chrono::microseconds>(x.took);
    number("duration_us",
           us.count() < 0 ? 0 : static_cast<std::uint64_t>(us.count()));
    text("plan", x.plan);
    text("scope", x.scope, scope_bytes_max);
    text("served_by", x.served_by);
    text("upstream", x.upstream);
    text("error", x.error);
    text("trace", x.trace);
    line_ += "}\n";
    return line_;
  }

private:
  void text(std::string_view key, std::string_view value,
            std::size_t bytes_max = text_bytes_max) {
    if (value.empty())
      return;
    name(key);
    append_json(line_, value, bytes_max);
  }
  void number(std::string_view key, std::uint64_t value) {
    name(key);
    append_number(line_, value);
  }
  void name(std::string_view key) {
    line_ += ",\"";
    line_ += key;
    line_ += "\":";
  }

  // RFC 3339 with microseconds; the part up to the second is kept.
  void append_time(std::chrono::system_clock::time_point at) {
    auto us = std::chrono::duration_cast<std::chrono::microseconds>(
                at.time_since_epoch())
                .count();
    auto second = static_cast<std::time_t>(us / 1'000'000);
    if (second != second_ || prefix_.empty()) {
      std::tm broken{};
      gmtime_r(&second, &broken);
      std::array<char, 32> out{};
      prefix_.assign(out.data(), std::strftime(out.data(), out.size(),
                                               "%Y-%m-%dT%H:%M:%S", &broken));
      second_ = second;
    }
    std::array<char, 16> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%06dZ",
                  static_cast<int>(us % 1'000'000));
    line_ += prefix_;
    line_ += fraction.data();
  }

  std::string site_;
  std::string line_;
  std::string prefix_;
  std::time_t second_ = 0;
};

// -- rings --------------------------------------------------------------------

/// Bytes from one thread to one other, without a lock.
// The producer and the consumer have a cache line each.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
class ring {
public:
  explicit ring(std::size_t size) : bytes_(size) {}

  /// All of `x`, or nothing.
  bool push(std::string_view x) noexcept {
    auto head = head_.load(std::memory_order_relaxed);
    auto tail = tail_.load(std::memory_order_acquire);
    if (x.size() > bytes_.size() - (head - tail))
      return false;
    auto at = head % bytes_.size();
    auto first = std::min(x.size(), bytes_.size() - at);
    std::memcpy(bytes_.data() + at, x.data(), first);
    std::memcpy(bytes_.data(), x.data() + first, x.size() - first);
    head_.store(head + x.size(), std::memory_order_release);
    return true;
  }

  /// Moves all that is there to the end of `to`.
  void drain(std::string& to) {
    auto tail = tail_.load(std::memory_order_relaxed);
    auto head = head_.load(std::memory_order_acquire);
    auto at = tail % bytes_.size();
    auto count = head - tail;
    auto first = std::min(count, bytes_.size() - at);
    to.append(bytes_.data() + at, first);
    to.append(bytes_.data(), count - first);
    tail_.store(head, std::memory_order_release);
  }

private:
  std::vector<char> bytes_;
  alignas(64) std::atomic<std::size_t> head_{0}; ///< Written by the producer.
  alignas(64) std::atomic<std::size_t> tail_{0}; ///< Written by the consumer.
};

/// Tells the log's thread that there is something; costs a system call only
/// when that thread sleeps.
class bell {
public:
  void ring() noexcept {
    if (!rung_.exchange(true, std::memory_order_acq_rel))
      rung_.notify_one();
  }
  void wait() noexcept { rung_.wait(false, std::memory_order_acquire); }
  void reset() noexcept { rung_.exchange(false, std::memory_order_acq_rel); }

private:
  std::atomic<bool> rung_{false};
};

class writer_impl final : public access_log::writer {
public:
  writer_impl(std::string site, std::size_t ring_bytes, bell& wakes)
    : lines_(ring_bytes), format_(std::move(site)), wakes_(wakes) {}

  void write(const access_record& x) noexcept override {
    if (lines_.push(format_.format(x)))
      wakes_.ring();
    else
      lost_.fetch_add(1, std::memory_order_relaxed);
  }

  // For the log's thread.
  void drain(std::string& to) { lines_.drain(to); }
  [[nodiscard]] std::uint64_t lost() const noexcept {
    return lost_.load(std::memory_order_relaxed);
  }

private:
  ring lines_;
  std::atomic<std::uint64_t> lost_{0};
  formatter format_;
  bell& wakes_;
};

// -- the file -----------------------------------------------------------------

/// An open file; shared, as a rotation may come while it is written to.
class open_file {
public:
  explicit open_file(int fd) : fd_(fd) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (fd_ > STDERR_FILENO)
      ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};
using file_ptr = std::shared_ptr<open_file>;

result<file_ptr> open_log(const std::string& file) {
  if (file == "-")
    return std::make_shared<open_file>(STDOUT_FILENO);
  auto fd =
    ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0)
    return error{errc::io, file + ": " + std::strerror(errno), "",
                 "open access log", "see log.access in the configuration"};
  return std::make_shared<open_file>(fd);
}

// The bytes that were written; fewer than all at an error.
std::size_t write_all(int fd, std::string_view x) {
  std::size_t done = 0;
  while (done < x.size()) {
    auto n = ::write(fd, x.data() + done, x.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

class access_log_impl final : public access_log {
public:
  access_log_impl(std::string file, std::string site, std::size_t ring_bytes,
                  file_ptr to)
    : file_(std::move(file)),
      site_(std::move(site)),
      ring_bytes_(ring_bytes),
      to_(std::move(to)) {
    thread_ = std::thread{[this] { run(); }};
  }

  ~access_log_impl() override {
    {
      std::lock_guard guard{mutex_};
      stopping_ = true;
    }
    hurry_.notify_all();
    bell_.ring();
    thread_.join();
  }

  writer& add_writer() override {
    auto made = std::make_unique<writer_impl>(site_, ring_bytes_, bell_);
    std::lock_guard guard{mutex_};
    writers_.push_back(std::move(made));
    return *writers_.back();
  }

  result<void> reopen() override {
    auto fresh = open_log(file_);
    if (!fresh)
      return fresh.error();
    flush(); // What belongs to the old file goes there.
    std::lock_guard guard{mutex_};
    to_ = std::move(*fresh);
    return {};
  }

  void flush() override {
    std::unique_lock lock{mutex_};
    auto mine = ++flushes_asked_;
    hurry_.notify_all();
    bell_.ring();
    flushed_.wait(lock, [&] { return flushes_done_ >= mine; });
  }

  std::uint64_t dropped() const noexcept override {
    auto out = failed_.load(std::memory_order_relaxed);
    std::lock_guard guard{mutex_};
    for (auto& x : writers_)
      out += x->lost();
    return out;
  }

private:
  void run() {
    for (bool last = false; !last;) {
      bell_.wait();
      std::unique_lock lock{mutex_};
      // Lines of the next moment are written with the first: a wake-up per
      // line would cost more than the line.
      hurry_.wait_for(lock, gather, [this] {
        return stopping_ || flushes_done_ < flushes_asked_;
      });
      last = stopping_;
      bell_.reset(); // Before the rings are read: what comes later rings anew.
      auto asked = flushes_asked_;
      batch_.clear();
      for (auto& x : writers_)
        x->drain(batch_);
      auto to = to_;
      lock.unlock();
      write_batch(to->fd());
      lock.lock();
      flushes_done_ = asked;
      flushed_.notify_all();
    }
  }

  void write_batch(int fd) {
    auto done = write_all(fd, batch_);
    if (done == batch_.size()) {
      healthy_ = healthy_ || !batch_.empty();
      return;
    }
    auto why = errno;
    auto rest = std::string_view{batch_}.substr(done);
    failed_.fetch_add(
      static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n')),
      std::memory_order_relaxed);
    if (std::exchange(healthy_, false))
      spdlog::error("access log {}: {}; lines are lost", file_,
                    std::strerror(why));
  }

  const std::string file_;
  const std::string site_;
  const std::size_t ring_bytes_;
  bell bell_;
  mutable std::mutex mutex_;
  std::condition_variable hurry_, flushed_;
  file_ptr to_; // All under mutex_.
  std::vector<std::unique_ptr<writer_impl>> writers_;
  std::uint64_t flushes_asked_ = 0, flushes_done_ = 0;
  bool stopping_ = false;
  std::string batch_; // The thread's own, as `healthy_`.
  bool healthy_ = true;
  std::atomic<std::uint64_t> failed_{0};
  std::thread thread_;
};

} // namespace

std::string redact_target(std::string_view target) {
  std::string out;
  auto query = target.find('?');
  append_without_user(out, target.substr(0, query));
  if (query == std::string_view::npos)
    return out;
  char before = '?';
  auto rest = target.substr(query + 1);
  for (;;) {
    auto end = rest.find_first_of("&;");
    auto pair = rest.substr(0, end);
    auto equals = pair.find('=');
    out += before;
    if (equals != std::string_view::npos
        && is_secret_name(pair.substr(0, equals))) {
      out += pair.substr(0, equals + 1);
      out += "[redacted]";
    } else {
      out += pair;
    }
    if (end == std::string_view::npos)
      return out;
    before = rest[end];
    rest.remove_prefix(end + 1);
  }
}

result<std::shared_ptr<access_log>>
access_log::open(std::string file, std::string site, std::size_t ring_bytes) {
  assert(ring_bytes > 0);
  auto to = open_log(file);
  if (!to)
    return to.error();
  return std::shared_ptr<access_log>{std::make_shared<access_log_impl>(
    std::move(file), std::move(site), ring_bytes, std::move(*to))};
}

} // namespace cheops::http
