#include "cheops/sim/run.hpp"

#include "cheops/sim/checks.hpp"
#include "cheops/sim/world.hpp"

#include <algorithm>

namespace cheops::sim {

run_result run(const plan& by, bool tells) {
  run_result out;
  world w{by, tells};
  try {
    w.run();
    check(w);
  } catch (const failure& x) {
    out.failure = "seed " + std::to_string(by.seed) + ": " + x.what;
    w.tell_owners();
  }
  out.story = w.story();
  out.steps = w.steps;
  out.requests = w.seen.requests.size();
  out.done = static_cast<std::size_t>(
    std::ranges::count_if(w.seen.requests, [](const request_record& x) {
      return x.said && x.said->status >= 200 && x.said->status < 300;
    }));
  return out;
}

} // namespace cheops::sim
