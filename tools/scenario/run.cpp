#include "tools/scenario/run.hpp"

#include "tools/scenario/chaos.hpp"
#include "tools/scenario/steps.hpp"

#include <algorithm>

namespace cheops::scenario {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t log_lines = 15;

variables first_variables(sites& all, std::uint64_t seed) {
  variables out;
  for (const auto& [name, value] : all.what().variables)
    out[name] = value;
  out["seed"] = std::to_string(seed);
  for (const auto& x : all.all()) {
    for (const auto& [service, at] : x->at.fronts)
      out["front." + x->name + '.' + service] = mesh::to_string(at);
    for (const auto& [service, at] : x->at.application)
      out["application." + x->name + '.' + service] = mesh::to_string(at);
  }
  return out;
}

void show_sites(sites& all, const printer& out) {
  for (const auto& x : all.all()) {
    auto text = "  " + x->name + ':';
    for (const auto& [service, at] : x->at.fronts)
      text += "  " + service + " http://" + mesh::to_string(at);
    out.dim(text);
  }
  out.line("");
}

void show_logs(sites& all, const printer& out) {
  for (const auto& x : all.all())
    for (const auto* file : {"/node.log", "/application.log"}) {
      auto text = tail_of(x->folder + file, log_lines);
      if (text.empty())
        continue;
      out.line("--- the end of " + x->folder + file);
      out.line(text);
    }
}

/// A step that is a workload.
void play_load(sites& all, const workload_action& x, std::uint64_t seed,
               const printer& out, run_report& report) {
  auto begin = steady::now();
  run_load(all, {&all.what().workloads[x.which]}, nullptr, seed, out, report);
  auto& outcome = report.steps.back();
  outcome.took =
    std::chrono::duration_cast<microseconds>(steady::now() - begin);
  if (!report.broken.empty())
    outcome.wrong.push_back(
      {"workload", "to be done", std::exchange(report.broken, {})});
}

void play_steps(sites& all, std::uint64_t seed, const printer& out,
                run_report& report) {
  auto known = first_variables(all, seed);
  std::size_t number = 0;
  for (const auto& x : all.what().steps) {
    report.steps.push_back(play(all, x, known));
    if (const auto* load = std::get_if<workload_action>(&x.run))
      play_load(all, *load, seed, out, report);
    auto& outcome = report.steps.back();
    out.step(++number, outcome);
    if (outcome.held())
      continue;
    // What follows builds on it and would only hide it.
    out.problem(all.what().file + ':' + std::to_string(x.line)
                + ": this step did not hold; the rest is not played");
    return;
  }
}

/// The sites end in order, too.
void stop_sites(sites& all, run_report& report) {
  auto wrong = all.stop();
  std::string text;
  for (const auto& x : wrong)
    text += (text.empty() ? "" : "; ") + x;
  report.checks.push_back({"every process ended in order",
                           wrong.empty() ? "within 20 s of SIGTERM" : text,
                           wrong.empty()});
}

void run_all(sites& all, std::uint64_t seed, const printer& out,
             run_report& report) {
  show_sites(all, out);
  play_steps(all, seed, out, report);
  auto steps_held = report.steps.size() == report.steps_in_all
                    && std::all_of(report.steps.begin(), report.steps.end(),
                                   [](const auto& x) { return x.held(); });
  auto before = usage_of(all);
  std::vector<const workload*> rest;
  for (const auto& x : all.what().workloads)
    if (!x.by_step)
      rest.push_back(&x);
  const auto& faults = all.what().faults;
  if (steps_held && !rest.empty())
    run_load(all, rest, faults ? &*faults : nullptr, seed, out, report);
  if (!steps_held || !report.broken.empty())
    return;
  for (const auto& x : all.what().checks) {
    report.checks.push_back(evaluate(x, all, report, before));
    out.check(report.checks.back());
  }
}

} // namespace

run_report run(const scenario& what, const options& with, std::uint64_t seed,
               const printer& out, std::unique_ptr<sites>& kept) {
  run_report report;
  report.title = what.title;
  report.file = what.file;
  report.seed = seed;
  report.steps_in_all = what.steps.size();
  auto begin = steady::now();
  out.title(what.title, what.story);
  auto started = sites::start(what, with);
  if (!started) {
    report.broken = cheops::to_string(started.error());
    out.problem(report.broken);
  } else {
    auto all = *std::move(started);
    run_all(*all, seed, out, report);
    if (!report.broken.empty())
      out.problem(report.broken);
    if (!report.held()) {
      show_logs(*all, out);
      if (what.faults)
        out.problem("the same again: --seed " + std::to_string(seed));
    }
    if (with.keep) {
      kept = std::move(all);
    } else {
      stop_sites(*all, report);
      if (!report.checks.back().held)
        out.check(report.checks.back());
    }
  }
  report.took = std::chrono::duration_cast<milliseconds>(steady::now() - begin);
  out.summary(report);
  return report;
}

} // namespace cheops::scenario
