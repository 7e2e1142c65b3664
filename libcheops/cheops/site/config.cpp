#include "cheops/site/config.hpp"

#include <algorithm>

namespace cheops::site {

namespace {

bool permits(const std::vector<rule>& rules, const service_id& service,
             application::verb does) {
  return std::ranges::any_of(rules, [&](const rule& x) {
    return (x.service.value == "*" || same_name(x.service.value, service.value))
           && (x.verbs.empty()
               || std::ranges::find(x.verbs, does) != x.verbs.end());
  });
}

} // namespace

bool allowed(const config& x, const application::description& app,
             const site_id& peer, const service_id& service,
             application::verb does) {
  const auto* offered = app.find(service.value);
  if (!offered)
    return false;
  // A site that gossip told of has no entry: the defaults are for it too.
  auto i = std::ranges::find_if(x.peers, [&](const site::peer& known) {
    return same_name(known.name.value, peer.value);
  });
  if (i != x.peers.end() && i->allow)
    return permits(*i->allow, offered->name, does);
  if (x.default_allow)
    return permits(*x.default_allow, offered->name, does);
  return offered->authenticates;
}

} // namespace cheops::site
