#include "tools/scenario/ports.hpp"

#include "tools/scenario/free_port.hpp"

#include <optional>

namespace cheops::scenario {

namespace {

constexpr const char* loopback = "127.0.0.1";

// Offsets within the block of a hundred ports that a site has.
constexpr int application_offset = 50;
constexpr int peer_front_offset = 91;
constexpr int link_offset = 92;
constexpr int site_block = 100;
constexpr int own_network_base = 8000;

} // namespace

result<site_ports> make_ports(const scenario& what, std::size_t index,
                              port_mode mode) {
  int base = mode == port_mode::fixed
               ? what.ports + site_block * (static_cast<int>(index) + 1)
               : own_network_base;
  std::optional<error> failed;
  auto port = [&](int offset) -> std::uint16_t {
    if (mode == port_mode::free) {
      auto any = free_port();
      if (!any)
        failed = any.error();
      return any ? *any : 0;
    }
    auto x = static_cast<std::uint16_t>(base + offset);
    if (mode == port_mode::fixed && !is_free(x))
      failed =
        error{errc::io, "port " + std::to_string(x) + " is taken", "",
              "choose ports", "end what listens there, or run without --keep"};
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
  if (failed)
    return *failed;
  return out;
}

} // namespace cheops::scenario
