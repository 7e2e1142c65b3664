#pragma once

#include <caf/io/connection_handle.hpp>
#include <caf/io/doorman.hpp>
#include <caf/io/network/default_multiplexer.hpp>

#include <functional>

namespace cheops::actors {

/// Accepts the connections of a listening socket for a broker. CAF's own
/// keeps the accepted socket to itself, and tries again without end where
/// the process has no descriptor left for it.
///
/// `accepted` is told the descriptor behind each handle before the broker's
/// new_connection_msg comes.
[[nodiscard]] caf::io::doorman_ptr
make_doorman(caf::io::network::default_multiplexer& mx, int fd,
             std::function<void(caf::io::connection_handle, int)> accepted);

} // namespace cheops::actors
