#include "tools/scenario/chaos.hpp"

#include "tools/scenario/poll.hpp"
#include "tools/scenario/workload.hpp"

#include <algorithm>
#include <thread>

namespace cheops::scenario {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t descriptors_default = 16;
constexpr std::uint64_t memory_default = 32ULL * 1024 * 1024;

/// A fault's begin or its end.
struct moment {
  milliseconds at{0};
  fault_event of;
  bool begins = true;
};

std::vector<moment> moments_of(const std::vector<fault_event>& events) {
  std::vector<moment> out;
  for (const auto& x : events) {
    out.push_back({x.at, x, true});
    out.push_back({x.at + x.lasts, x, false});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

result<void> perform(sites& all, const moment& x) {
  using what = process_action::what;
  auto& site = *all.all()[x.of.site];
  switch (x.of.kind) {
  case fault_kind::cut:
    return all.isolate(site, x.begins);
  case fault_kind::kill:
    return all.act(x.begins ? what::kill : what::start, site, false);
  case fault_kind::pause:
    return all.act(x.begins ? what::pause : what::resume, site, false);
  }
  return {};
}

std::string told(sites& all, const moment& x, milliseconds since) {
  static constexpr const char* begins[] = {"is cut off", "is killed (-9)",
                                           "is paused (SIGSTOP)"};
  static constexpr const char* ends[] = {"is joined again", "is started again",
                                         "goes on"};
  auto kind = static_cast<std::size_t>(x.of.kind);
  return duration_text(since) + ": " + all.all()[x.of.site]->name + ' '
         + (x.begins ? begins[kind] : ends[kind]);
}

result<void> run_faults(sites& all, const std::vector<moment>& moments,
                        const printer& out, run_report& report) {
  auto begin = steady::now();
  for (const auto& x : moments) {
    std::this_thread::sleep_until(begin + x.at);
    auto done = perform(all, x);
    report.faults.push_back(told(
      all, x, std::chrono::duration_cast<milliseconds>(steady::now() - begin)));
    out.fault(report.faults.back());
    if (!done)
      return done;
    auto ended = all.unexpected_ends();
    if (!ended.empty())
      return error{errc::broken, ended.front(), "", "watch the processes", ""};
  }
  return {};
}

check_outcome local_requests(const run_report& x) {
  check_outcome out{std::string{to_string(
                      check::what::local_requests_never_failed_on_live_sites)},
                    "", true};
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_site;
  std::uint64_t excused = 0;
  for (const auto& [key, count] : x.load) {
    if (key.scoped)
      continue;
    by_site[key.site].first += count.served;
    by_site[key.site].second += count.failed;
    excused += count.excused;
  }
  for (const auto& [site, counts] : by_site) {
    out.what += site + " served " + std::to_string(counts.first) + ", failed "
                + std::to_string(counts.second) + "; ";
    // A site that served nothing proves nothing.
    out.held = out.held && counts.first > 0 && counts.second == 0;
  }
  out.held = out.held && !by_site.empty();
  out.what += std::to_string(excused) + " met a site that was down";
  return out;
}

check_outcome scoped_requests(const run_report& x) {
  check_outcome out{
    std::string{to_string(check::what::scoped_requests_were_served)}, "", true};
  bool any = false;
  for (const auto& [key, count] : x.load) {
    if (!key.scoped)
      continue;
    any = true;
    out.held = out.held && count.served > 0;
    out.what += (out.what.empty() ? "" : "; ") + key.service + " from "
                + key.site + ": " + std::to_string(count.served) + " of "
                + std::to_string(count.sent);
  }
  out.held = out.held && any;
  return out;
}

template <class Measure>
check_outcome bounded(const check& x, sites& all,
                      const std::map<std::string, usage>& before,
                      std::uint64_t at_most, const char* unit,
                      std::uint64_t divisor, Measure measure) {
  check_outcome out{std::string{to_string(x.kind)}, "", false};
  out.held = poll_until(x.within, [&] {
    out.what.clear();
    bool good = true;
    auto now = usage_of(all);
    for (const auto& [site, was] : before) {
      auto found = now.find(site);
      auto is = found == now.end() ? 0 : measure(found->second);
      good = good && found != now.end() && is <= measure(was) + at_most;
      out.what += (out.what.empty() ? "" : "; ") + site + ' '
                  + std::to_string(measure(was) / divisor) + " -> "
                  + std::to_string(is / divisor);
    }
    return good && !before.empty();
  });
  out.what += std::string{" "} + unit + ", allowed "
              + std::to_string(at_most / divisor) + " more";
  return out;
}

} // namespace

std::map<std::string, usage> usage_of(sites& all) {
  std::map<std::string, usage> out;
  for (const auto& x : all.all()) {
    if (!x->node)
      continue;
    auto descriptors = open_descriptors(x->node->pid());
    auto resident = resident_bytes(x->node->pid());
    if (descriptors && resident)
      out[x->name] = {*descriptors, *resident};
  }
  return out;
}

void run_load(sites& all, std::uint64_t seed, const printer& out,
              run_report& report) {
  const auto& what = all.what();
  auto begin = steady::now();
  milliseconds lasts{0};
  for (const auto& x : what.workloads)
    lasts = std::max(lasts, x.lasts);
  load running(all, what.workloads, seed);
  if (what.faults) {
    auto events = make_schedule(*what.faults, all.all().size(), seed);
    auto done = run_faults(all, moments_of(events), out, report);
    if (!done)
      report.broken = cheops::to_string(done.error());
  }
  if (report.broken.empty())
    std::this_thread::sleep_until(begin + lasts);
  running.stop();
  report.load = running.counts();
  out.load(report.load);
  for (const auto& text : running.failures())
    out.problem(text);
  for (const auto& text : running.refusals())
    out.dim("refused by a node: " + text);
}

check_outcome evaluate(const check& x, sites& all, const run_report& so_far,
                       const std::map<std::string, usage>& before) {
  using what = check::what;
  switch (x.kind) {
  case what::local_requests_never_failed_on_live_sites:
    return local_requests(so_far);
  case what::scoped_requests_were_served:
    return scoped_requests(so_far);
  case what::no_descriptor_leak:
    return bounded(x, all, before, x.at_most ? x.at_most : descriptors_default,
                   "descriptors", 1, [](const usage& u) -> std::uint64_t {
                     return u.descriptors;
                   });
  case what::memory_flat:
    return bounded(x, all, before, x.at_most ? x.at_most : memory_default,
                   "KiB resident", 1024,
                   [](const usage& u) { return u.resident; });
  case what::all_links_up:
    break;
  }
  check_outcome out{std::string{to_string(x.kind)}, "all are up", false};
  std::string missing;
  auto start = steady::now();
  out.held = poll_until(x.within, [&] {
    missing = all.links_missing();
    return missing.empty();
  });
  if (!out.held)
    out.what = missing;
  else
    out.what += " after "
                + duration_text(std::chrono::duration_cast<microseconds>(
                  steady::now() - start));
  return out;
}

} // namespace cheops::scenario
