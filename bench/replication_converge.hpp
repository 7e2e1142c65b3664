#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace cheops::bench {

struct converge_settings {
  unsigned operations = 10'000;
  unsigned resources = 1'000; ///< That they change, in turn.
  unsigned at_once = 64;
  std::uint16_t one = 0, other = 0; ///< Fronts of those that stay together.
  std::uint16_t away = 0;           ///< Front of the site that is cut off.
  std::chrono::seconds patience{120};
};

struct converge_figure {
  double linked_s = 0; ///< From the heal until the site is linked again.
  double done_s = 0;   ///< … until it has done all that waited for it.
};

/// Cuts a site off, has the others decide changes, heals, and waits until the
/// site has done them all. Throws where that does not happen in time.
[[nodiscard]] converge_figure run_converge(const converge_settings& with);

/// The median time to append 1 KB to a file in `folder` and have it on the
/// disk, in milliseconds.
[[nodiscard]] double sync_ms(const std::string& folder);

} // namespace cheops::bench
