#include "tools/scenario/ports.hpp"

#include <arpa/inet.h>
#include <random>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

namespace cheops::scenario {

namespace {

constexpr const char* loopback = "127.0.0.1";

// Offsets within the block of a hundred ports that a site has.
constexpr int application_offset = 50;
constexpr int peer_front_offset = 91;
constexpr int link_offset = 92;
constexpr int site_block = 100;
constexpr int own_network_base = 8000;

/// A port that is free now. Taken below the range from which the kernel
/// gives ports to outgoing connections, so that none of those takes it
/// before the process that it is meant for does.
std::uint16_t free_port() {
  static std::set<std::uint16_t> given;
  static std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> any(20'000, 31'999);
  for (;;) {
    auto port = static_cast<std::uint16_t>(any(random));
    if (is_free(port) && given.insert(port).second)
      return port;
  }
}

} // namespace

bool is_free(std::uint16_t port) {
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

result<site_ports> make_ports(const scenario& what, std::size_t index,
                              port_mode mode) {
  int base = mode == port_mode::fixed
               ? what.ports + site_block * (static_cast<int>(index) + 1)
               : own_network_base;
  int taken = 0;
  auto port = [&](int offset) {
    if (mode == port_mode::free)
      return free_port();
    auto x = static_cast<std::uint16_t>(base + offset);
    if (mode == port_mode::fixed && !is_free(x))
      taken = x;
    return x;
  };
  site_ports out;
  int number = 0;
  for (const auto& service : what.application.services) {
    ++number;
    out.fronts[service] = {loopback, port(number)};
    out.application[service] = {loopback, port(application_offset + number)};
  }
  auto host = mode == port_mode::own_network ? network::address(index)
                                             : std::string{loopback};
  out.peer_front = {host, port(peer_front_offset)};
  out.link = {host, port(link_offset)};
  if (taken)
    return error{errc::io, "port " + std::to_string(taken) + " is taken", "",
                 "choose ports",
                 "end what listens there, or run without --keep"};
  return out;
}

} // namespace cheops::scenario
