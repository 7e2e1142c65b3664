#include "cheops/mesh/view.hpp"

#include <algorithm>
#include <charconv>

namespace cheops::mesh {

std::string to_string(const address& x) {
  auto v6 = x.host.find(':') != std::string::npos;
  return (v6 ? "[" + x.host + "]" : x.host) + ":" + std::to_string(x.port);
}

std::optional<address> to_address(std::string_view x) {
  auto colon = x.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return std::nullopt;
  auto host = x.substr(0, colon);
  auto digits = x.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']' && host.size() > 2)
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":[] /") != std::string_view::npos)
    return std::nullopt;
  std::uint16_t port = 0;
  auto end = digits.data() + digits.size();
  auto [at, ec] = std::from_chars(digits.data(), end, port);
  if (digits.empty() || ec != std::errc{} || at != end)
    return std::nullopt;
  return address{std::string{host}, port};
}

std::string_view to_string(reach x) noexcept {
  switch (x) {
  case reach::self:
    return "self";
  case reach::connecting:
    return "connecting";
  case reach::up:
    return "up";
  case reach::down:
    break;
  }
  return "down";
}

const site* view::find(const site_id& name) const noexcept {
  auto i = std::ranges::find(sites, name, &site::name);
  return i == sites.end() ? nullptr : &*i;
}

const site* view::find_any_case(std::string_view name) const noexcept {
  auto i = std::ranges::find_if(
    sites, [&](const site& x) { return same_name(x.name.value, name); });
  return i == sites.end() ? nullptr : &*i;
}

std::optional<std::chrono::microseconds>
view::round_trip(const site_id& a, const site_id& b) const {
  if (a == b)
    return std::chrono::microseconds{0};
  std::optional<std::chrono::microseconds> best;
  auto look = [&](const site_id& from, const site_id& to) {
    if (const auto* s = find(from))
      if (auto i = s->round_trips.find(to); i != s->round_trips.end())
        best = std::max(best.value_or(i->second), i->second);
  };
  look(a, b);
  look(b, a);
  return best;
}

} // namespace cheops::mesh
