#include "cheops/sim/plan.hpp"

#include "cheops/sim/dice.hpp"

namespace cheops::sim {

namespace {

replicant::settings paces() {
  replicant::settings x;
  x.tick_ms = tick_us / 1000;
  x.group.patience_ticks = 60;
  x.patience_ticks = 80;
  x.judge_ticks = 60;
  x.dependency_ticks = 60;
  x.retry_ticks_max = 32;
  x.fold_entries = 16;
  return x;
}

call_faults some_faults(dice& d) {
  auto some = [&] {
    return d.per_mille(400) ? static_cast<unsigned>(d.below(120)) : 0U;
  };
  return {some(), some(), some(), some(), some(), some(), some()};
}

} // namespace

plan draw_calm(std::uint64_t seed) {
  dice d{seed};
  plan x;
  x.seed = seed;
  x.sites = static_cast<unsigned>(d.between(1, 4));
  x.enforces = static_cast<enforcement>(d.below(4));
  x.natural = x.enforces == enforcement::names && d.per_mille(700);
  x.resources = static_cast<unsigned>(d.between(1, 3));
  x.refers = x.resources > 1 && d.per_mille(300);
  x.clients = static_cast<unsigned>(d.between(1, 4));
  x.operations = static_cast<unsigned>(d.between(10, 40));
  x.encodes = d.per_mille(125);
  x.passivates = d.per_mille(300);
  x.owners = paces();
  return x;
}

plan draw_hard(std::uint64_t seed, hard_on what) {
  plan x;
  x.seed = seed;
  x.resources = 1;
  x.clients = 4;
  x.operations = 60; // Fewer than a record keeps notes of.
  x.think_us = 20'000;
  x.run_us = 2'500'000;
  x.sync_us_max = 2'000;
  x.fault_us_min = 1'000;
  x.late_us_max = 200'000;
  x.owners = paces();
  x.owners.group.append_entries_max = 1;
  x.owners.group.in_flight_max = 1;
  switch (what) {
  case hard_on::votes: // Several begin a group at once, and crash in it.
    x.natural = true;
    x.enforces = enforcement::names;
    x.removes = 50;
    x.reads = 100;
    x.delay_us_max = 20'000;
    x.fault_every_us = 15'000;
    x.fault_us_max = 8'000;
    x.faults = {90, 10, 0, 0, 30};
    break;
  case hard_on::terms: // Who leads is gone before its entries are everywhere.
    x.removes = 2;
    x.reads = 50;
    x.delay_us_max = 15'000;
    x.fault_every_us = 20'000;
    x.fault_us_max = 60'000;
    x.faults = {60, 40, 0, 0, 30};
    break;
  case hard_on::reads: // Who leads is cut off, and asked.
    x.removes = 2;
    x.reads = 500;
    x.delay_us_max = 5'000;
    x.fault_every_us = 100'000;
    x.fault_us_max = 300'000;
    x.faults = {5, 90, 0, 0, 10};
    break;
  }
  return x;
}

plan draw(std::uint64_t seed) {
  auto x = draw_calm(seed);
  dice d{~seed};
  x.sites = static_cast<unsigned>(d.between(2, 4));
  x.witness = d.per_mille(200);
  if (x.witness)
    x.sites = 3;
  if (d.per_mille(600))
    x.lost = static_cast<unsigned>(d.below(150));
  if (d.per_mille(500))
    x.twice = static_cast<unsigned>(d.below(100));
  if (d.per_mille(300))
    x.delay_us_max = d.between(10'000, 80'000);
  if (d.per_mille(600))
    x.calls = some_faults(d);
  if (d.per_mille(400))
    x.poisoned = static_cast<unsigned>(d.below(150));
  if (d.per_mille(850))
    x.fault_every_us = d.between(100'000, 1'000'000);
  // A majority must keep its disks.
  x.lost_disks = x.sites > 2 && d.per_mille(150);
  x.scales = !x.lost_disks && d.per_mille(250);
  if (d.per_mille(300))
    x.owners.judge_ticks = static_cast<unsigned>(d.between(10, 200));
  return x;
}

} // namespace cheops::sim
