#pragma once

#include "tools/demo_app/collection.hpp"
#include "tools/demo_app/journal.hpp"
#include "tools/demo_app/server.hpp"

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
};

/// One instance of the application.
struct instance {
  settings with;
  journal& log;
  collection foos;
  collection bars;

  instance(settings s, journal& j)
    : with(std::move(s)),
      log(j),
      foos(with.unique_names),
      bars(with.unique_names) {}
};

[[nodiscard]] std::vector<route> service_a(instance& self);
[[nodiscard]] std::vector<route> service_b(instance& self);

} // namespace demo
