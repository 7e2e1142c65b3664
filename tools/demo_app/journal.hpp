#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

namespace demo {

/// One call that this instance received.
struct journal_line {
  std::uint64_t number = 0; ///< From 1, without gaps.
  std::string time;         ///< RFC 3339, UTC.
  std::string service;
  std::string method;
  std::string path; ///< With its query.
  std::string traceparent;
  unsigned status = 0;
};

/// The last calls, and all of them in a file where one is named. Bounded in
/// memory; safe from any thread.
class journal {
public:
  /// `file`: appended to; empty: none.
  journal(std::string instance, const std::string& file,
          std::size_t lines_max = 4096);
  [[nodiscard]] bool good() const { return !named_ || out_.good(); }

  void add(journal_line x);
  /// Those of a service with a number above `after`, at most the last `most`
  /// of them, as the JSON document that GET /journal answers.
  [[nodiscard]] std::string render(const std::string& service,
                                   std::uint64_t after, std::size_t most) const;

  /// The number of the newest line.
  [[nodiscard]] std::uint64_t last() const;
  /// The line after `after` (which moves on) as JSON; empty if none comes in
  /// time.
  [[nodiscard]] std::string wait(std::uint64_t& after,
                                 std::chrono::milliseconds at_most) const;

private:
  const std::string instance_;
  const std::size_t lines_max_;
  mutable std::mutex guard_;
  mutable std::condition_variable grown_;
  std::uint64_t added_ = 0;
  std::deque<journal_line> lines_;
  bool named_;
  std::ofstream out_;
};

} // namespace demo
