#pragma once

#include "cheops/replicant/state.hpp"
#include "cheops/sim/application.hpp"

#include <cstdint>

namespace cheops::sim {

/// How often something goes wrong with a call of the application, of 1000.
struct call_faults {
  unsigned not_sent = 0;    ///< It cannot be reached.
  unsigned busy = 0;        ///< 429.
  unsigned cut = 0;         ///< It works, and the answer is lost.
  unsigned cut_before = 0;  ///< It is lost on the way.
  unsigned late = 0;        ///< It is cut off, and works afterwards.
  unsigned failed = 0;      ///< 500 instead of the work.
  unsigned failed_late = 0; ///< 500 after the work.
};

/// How often each kind of fault comes: parts of the sum.
struct fault_mix {
  unsigned crash = 30;
  unsigned cut = 40;
  unsigned pause = 15;
  unsigned application = 15; ///< It is down.
  unsigned delay = 0;        ///< What one site sends to another comes late,
};

/// What one run is made of. `draw` makes one of a seed; tests and scenarios
/// may write their own.
struct plan {
  std::uint64_t seed = 1;
  unsigned sites = 3;
  bool witness = false; ///< The last site is one, for each group.
  enforcement enforces = enforcement::markers;
  unsigned resources = 3;
  bool natural = false; ///< Users name the resources.
  bool refers = false;  ///< The last refers to the first.
  unsigned clients = 3;
  unsigned operations = 40; ///< Of all clients.
  time_us think_us = 60'000;
  unsigned reads = 250;       ///< Of 1000 actions of clients.
  unsigned removes = 15;      ///< Of 100 changes.
  time_us run_us = 3'000'000; ///< Then everything is healed.

  // -- network, of 1000 messages ---------------------------------------------
  time_us delay_us_min = 500;
  time_us delay_us_max = 10'000;
  unsigned lost = 0;
  unsigned twice = 0;

  // -- sites -----------------------------------------------------------------
  time_us sync_us_max = 4'000;
  time_us call_us_max = 12'000;
  std::uint32_t settles_after_ms = 150;
  call_faults calls;
  unsigned poisoned = 0; ///< Requests that some or all sites refuse, of 1000.
  time_us fault_every_us = 0; ///< Crashes, cuts, pauses; 0: none.
  bool crashes = true;
  fault_mix faults;
  time_us fault_us_min = 0;      ///< How long each lasts,
  time_us fault_us_max = 0;      ///< or 0: as is usual for its kind.
  time_us late_us_max = 500'000; ///< by so much at most.
  bool lost_disks = false;
  bool passivates = false;
  bool scales = false;  ///< Members are changed.
  bool encodes = false; ///< Messages go through the codec.

  replicant::settings owners;
};

/// Everything that can go wrong, in a mixture drawn from the seed.
[[nodiscard]] plan draw(std::uint64_t seed);

/// What is seldom met otherwise, since it needs elections at the wrong moments.
enum class hard_on : std::uint8_t { votes, terms, reads };

/// A schedule for it: one message at a time with one entry in it, and sites
/// that crash or are cut off for some milliseconds, again and again.
[[nodiscard]] plan draw_hard(std::uint64_t seed, hard_on what);

/// The same without any fault.
[[nodiscard]] plan draw_calm(std::uint64_t seed);

inline constexpr time_us tick_us = 10'000;

} // namespace cheops::sim
