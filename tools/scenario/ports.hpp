#pragma once

#include "tools/scenario/sites.hpp"

namespace cheops::scenario {

enum class port_mode : std::uint8_t {
  free,        ///< Whatever is free (free_port.hpp).
  fixed,       ///< From the scenario's base, so that commands stay the same.
  own_network, ///< The same at every site: each has a network of its own.
};

/// Chooses where a site's parts listen. Errors: io (a
/// fixed port is taken, or none is free).
[[nodiscard]] result<site_ports> make_ports(const scenario& what,
                                            std::size_t index, port_mode mode);

} // namespace cheops::scenario
