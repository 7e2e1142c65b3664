#pragma once

#include "cheops/result.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <netinet/in.h>
#include <random>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/// Ports for servers that must be told theirs. In a header, since tests of
/// folders that know nothing of scenarios need them too.
namespace cheops::scenario {

/// From the first to the last, both included.
struct port_range {
  int first = 0;
  int last = 0;
  friend bool operator==(const port_range&, const port_range&) = default;
};

/// Ports that the kernel hands out by itself, to connections that go out and
/// to who asks for any: whoever gets one may get it at any moment.
inline port_range ephemeral_ports() {
  port_range out{32'768, 60'999};
  std::ifstream{"/proc/sys/net/ipv4/ip_local_port_range"} >> out.first
    >> out.last;
  return out;
}

/// Some thousands of ports outside that range. Where the machine leaves none,
/// ports within it, which then are safe from other processes of ours alone.
inline port_range ports_beside(port_range ephemeral) {
  constexpr int least = 2000, most = 12'768, unprivileged = 5000;
  if (ephemeral.first - unprivileged >= least)
    return {std::max(ephemeral.first - most, unprivileged),
            ephemeral.first - 1};
  if (65'535 - ephemeral.last >= least)
    return {ephemeral.last + 1, 65'535};
  return {20'000, 20'000 + most - 1};
}

/// Whether nobody listens at a port of the loopback address.
inline bool is_free(std::uint16_t port) {
  auto socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto done = ::bind(socket, reinterpret_cast<sockaddr*>(&at), sizeof at);
  ::close(socket);
  return done == 0;
}

/// Keeps a port from `free_port`, of this process and of every other, while
/// the descriptor that comes back is open; -1 where it is claimed already.
/// The claim is a name that the kernel forgets with its socket, and that
/// belongs to the network namespace that the port belongs to.
inline int claim_port(std::uint16_t port) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  // A name that begins with a zero is no file.
  auto size = std::snprintf(at.sun_path + 1, sizeof at.sun_path - 1,
                            "cheops-port-%u", unsigned{port});
  auto length =
    offsetof(sockaddr_un, sun_path) + 1 + static_cast<std::size_t>(size);
  auto socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&at),
             static_cast<socklen_t>(length))
      == 0)
    return socket;
  ::close(socket);
  return -1;
}

/// A port of loopback at which nobody listens, and which neither the kernel
/// nor anybody who asks here is given while this process lives: a server may
/// be told to listen at it now, later and again. Errors: io (there is none).
inline result<std::uint16_t> free_port() {
  auto range = ports_beside(ephemeral_ports());
  auto count = static_cast<unsigned>(range.last - range.first + 1);
  auto start = std::random_device{}();
  for (unsigned i = 0; i < count; ++i) {
    auto port = static_cast<std::uint16_t>(static_cast<unsigned>(range.first)
                                           + (start + i) % count);
    // Looked at after the claim alone: to look is to bind it for a moment.
    auto claim = claim_port(port);
    if (claim >= 0 && is_free(port))
      return port; // The claim ends with the process.
    if (claim >= 0)
      ::close(claim);
  }
  return error{errc::io,
               "no port of " + std::to_string(range.first) + " to "
                 + std::to_string(range.last) + " is free",
               {},
               "choose ports",
               "end what listens there"};
}

} // namespace cheops::scenario
