#include "tools/scenario/chaos.hpp"

#include "tools/scenario/change_checks.hpp"
#include "tools/scenario/changes.hpp"
#include "tools/scenario/poll.hpp"
#include "tools/scenario/workload.hpp"

#include <algorithm>
#include <thread>

namespace cheops::scenario {

namespace {

using steady = std::chrono::steady_clock;

/// A bound for machines that hardly move, not a measure.
constexpr std::chrono::minutes all_made_within{15};
constexpr milliseconds settled_within{60'000};
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
  auto& peer = *all.all()[x.of.peer];
  switch (x.of.kind) {
  case fault_kind::cut:
    return all.isolate(site, x.begins);
  case fault_kind::kill:
    return all.act(x.begins ? what::kill : what::start, site, false);
  case fault_kind::pause:
    return all.act(x.begins ? what::pause : what::resume, site, false);
  case fault_kind::cut_one_way:
    return all.cut_one_way(site, peer, x.begins);
  case fault_kind::delay:
    return all.delay(site, peer, x.begins ? x.of.by : milliseconds{0});
  case fault_kind::kill_application:
    return all.act(x.begins ? what::kill : what::start, site, true);
  case fault_kind::pause_application:
    return all.act(x.begins ? what::pause : what::resume, site, true);
  }
  return {};
}

std::string told(sites& all, const moment& x, milliseconds since) {
  static constexpr const char* begins[] = {
    "is cut off",
    "is killed (-9)",
    "is paused (SIGSTOP)",
    "is not heard any more by ",
    "is heard late by ",
    "loses its application (-9)",
    "has its application paused (SIGSTOP)"};
  static constexpr const char* ends[] = {"is joined again",
                                         "is started again",
                                         "goes on",
                                         "is heard again by ",
                                         "is heard in time by ",
                                         "has its application started again",
                                         "has its application going on"};
  auto two =
    x.of.kind == fault_kind::cut_one_way || x.of.kind == fault_kind::delay;
  auto kind = static_cast<std::size_t>(x.of.kind);
  return duration_text(since) + ": " + all.all()[x.of.site]->name + ' '
         + (x.begins ? begins[kind] : ends[kind])
         + (two ? all.all()[x.of.peer]->name : "");
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

namespace {

/// The clients of all workloads of a run.
class all_clients {
public:
  all_clients(sites& all, const std::vector<const workload*>& what,
              std::uint64_t seed, std::size_t names)
    : begin_(steady::now()), requests_(all, requests_of(what), seed) {
    for (const auto* x : what) {
      lasts_ = std::max(lasts_, x->lasts);
      if (!x->changes)
        continue;
      auto number = names + changes_.size();
      changes_.push_back(std::make_unique<change_load>(
        all, *x, "w" + std::to_string(number), seed + number));
    }
  }

  /// Until they have gone on for so long as the file says, and each resource
  /// was made. Empty, or what is missing.
  std::string wait() {
    std::this_thread::sleep_until(begin_ + lasts_);
    std::size_t left = 0;
    (void) poll_until(all_made_within, [&] {
      left = 0;
      for (const auto& x : changes_)
        left += x->unmade();
      return left == 0;
    });
    return left == 0 ? ""
                     : std::to_string(left) + " resources could not be made";
  }

  void end(const printer& out, run_report& report) {
    requests_.stop();
    for (auto& x : changes_)
      x->stop();
    for (auto& x : changes_) {
      x->settle(settled_within);
      report.books.push_back(x->book());
    }
    for (const auto& [key, count] : requests_.counts())
      report.load[key] = count;
    if (!report.load.empty())
      out.load(report.load);
    for (const auto& text : requests_.failures())
      out.problem(text);
    for (const auto& text : requests_.refusals())
      out.dim("refused by a node: " + text);
  }

private:
  static std::vector<workload>
  requests_of(const std::vector<const workload*>& what) {
    std::vector<workload> out;
    for (const auto* x : what)
      if (!x->changes)
        out.push_back(*x);
    return out;
  }

  steady::time_point begin_;
  milliseconds lasts_{0};
  load requests_;
  std::vector<std::unique_ptr<change_load>> changes_;
};

} // namespace

void run_load(sites& all, const std::vector<const workload*>& what,
              const random_faults* faults, std::uint64_t seed,
              const printer& out, run_report& report) {
  all_clients running(all, what, seed, report.books.size());
  if (faults) {
    auto events = make_schedule(*faults, all.all().size(), seed);
    auto done = run_faults(all, moments_of(events), out, report);
    if (done)
      done = all.change({fault_change::what::heal, {}, milliseconds{0}});
    if (!done)
      report.broken = cheops::to_string(done.error());
  }
  if (report.broken.empty())
    report.broken = running.wait();
  running.end(out, report);
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
  case what::converged:
  case what::acknowledged:
  case what::no_duplicates:
  case what::uncertain_shown:
    return evaluate_changes(x, all, so_far.books);
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
