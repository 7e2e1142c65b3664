#include "tools/scenario/schedule.hpp"

#include "cheops/splitmix.hpp"

#include <algorithm>
#include <cassert>

namespace cheops::scenario {

std::string_view to_string(fault_kind x) noexcept {
  switch (x) {
  case fault_kind::cut:
    return "cut";
  case fault_kind::kill:
    return "kill";
  case fault_kind::pause:
    return "pause";
  case fault_kind::cut_one_way:
    return "cut_one_way";
  case fault_kind::delay:
    return "delay";
  case fault_kind::kill_application:
    return "kill_application";
  case fault_kind::pause_application:
    return "pause_application";
  }
  return "";
}

std::uint64_t seeded::next() noexcept {
  return splitmix64(state_);
}

std::uint64_t seeded::below(std::uint64_t bound) noexcept {
  assert(bound > 0);
  return next() % bound;
}

namespace {

fault_kind choose(const std::vector<weighted_kind>& from, seeded& random) {
  std::uint64_t sum = 0;
  for (const auto& x : from)
    sum += x.weight;
  auto left = random.below(sum);
  for (const auto& x : from) {
    if (left < x.weight)
      return x.kind;
    left -= x.weight;
  }
  return from.back().kind;
}

} // namespace

std::vector<fault_event> make_schedule(const random_faults& what,
                                       std::size_t sites, std::uint64_t seed) {
  assert(sites > 0 && !what.kinds.empty());
  seeded random(seed);
  auto within = [&random](const span& x) {
    auto width = static_cast<std::uint64_t>((x.to - x.from).count()) + 1;
    return x.from + milliseconds(random.below(width));
  };
  std::vector<fault_event> out;
  std::vector<milliseconds> free_at(sites, milliseconds{0});
  milliseconds at{0};
  for (unsigned i = 0; i < what.events; ++i) {
    at += within(what.every);
    fault_event x;
    x.kind = choose(what.kinds, random);
    x.site = random.below(sites);
    x.lasts = within(what.lasts);
    auto two = x.kind == fault_kind::cut_one_way || x.kind == fault_kind::delay;
    if (two && sites > 1)
      x.peer = (x.site + 1 + random.below(sites - 1)) % sites;
    if (x.kind == fault_kind::delay)
      x.by = within(what.delay);
    // A second fault of a site waits until its first is mended.
    at = std::max(at, free_at[x.site]);
    x.at = at;
    free_at[x.site] = x.at + x.lasts + what.every.from;
    out.push_back(x);
  }
  return out;
}

void prolong(scenario& what, unsigned times) {
  for (auto& x : what.workloads)
    if (!x.by_step)
      x.lasts *= times;
  if (what.faults)
    what.faults->events *= times;
}

} // namespace cheops::scenario
