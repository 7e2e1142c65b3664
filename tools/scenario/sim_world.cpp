#include "tools/scenario/sim_world.hpp"

#include "cheops/sim/run.hpp"
#include "glue/registry.hpp"
#include "tools/scenario/sites.hpp"

#include <algorithm>

namespace cheops::scenario {

namespace {

using steady = std::chrono::steady_clock;
using sim::time_us;

/// Groups know nothing of each other, so that few of them, run from many seeds,
/// find more than many in one run.
constexpr std::uint64_t resources_max = 12;
constexpr double operations_max = 300;

/// Places of the file that the simulated world cannot play.
class refusals {
public:
  explicit refusals(std::string file) : file_(std::move(file)) {}
  void add(int line, const std::string& what) {
    text_ += (text_.empty() ? "" : "\n") + file_ + ':' + std::to_string(line)
             + ": " + what;
  }
  [[nodiscard]] result<void> verdict() const {
    if (text_.empty())
      return {};
    return error{errc::bad_config, text_, "", "", ""};
  }

private:
  std::string file_;
  std::string text_;
};

void refuse_steps(const scenario& what, refusals& to) {
  for (const auto& x : what.steps)
    to.add(x.line, "expected no steps: the simulated world has workloads with "
                   "changes, random faults and checks of them; use --world "
                   "nodes");
}

void refuse_checks(const scenario& what, refusals& to) {
  using kind = check::what;
  for (const auto& x : what.checks)
    switch (x.kind) {
    case kind::converged:
    case kind::acknowledged:
    case kind::no_duplicates:
    case kind::uncertain_shown:
      break;
    default:
      to.add(x.line, "expected converged, acknowledged, no_duplicates or "
                     "uncertain_shown: the simulated world has nothing to tell "
                     "of "
                       + std::string{to_string(x.kind)});
    }
}

const workload* changes_of(const scenario& what, refusals& to) {
  const workload* found = nullptr;
  for (const auto& x : what.workloads) {
    if (!x.changes)
      to.add(x.line, "expected changes: the simulated world has no HTTP for "
                     "requests");
    else if (found)
      to.add(x.line, "expected one workload: the simulated world plays one");
    else
      found = &x;
  }
  if (!found && what.workloads.empty() && what.steps.empty())
    to.add(1, "expected a workload with changes");
  return found;
}

time_us us(milliseconds x) {
  return static_cast<time_us>(microseconds{x}.count());
}

void plan_faults(const random_faults& from, sim::plan& to) {
  to.faults = {0, 0, 0, 0, 0};
  for (const auto& x : from.kinds)
    switch (x.kind) {
    case fault_kind::kill:
      to.faults.crash += x.weight;
      break;
    case fault_kind::cut:
    case fault_kind::cut_one_way:
      to.faults.cut += x.weight;
      break;
    case fault_kind::pause:
      to.faults.pause += x.weight;
      break;
    case fault_kind::kill_application:
    case fault_kind::pause_application:
      to.faults.application += x.weight;
      break;
    case fault_kind::delay:
      to.faults.delay += x.weight;
      break;
    }
  to.late_us_max = std::max(us(from.delay.to), time_us{1'000});
  to.fault_every_us = us(from.every.from + from.every.to) / 2;
  to.fault_us_min = us(from.lasts.from);
  to.fault_us_max = std::max(us(from.lasts.to), time_us{1});
}

void plan_changes(const workload& from, std::size_t sites, sim::plan& to) {
  const auto& how = *from.changes;
  to.resources = static_cast<unsigned>(std::min(how.resources, resources_max));
  to.clients = from.clients_in_all
                 ? from.clients_in_all
                 : from.clients * static_cast<unsigned>(sites);
  auto seconds = static_cast<double>(to.run_us) / 1e6;
  auto operations = std::min(
    operations_max, static_cast<double>(to.clients) * from.rate * seconds + 1);
  to.operations = static_cast<unsigned>(operations);
  // A client's pauses are drawn from 1 to this; they go on to the end.
  to.think_us = static_cast<time_us>(2e6 * seconds * to.clients / operations);
  auto changes = how.mix.update + how.mix.remove;
  to.reads = 1000 * how.mix.read / (changes + how.mix.create + how.mix.read);
  to.removes = changes == 0 ? 0 : 100 * how.mix.remove / changes;
}

/// Whether the description says that names are kept apart.
result<bool> names_unique(const scenario& what, const std::string& bin) {
  auto file = find_description(what, bin);
  if (!file)
    return file.error();
  auto app = glue::load_description(*file);
  if (!app)
    return app.error();
  for (const auto& w : what.workloads)
    for (const auto& service : app->services)
      for (const auto& x : service.resources)
        if (w.changes && service.name.value == w.changes->service
            && x.unique_name)
          return true;
  return false;
}

} // namespace

result<sim::plan> simulated(const scenario& what, bool unique,
                            std::uint64_t seed) {
  refusals no(what.file);
  refuse_steps(what, no);
  refuse_checks(what, no);
  const auto* load = changes_of(what, no);
  sim::plan out = sim::draw_calm(seed);
  out.sites = static_cast<unsigned>(what.sites.size());
  out.enforces = unique ? sim::enforcement::names : sim::enforcement::nothing;
  out.natural = unique;
  out.refers = false;
  out.encodes = true;
  out.passivates = true;
  auto lasts = load ? load->lasts : milliseconds{0};
  if (what.faults) {
    plan_faults(*what.faults, out);
    lasts = std::max(lasts,
                     what.faults->events
                       * (what.faults->every.from + what.faults->every.to) / 2);
    // What real nodes get from being killed and paused in the midst of calls.
    out.calls = {10, 10, 10, 10, 10, 10, 10};
  }
  out.run_us = us(lasts);
  if (load)
    plan_changes(*load, what.sites.size(), out);
  if (auto good = no.verdict(); !good)
    return good.error();
  return out;
}

result<run_report> run_simulated(const scenario& what, const std::string& bin,
                                 std::uint64_t first_seed, std::uint64_t seeds,
                                 const printer& out) {
  auto unique = names_unique(what, bin);
  if (!unique)
    return unique.error();
  run_report report;
  report.title = what.title;
  report.file = what.file;
  report.seed = first_seed;
  auto begin = steady::now();
  std::uint64_t requests = 0;
  std::uint64_t done = 0;
  std::uint64_t steps = 0;
  std::string failure;
  for (auto seed = first_seed; seed - first_seed < seeds; ++seed) {
    auto plan = simulated(what, *unique, seed);
    if (!plan)
      return plan.error();
    if (seed == first_seed)
      out.title(what.title, what.story);
    auto got = sim::run(*plan);
    requests += got.requests;
    done += got.done;
    steps += got.steps;
    report.seed = seed;
    failure = got.failure;
    if (failure.empty())
      continue;
    out.line(sim::run(*plan, true).story);
    out.problem(failure);
    out.problem("the same again: --world sim --seed " + std::to_string(seed));
    break;
  }
  auto seen = failure.empty()
                ? std::to_string(seeds) + " runs: " + std::to_string(done)
                    + " of " + std::to_string(requests)
                    + " changes acknowledged, " + std::to_string(steps)
                    + " steps, invariants checked after each"
                : failure;
  for (const auto& x : what.checks) {
    report.checks.push_back(
      {std::string{to_string(x.kind)}, seen, failure.empty() && done > 0});
    out.check(report.checks.back());
  }
  if (what.checks.empty() && !failure.empty())
    report.broken = failure;
  report.took = std::chrono::duration_cast<milliseconds>(steady::now() - begin);
  out.summary(report);
  return report;
}

} // namespace cheops::scenario
