#pragma once

#include "tools/scenario/book.hpp"
#include "tools/scenario/model.hpp"
#include "tools/scenario/sites.hpp"

#include <memory>
#include <string>

/// Clients that change resources which several sites have.
namespace cheops::scenario {

class change_load {
public:
  /// The clients start at once and go on until `stop`. `prefix`: what the
  /// names of the resources begin with.
  change_load(sites& all, const workload& what, std::string prefix,
              std::uint64_t seed);
  ~change_load();
  change_load(const change_load&) = delete;
  change_load& operator=(const change_load&) = delete;

  /// How many resources were never made yet; one whose create stayed open
  /// however often it was asked for counts as made.
  [[nodiscard]] std::size_t unmade() const;
  /// Ends all clients and waits for their last answers.
  void stop();
  /// Asks again for what is open, under the same keys, until each is settled
  /// or the time is over. After `stop`.
  void settle(milliseconds at_most);
  [[nodiscard]] change_book book() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cheops::scenario
