#include "glue/describe.hpp"

#include "glue/quantity.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace cheops::glue {

using namespace application;

namespace {

void add(std::string& to, std::initializer_list<std::string_view> parts) {
  for (auto x : parts)
    to += x;
}

std::string padded(std::string_view x, std::size_t width) {
  std::string out{x};
  out.resize(std::max(width, out.size() + 1), ' ');
  return out;
}

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& x : all)
    add(out, {out.empty() ? "" : ", ", x});
  return out;
}

std::string_view shape_text(error_shape x) {
  switch (x) {
  case error_shape::problem:
    return "application/problem+json";
  case error_shape::openstack:
    return "those of OpenStack";
  case error_shape::kubernetes:
    break;
  }
  return "a Status of Kubernetes";
}

std::string_view dependency_text(dependency x) {
  switch (x) {
  case dependency::requires_:
    return "needs, to be created,";
  case dependency::relies_on:
    return "needs, as long as it lives,";
  case dependency::composed_of:
    break;
  }
  return "is made of, and deleted with,";
}

std::string_view settling_text(settling x) {
  switch (x) {
  case settling::repeat:
    return "a create whose answer never came is sent again";
  case settling::probe:
    return "a create whose answer never came is looked for";
  case settling::nothing:
    break;
  }
  return "a create whose answer never came is shown as uncertain";
}

std::string replication_text(const replication& x) {
  if (!x.allowed)
    return "    It is never replicated.\n";
  auto out = "    Replicated: " + std::string{settling_text(x.creates)};
  if (x.creates == settling::probe)
    out += " (GET " + x.probe + ")";
  if (x.settles_after.count() == 0)
    return out + "; when it is too late for one to act is not known.\n";
  return out + ", " + to_text(x.settles_after) + " after it was given up.\n";
}

std::string resource_text(const resource& x) {
  auto out = "  " + x.kind + ": an answer has its id at "
             + (x.id_pointer.empty() ? "the top" : x.id_pointer);
  if (!x.name_pointer.empty())
    out += ", a body its name at " + x.name_pointer;
  if (x.unique_name)
    out += " (the application refuses a second of one name)";
  out += x.secret ? "; bodies are never shown\n" : "\n";
  if (x.discovery)
    out += "    It tells clients what there is: where its scope cannot be run, "
           "the site that is asked answers.\n";
  for (const auto& op : x.operations)
    add(out, {"    ", padded(to_string(op.does), 8), padded(op.method, 8),
              op.path, "\n"});
  for (const auto& ref : x.references) {
    add(out,
        {"    ", dependency_text(ref.kind), " the ", ref.resource, " of ",
         ref.service.value, " whose ", ref.by_name ? "name" : "id", " is at "});
    if (!ref.path_parameter.empty())
      add(out, {"{", ref.path_parameter, "} in the path\n"});
    else
      add(out,
          {ref.pointer.empty() ? "the top" : ref.pointer, " in the body\n"});
  }
  auto creates = [](const operation& op) { return op.does == verb::create; };
  if (std::ranges::any_of(x.operations, creates))
    out += replication_text(x.copies);
  return out;
}

std::string service_text(const description& app, const service& x) {
  auto out = x.name.value;
  if (!x.aliases.empty())
    out += " (also " + joined(x.aliases) + ")";
  out += "\n  Peers may use it ";
  out += x.authenticates ? "by default: it authenticates users itself.\n"
                         : "only where a site's configuration allows it: it "
                           "does not authenticate users.\n";
  std::vector<std::string> reached;
  for (const auto& other : app.services)
    if (&other != &x && app.reaches(x.name, other.name))
      reached.push_back(other.name.value);
  out += reached.empty()
           ? "  A request of it stays within it: a scope may name no other "
             "service.\n"
           : "  A request of it can lead to: " + joined(reached)
               + ". A scope may name these too.\n";
  if (x.resources.empty())
    out += "  It has no resources: every request can be shared, none "
           "replicated.\n";
  for (const auto& r : x.resources)
    out += resource_text(r);
  return out;
}

} // namespace

std::string explain(const description& x) {
  std::vector<std::string> ways{"the header Scope"};
  if (x.carry.prefix)
    ways.emplace_back("the URL prefix /scope/<base64url>/");
  if (x.carry.baggage)
    ways.emplace_back("baggage (cheops.scope)");
  if (x.carry.trace)
    ways.emplace_back("the trace (traceparent) of a call that had one");
  auto out = "Application " + x.name + "\n\nA scope comes by: " + joined(ways)
             + ".\nErrors of Cheops look like "
             + std::string{shape_text(x.errors)} + ".\n";
  if (!x.adapter.empty())
    out += "More than this page says is known of it: the adapter " + x.adapter
           + " (tokens, ids of requests).\n";
  for (const auto& service : x.services)
    add(out, {"\n", service_text(x, service)});
  if (!x.clients.environment.empty())
    out += "\nClients are started (cheops run) with\n";
  for (const auto& [name, value] : x.clients.environment)
    add(out, {"  ", name, "=", value, "\n"});
  return out;
}

} // namespace cheops::glue
