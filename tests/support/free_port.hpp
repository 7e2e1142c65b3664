#pragma once

#include "tools/scenario/free_port.hpp"

namespace cheops::support {

/// A port of loopback for a server that cannot choose one itself, or that
/// must have the same again after a restart. Nobody else gets it while this
/// process lives. Throws if there is none.
[[nodiscard]] inline std::uint16_t free_port() {
  return scenario::free_port().value();
}

} // namespace cheops::support
