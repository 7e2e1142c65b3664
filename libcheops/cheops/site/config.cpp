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

/// Null: gossip may have told of it; the defaults are for it too.
const peer* entry_of(const config& x, const site_id& wanted) {
  auto i = std::ranges::find_if(x.peers, [&](const peer& known) {
    return same_name(known.name.value, wanted.value);
  });
  return i == x.peers.end() ? nullptr : &*i;
}

} // namespace

bool allowed(const config& x, const application::description& app,
             const site_id& peer, const service_id& service,
             application::verb does) {
  const auto* offered = app.find(service.value);
  if (!offered)
    return false;
  if (const auto* entry = entry_of(x, peer); entry && entry->allow)
    return permits(*entry->allow, offered->name, does);
  if (x.default_allow)
    return permits(*x.default_allow, offered->name, does);
  return offered->authenticates;
}

const front* front_of(const config& x, const service_id& service) {
  auto i = std::ranges::find(x.fronts, service, &front::service);
  return i == x.fronts.end() ? nullptr : &*i;
}

const trust& trust_of(const config& x, const site_id& issuer) {
  const auto* entry = entry_of(x, issuer);
  return entry && entry->users ? *entry->users : x.default_trust;
}

bool may_bring(const config& x, const site_id& bringer, const site_id& issuer) {
  if (!trust_of(x, issuer).tokens)
    return false;
  if (same_name(bringer.value, issuer.value))
    return true;
  const auto& more = trust_of(x, bringer).brings;
  return !more || std::ranges::any_of(*more, [&](const site_id& one) {
    return same_name(one.value, issuer.value);
  });
}

bool knows_hosts(const config& x, const site_id& site) {
  const auto* entry = entry_of(x, site);
  return same_name(x.name.value, site.value)
         || (entry != nullptr && entry->knows_hosts);
}

std::optional<site_id>
witness_for(const std::vector<site_id>& named,
            const std::vector<site_id>& sites,
            const std::function<bool(const site_id&)>& may_be) {
  constexpr std::size_t helped = 2; // With more, a cut leaves a majority.
  if (sites.size() != helped)
    return std::nullopt;
  auto fits = [&](const site_id& x) {
    return std::ranges::none_of(
             sites,
             [&](const site_id& s) { return same_name(s.value, x.value); })
           && may_be(x);
  };
  auto i = std::ranges::find_if(named, fits);
  return i == named.end() ? std::nullopt : std::optional{*i};
}

tls_files node_files(const backend& to) {
  auto out = to.files;
  out.certificate = to.identity.certificate;
  out.key = to.identity.key;
  return out;
}

} // namespace cheops::site
