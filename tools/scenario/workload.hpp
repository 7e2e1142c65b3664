#pragma once

#include "tools/scenario/model.hpp"
#include "tools/scenario/sites.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

/// Requests of many clients beside each other.
namespace cheops::scenario {

struct load_key {
  std::string site;
  std::string service;
  bool scoped = false;
  friend auto operator<=>(const load_key&, const load_key&) = default;
};

struct load_count {
  std::uint64_t sent = 0;
  std::uint64_t served = 0;  ///< Answers below 400.
  std::uint64_t refused = 0; ///< 4xx: the application's own answers.
  std::uint64_t failed = 0;  ///< No answer or 5xx, at a site that served.
  std::uint64_t excused = 0; ///< The same at a site that was down meanwhile.
  microseconds longest{0};   ///< Of those that were served.
};

/// Whether a request that began and ended at these epochs of its site met a
/// site that served all the while.
[[nodiscard]] constexpr bool served_throughout(std::uint64_t before,
                                               std::uint64_t after) {
  return before == after && before % 2 == 0;
}

class load {
public:
  /// The clients start at once and go on until `stop`.
  load(sites& all, std::vector<workload> what, std::uint64_t seed);
  ~load();
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  /// Ends all clients and waits for their last answers.
  void stop();
  [[nodiscard]] std::map<load_key, load_count> counts() const;
  /// The first failures of unscoped requests, for people.
  [[nodiscard]] std::vector<std::string> failures() const;
  /// The first 4xx that nodes answered, not applications.
  [[nodiscard]] std::vector<std::string> refusals() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cheops::scenario
