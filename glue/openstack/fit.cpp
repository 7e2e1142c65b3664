#include "glue/openstack/fit.hpp"

#include "cheops/names.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/scope/place.hpp"

#include <algorithm>

namespace cheops::glue::openstack {

namespace {

const scope::placement* placement_of(const scope::tree& in,
                                     const application::service* what,
                                     const application::description& app) {
  if (what == nullptr)
    return nullptr;
  for (const auto& [name, where] : in.services)
    if (app.find(name) == what)
      return &where;
  return nullptr;
}

} // namespace

result<void> fit(const application::description& app, const together& of,
                 const scope::tree& scope, const scope::question& ask,
                 const std::vector<site_id>& sites,
                 const site::config& config) {
  if (of.compute == nullptr || ask.service != of.compute->name || sites.empty())
    return {};
  const auto& nova = of.compute->name.value;
  if (const auto* where = placement_of(scope, of.placement, app)) {
    const auto* one = std::get_if<scope::site>(&where->node);
    if (one == nullptr || sites.size() != 1
        || !same_name(one->name, sites[0].value)) {
      const auto& other = of.placement->name.value;
      return error{errc::bad_scope,
                   nova + " of one site cannot use " + other
                     + " of another: it counts the hosts of its own site",
                   "", "plan scope",
                   "leave " + other
                     + " out of the scope, or name one site "
                       "for both"};
    }
  }
  const auto* where = placement_of(scope, of.network, app);
  if (where == nullptr || ask.safe
      || std::ranges::find(sites, config.name) == sites.end())
    return {};
  std::string stranger;
  (void) scope::each_site(*where, [&](const std::string& name) {
    if (!site::knows_hosts(config, site_id{name}))
      stranger = name;
    return stranger.empty();
  });
  if (stranger.empty())
    return {};
  const auto& other = of.network->name.value;
  return error{errc::bad_scope,
               other + " of " + stranger
                 + " does not know the compute hosts "
                   "of "
                 + config.name.value
                 + ", so no port of a server here "
                   "can be bound there",
               "", "plan scope",
               "name {" + nova + ": " + stranger + ", " + other + ": "
                 + stranger + "}, or leave " + other + " out; where " + other
                 + " of " + stranger
                 + " has agents for these hosts, the configuration "
                   "of "
                 + config.name.value + " says so: peers[].knows_hosts"};
}

bool is_bare(const std::string& text) {
  auto tree = scope::parse(text);
  return tree && tree->services.size() == 1 && tree->services[0].first == "*";
}

bool says_more(const std::string& text, const application::service& than,
               const application::description& app) {
  auto tree = scope::parse(text);
  return tree && std::ranges::any_of(tree->services, [&](const auto& entry) {
           const auto* one = app.find(entry.first);
           return one != nullptr && one != &than;
         });
}

} // namespace cheops::glue::openstack
