#pragma once

#include "tools/demo_app/collection.hpp"
#include "tools/demo_app/journal.hpp"
#include "tools/demo_app/ledger.hpp"
#include "tools/demo_app/server.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// The thesis' example: ServiceA keeps foos, each of which requires a bar of
/// ServiceB. Neither knows anything of Cheops: ServiceA forwards the trace
/// context of the request that it serves, as any traced service does.
namespace demo {

struct settings {
  std::string name = "demo"; ///< Of this instance, shown in its answers.
  std::string service_b_url; ///< Where ServiceA calls ServiceB.
  bool unique_names = true;
  /// Of so many changes that are done, the answer of one is lost; 0: none.
  unsigned lose_every = 0;
  /// Ends the process at once, as a crash does.
  std::function<void()> die = {};
};

/// One instance of the application.
struct instance {
  settings with;
  journal& log;
  ledger& book;
  collection foos;
  collection bars;
  std::atomic<std::uint64_t> changes{0};
  std::atomic<bool> dies_next{false}; ///< After the next change is done.

  /// Begins with what `b` holds of an earlier process.
  instance(settings s, journal& j, ledger& b);
};

[[nodiscard]] std::vector<route> service_a(instance& self);
[[nodiscard]] std::vector<route> service_b(instance& self);

} // namespace demo
