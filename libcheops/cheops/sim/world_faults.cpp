// What goes wrong, and how it is healed.

#include "cheops/sim/world.hpp"

namespace cheops::sim {

namespace {

/// Of messages between two sites.
struct direction {
  unsigned from;
  unsigned to;
};

} // namespace

void world::disturb() {
  after(random.between(plan_.fault_every_us / 2, plan_.fault_every_us * 3 / 2),
        [this] {
          if (healed_)
            return;
          const auto& mix = plan_.faults;
          auto cuts = mix.crash + mix.cut;
          auto pauses = cuts + mix.pause;
          auto what = random.below(pauses + mix.application + mix.delay);
          if (what < mix.crash && plan_.crashes)
            crash_one();
          else if (what < cuts)
            cut_some();
          else if (what < pauses)
            pause_one();
          else if (what < pauses + mix.application)
            stop_application();
          else
            delay_some();
          disturb();
        });
}

time_us world::lasting(time_us usual_min, time_us usual_max) {
  return plan_.fault_us_max > 0
           ? random.between(plan_.fault_us_min, plan_.fault_us_max)
           : random.between(usual_min, usual_max);
}

void world::crash_one() {
  auto site = static_cast<unsigned>(random.below(sites()));
  if (!at(site).up())
    return;
  at(site).crash();
  after(lasting(10'000, 800'000), [this, site] {
    if (at(site).up())
      return;
    tell([&] { return at(site).id().site.value + " starts again"; });
    at(site).start();
    for (unsigned other = 0; other < sites(); ++other)
      if (other != site)
        join_links(site, other);
  });
}

/// One direction of a pair, both, or a site from all others.
void world::cut_some() {
  auto a = static_cast<unsigned>(random.below(sites()));
  auto b = static_cast<unsigned>(random.below(sites()));
  auto how = random.below(3);
  std::vector<direction> all;
  for (unsigned other = 0; other < sites(); ++other) {
    if (other == a || (how < 2 && other != b))
      continue;
    all.push_back({a, other});
    if (how > 0)
      all.push_back({other, a});
  }
  for (const auto& x : all) {
    ++cut_[x.from * sites() + x.to];
    tell([&] {
      return "cut: " + at(x.from).id().site.value + " to "
             + at(x.to).id().site.value;
    });
  }
  after(lasting(20'000, 1'200'000), [this, all] {
    if (healed_)
      return;
    for (const auto& x : all) {
      --cut_[x.from * sites() + x.to];
      tell([&] {
        return "healed: " + at(x.from).id().site.value + " to "
               + at(x.to).id().site.value;
      });
    }
    for (const auto& x : all)
      join_links(x.from, x.to);
  });
}

void world::join_links(unsigned a, unsigned b) {
  if (cut(a, b) || cut(b, a))
    return;
  for (auto x : {direction{a, b}, direction{b, a}})
    after_at(x.to, random.between(1'000, 20'000), [this, x] {
      if (!cut(x.from, x.to) && at(x.from).up())
        at(x.to).reachable(x.from);
    });
}

void world::pause_one() {
  auto site = random.below(sites());
  paused_until_[site] = now_ + lasting(20'000, 600'000);
  tell([&] {
    return at(static_cast<unsigned>(site)).id().site.value + " is paused";
  });
}

void world::stop_application() {
  auto site = random.below(sites());
  application_down_until_[site] = now_ + lasting(50'000, 1'500'000);
  tell([&] {
    return "the application of "
           + at(static_cast<unsigned>(site)).id().site.value + " is down";
  });
}

void world::delay_some() {
  auto a = static_cast<unsigned>(random.below(sites()));
  auto b = static_cast<unsigned>(random.below(sites()));
  auto by = random.between(1'000, plan_.late_us_max);
  late_by_[a * sites() + b] = by;
  tell([&] {
    return "late: " + at(a).id().site.value + " to " + at(b).id().site.value
           + " by " + std::to_string(by / 1000) + " ms";
  });
  after(lasting(20'000, 1'200'000),
        [this, a, b] { late_by_[a * sites() + b] = 0; });
}

void world::heal() {
  healed_ = true;
  tell([] { return std::string{"all is healed"}; });
  cut_.assign(cut_.size(), 0);
  late_by_.assign(late_by_.size(), 0);
  paused_until_.assign(paused_until_.size(), 0);
  application_down_until_.assign(application_down_until_.size(), 0);
  for (auto& n : nodes_)
    if (!n->up())
      n->start();
  for (unsigned a = 0; a < sites(); ++a)
    for (unsigned b = 0; b < a; ++b)
      join_links(a, b);
}

} // namespace cheops::sim
