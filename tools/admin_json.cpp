#include "tools/admin_json.hpp"

#include "cheops/text.hpp"
#include "glue/quantity.hpp"
#include "tools/time.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <span>

namespace cheops::tools {

namespace json = boost::json;

using std::chrono::microseconds;

namespace {

json::value address_json(const mesh::address& x) {
  return x.port == 0 ? json::value(nullptr) : json::value(mesh::to_string(x));
}

template <class Range>
json::array names_json(const Range& all) {
  json::array out;
  for (const auto& x : all)
    out.emplace_back(x.value);
  return out;
}

json::object site_json(const mesh::site& x) {
  json::object out;
  out["name"] = x.name.value;
  out["state"] = mesh::to_string(x.state);
  out["since"] = utc_ms(x.since);
  out["services"] = names_json(x.services);
  out["peer_front"] = address_json(x.peer_front);
  out["link"] = address_json(x.link);
  out["incarnation"] = x.incarnation;
  out["store"] = x.store;
  json::object trips;
  for (const auto& [to, us] : x.round_trips)
    trips[to.value] = us.count();
  out["round_trips_us"] = std::move(trips);
  return out;
}

json::object link_json(const mesh::view& all, const mesh::site& x) {
  json::object out;
  out["peer"] = x.name.value;
  out["state"] = mesh::to_string(x.state);
  out["since"] = utc_ms(x.since);
  auto trip = all.round_trip(all.self, x.name);
  out["round_trip_us"] =
    trip ? json::value(trip->count()) : json::value(nullptr);
  out["bytes_sent"] = x.stats.bytes_sent;
  out["bytes_received"] = x.stats.bytes_received;
  out["frames_sent"] = x.stats.frames_sent;
  out["frames_received"] = x.stats.frames_received;
  out["dials"] = x.stats.dials;
  out["times_down"] = x.stats.times_down;
  out["last_error"] = x.stats.last_error;
  return out;
}

json::object resource_json(const application::resource& x) {
  json::object out;
  out["kind"] = x.kind;
  json::array operations;
  for (const auto& op : x.operations)
    operations.push_back({{"method", op.method},
                          {"path", op.path},
                          {"verb", application::to_string(op.does)}});
  out["operations"] = std::move(operations);
  json::array references;
  for (const auto& ref : x.references)
    references.push_back({{"kind", application::to_string(ref.kind)},
                          {"service", ref.service.value},
                          {"resource", ref.resource}});
  out["references"] = std::move(references);
  return out;
}

error bad(std::string what, std::string hint = {}) {
  return {errc::bad_request, std::move(what), "", "read body", std::move(hint)};
}

/// The body as an object, every member one of `allowed`.
result<json::object> object_of(const json::value& x, std::string_view where,
                               std::span<const std::string_view> allowed) {
  const auto* object = x.if_object();
  if (!object)
    return bad(std::string{where} + " must be an object");
  for (const auto& member : *object)
    if (std::ranges::find(allowed, std::string_view{member.key()})
        == allowed.end()) {
      auto near = nearest_name(member.key(), allowed);
      return bad(std::string{where} + " has an unknown member \""
                   + std::string{member.key()} + "\"",
                 near.empty() ? "" : "did you mean " + near + "?");
    }
  return *object;
}

result<json::value> parsed(std::string_view body) {
  boost::system::error_code failure;
  auto out = json::parse(body, failure);
  if (failure)
    return bad("the body is not JSON: " + failure.message());
  return out;
}

/// A text member; `fallback` where there is none.
result<std::string> text_of(const json::object& in, std::string_view name,
                            std::string fallback) {
  const auto* x = in.if_contains(name);
  if (!x)
    return fallback;
  if (const auto* text = x->if_string())
    return std::string{*text};
  return bad("\"" + std::string{name} + "\" must be text");
}

result<mesh::fault> fault_of(const json::object& in, const std::string& where) {
  mesh::fault out;
  if (const auto* x = in.if_contains("cut")) {
    if (!x->is_bool())
      return bad(where + ": \"cut\" must be true or false");
    out.cut = x->as_bool();
  }
  if (const auto* x = in.if_contains("loss")) {
    boost::system::error_code failure;
    out.loss = x->is_number() ? x->to_number<double>(failure) : -1;
    if (failure || !(out.loss >= 0 && out.loss <= 1))
      return bad(where + ": \"loss\" must be a number from 0 to 1");
  }
  auto delay = text_of(in, "delay", "0ms");
  auto us = delay ? glue::to_duration(*delay) : std::nullopt;
  constexpr microseconds delay_max{60'000'000};
  if (!us || *us > delay_max)
    return bad(where
               + ": \"delay\" must be text such as \"40ms\", at most 60s");
  out.delay = *us;
  return out;
}

constexpr std::array<std::string_view, 5> fault_members{"peer", "direction",
                                                        "cut", "delay", "loss"};

/// `self`: it is this site's own name.
error no_peer(const std::string& name, bool self, const mesh::view& mesh) {
  std::vector<std::string> peers;
  for (const auto& x : mesh.sites)
    if (x.name != mesh.self)
      peers.push_back(x.name.value);
  constexpr std::size_t listed_max = 10;
  std::string list;
  for (std::size_t i = 0; i < std::min(peers.size(), listed_max); ++i)
    list += (i == 0 ? "" : ", ") + peers[i];
  auto near = name.size() > 64 ? std::string{} : nearest_name(name, peers);
  return {errc::unknown_site,
          self ? name + " is this site itself, and no peer of its own"
               : "no peer \"" + name + "\" is known",
          "", "set faults",
          !near.empty()   ? "did you mean " + near + "?"
          : peers.empty() ? "this site has no peers"
                          : "its peers are " + list
                              + (peers.size() > listed_max ? ", …" : "")};
}

/// Adds one entry of the body to the table.
result<void> add_fault(const json::value& x, const std::string& where,
                       const mesh::view& mesh, mesh::fault_table& table,
                       std::set<std::pair<std::string, bool>>& seen) {
  auto in = object_of(x, where, fault_members);
  if (!in)
    return in.error();
  auto peer = text_of(*in, "peer", "");
  if (!peer || peer->empty())
    return bad(where + ": \"peer\" must be the name of a site");
  const auto* site = mesh.find_any_case(*peer);
  if (!site || site->name == mesh.self)
    return no_peer(*peer, site != nullptr, mesh);
  auto direction = text_of(*in, "direction", "both");
  if (!direction
      || (*direction != "in" && *direction != "out" && *direction != "both"))
    return bad(where + ": \"direction\" must be in, out or both");
  auto what = fault_of(*in, where);
  if (!what)
    return what.error();
  for (bool inward : {true, false}) {
    if (*direction == (inward ? "out" : "in"))
      continue;
    if (!seen.emplace(site->name.value, inward).second)
      return bad(where + ": a second entry for " + site->name.value + ", "
                 + (inward ? "in" : "out"));
    auto& faults = table[site->name];
    (inward ? faults.in : faults.out) = *what;
  }
  return {};
}

} // namespace

json::value sites_json(const mesh::view& x) {
  json::object out;
  out["self"] = x.self.value;
  out["version"] = x.version;
  json::array sites;
  for (const auto& site : x.sites)
    sites.push_back(site_json(site));
  out["sites"] = std::move(sites);
  return out;
}

json::value links_json(const mesh::view& x) {
  json::array links;
  for (const auto& site : x.sites)
    if (site.state != mesh::reach::self)
      links.push_back(link_json(x, site));
  json::object out;
  out["links"] = std::move(links);
  return out;
}

std::string url_of(const site::front& x) {
  auto at = x.listen;
  if (at.host == "0.0.0.0")
    at.host = "127.0.0.1";
  else if (at.host == "::")
    at.host = "::1";
  return (x.tls.certificate.empty() ? "http://" : "https://")
         + mesh::to_string(at);
}

json::value fronts_json(const site::config& x) {
  json::array fronts;
  for (const auto& front : x.fronts) {
    auto backend = std::string{front.to.tls ? "https://" : "http://"}
                   + mesh::to_string(front.to.at);
    fronts.push_back({{"service", front.service.value},
                      {"url", url_of(front)},
                      {"backend", backend}});
  }
  json::object out;
  out["site"] = x.name.value;
  out["fronts"] = std::move(fronts);
  return out;
}

json::value application_json(const application::description& x) {
  json::array services;
  for (const auto& service : x.services) {
    json::object one;
    one["name"] = service.name.value;
    json::array aliases;
    for (const auto& alias : service.aliases)
      aliases.emplace_back(alias);
    one["aliases"] = std::move(aliases);
    one["authenticates"] = service.authenticates;
    one["calls"] = names_json(service.calls);
    json::array resources;
    for (const auto& resource : service.resources)
      resources.push_back(resource_json(resource));
    one["resources"] = std::move(resources);
    services.push_back(std::move(one));
  }
  json::object environment;
  for (const auto& [name, value] : x.clients.environment)
    environment[name] = value;
  json::object out;
  out["name"] = x.name;
  out["services"] = std::move(services);
  out["carriers"] = {{"prefix", x.carry.prefix},
                     {"baggage", x.carry.baggage},
                     {"trace", x.carry.trace}};
  out["errors"] = application::to_string(x.errors);
  out["environment"] = std::move(environment);
  return out;
}

json::value faults_json(const mesh::fault_table& x) {
  json::array faults;
  auto add = [&](const site_id& peer, const char* direction,
                 const mesh::fault& what) {
    if (what != mesh::fault{})
      faults.push_back({{"peer", peer.value},
                        {"direction", direction},
                        {"cut", what.cut},
                        {"delay", glue::to_text(what.delay)},
                        {"loss", what.loss}});
  };
  for (const auto& [peer, both] : x) {
    add(peer, "in", both.in);
    add(peer, "out", both.out);
  }
  json::object out;
  out["faults"] = std::move(faults);
  return out;
}

result<explain_request> to_explain_request(std::string_view body) {
  constexpr std::array<std::string_view, 4> members{"scope", "service",
                                                    "method", "path"};
  auto value = parsed(body);
  if (!value)
    return value.error();
  auto in = object_of(*value, "the body", members);
  if (!in)
    return in.error();
  if (!in->contains("scope"))
    return bad("\"scope\" is missing", "send {\"scope\": \"Site1 || Site2\"}");
  explain_request out;
  const std::pair<std::string_view, std::string*> fields[] = {
    {"scope", &out.scope},
    {"service", &out.service},
    {"method", &out.method},
    {"path", &out.path}};
  for (const auto& [name, to] : fields) {
    auto text = text_of(*in, name, *to);
    if (!text)
      return text.error();
    *to = *text;
  }
  if (!out.path.starts_with('/'))
    return bad("\"path\" must begin with /");
  return out;
}

result<mesh::fault_table> to_fault_table(std::string_view body,
                                         const mesh::view& mesh) {
  constexpr std::array<std::string_view, 1> members{"faults"};
  auto value = parsed(body);
  if (!value)
    return value.error();
  auto in = object_of(*value, "the body", members);
  if (!in)
    return in.error();
  const auto* list = in->if_contains("faults");
  if (!list || !list->is_array())
    return bad("\"faults\" must be a list");
  mesh::fault_table out;
  std::set<std::pair<std::string, bool>> seen;
  std::size_t i = 0;
  for (const auto& x : list->as_array()) {
    auto where = "faults[" + std::to_string(i++) + "]";
    if (auto done = add_fault(x, where, mesh, out, seen); !done)
      return done.error();
  }
  return out;
}

} // namespace cheops::tools
