#include "tools/explain.hpp"

#include "cheops/scope/plan.hpp"
#include "cheops/scope/tree.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace cheops::tools {

namespace json = boost::json;

namespace {

bool is_safe(std::string_view method) {
  constexpr std::array<std::string_view, 4> safe{"GET", "HEAD", "OPTIONS",
                                                 "TRACE"};
  return std::ranges::find(safe, method) != safe.end();
}

std::string list_of_services(const application::description& app) {
  std::string out;
  for (const auto& x : app.services)
    out += (out.empty() ? "" : ", ") + x.name.value;
  return out;
}

/// The service whose resource the request is about, if it is of one alone.
const application::service* only_one_with(const explain_request& what,
                                          const application::description& app) {
  const application::service* out = nullptr;
  for (const auto& x : app.services) {
    if (!application::classify(x, what.method, what.path).about)
      continue;
    if (out)
      return nullptr;
    out = &x;
  }
  return out;
}

/// The service that the request goes to.
result<const application::service*>
service_of(const explain_request& what, const scope::tree& tree,
           const application::description& app) {
  auto name = what.service;
  if (name.empty() && app.services.size() == 1)
    return &app.services.front();
  if (name.empty())
    if (const auto* only = only_one_with(what, app))
      return only;
  if (name.empty() && !tree.services.empty()
      && tree.services.front().first != scope::every_service)
    name = tree.services.front().first;
  if (name.empty())
    return error{errc::unknown_service, "which service is asked?", "",
                 "explain", "name one of " + list_of_services(app)};
  if (const auto* found = app.find(name))
    return found;
  std::vector<std::string> all;
  for (const auto& x : app.services)
    all.push_back(x.name.value);
  auto near = nearest_name(name, all);
  return error{errc::unknown_service,
               app.name + " has no service \"" + name + "\"", "", "explain",
               near.empty() ? "name one of " + list_of_services(app)
                            : "did you mean " + near + "?"};
}

json::object request_json(const explain_request& what,
                          const application::request_class& x) {
  json::object out;
  out["service"] = x.of->name.value;
  out["method"] = what.method;
  out["path"] = what.path;
  out["resource"] = x.about ? json::value(x.about->kind) : json::value(nullptr);
  out["verb"] = application::to_string(x.does);
  out["id"] = x.id.empty() ? json::value(nullptr) : json::value(x.id);
  return out;
}

} // namespace

void throw_exception_from_error(const explain_failure& x,
                                const boost::source_location&) {
  throw std::runtime_error(to_string(x.what));
}

scope::known_names names_of(const application::description& app,
                            const mesh::view& mesh) {
  scope::known_names out;
  for (const auto& x : mesh.sites)
    out.sites.push_back(x.name.value);
  for (const auto& x : app.services) {
    out.services[fold_case(x.name.value)] = x.name.value;
    for (const auto& alias : x.aliases)
      out.services[fold_case(alias)] = x.name.value;
  }
  return out;
}

explain_result explain(const explain_request& what,
                       const application::description& app,
                       const mesh::view& mesh, bool replicates) {
  auto tree = scope::parse(what.scope, names_of(app, mesh));
  if (!tree)
    return explain_failure{scope::to_error(what.scope, tree.error()),
                           tree.error()};
  auto service = service_of(what, *tree, app);
  if (!service)
    return explain_failure{service.error(), std::nullopt};
  auto kind = application::classify(**service, what.method, what.path);
  scope::question ask;
  ask.service = (*service)->name;
  ask.safe = is_safe(what.method);
  ask.creates = kind.does == application::verb::create;
  ask.replicates = replicates;
  auto plan = scope::make_plan(*tree, ask, app, mesh);
  if (!plan)
    return explain_failure{plan.error(), std::nullopt};
  auto out = scope::to_json(*plan).as_object();
  out["scope"] = scope::to_string(*tree);
  out["tree"] = scope::to_json(*tree);
  out["request"] = request_json(what, kind);
  return json::value(std::move(out));
}

} // namespace cheops::tools
