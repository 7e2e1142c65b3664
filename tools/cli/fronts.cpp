#include "tools/cli/fronts.hpp"

#include "cheops/scope/parse.hpp"
#include "glue/registry.hpp"
#include "tools/admin_json.hpp"

#include <boost/json.hpp>

namespace cheops::cli {

namespace json = boost::json;

namespace {

void take_description(application_facts& to,
                      const application::description& app) {
  to.environment = app.clients.environment;
  for (auto& front : to.fronts)
    if (const auto* service = app.find(front.service))
      front.aliases = service->aliases;
}

result<application_facts> from_files(const session& s,
                                     std::string application_file) {
  auto site = s.config();
  if (!site)
    return site.error();
  application_facts out;
  for (const auto& front : site->fronts)
    out.fronts.push_back({front.service.value, {}, tools::url_of(front)});
  if (application_file.empty())
    application_file = site->application_file;
  auto app = glue::load_description(application_file);
  if (!app)
    return app.error();
  take_description(out, *app);
  return out;
}

/// Reads what /v1/fronts and /v1/application answer. Throws what Boost.JSON
/// throws where they are not what the contract says.
application_facts to_facts(const json::value& fronts, const json::value& app) {
  application_facts out;
  for (const auto& x : fronts.at("fronts").as_array())
    out.fronts.push_back({json::value_to<std::string>(x.at("service")),
                          {},
                          json::value_to<std::string>(x.at("url"))});
  for (const auto& x : app.at("services").as_array()) {
    auto name = json::value_to<std::string>(x.at("name"));
    for (auto& front : out.fronts)
      if (front.service == name)
        front.aliases =
          json::value_to<std::vector<std::string>>(x.at("aliases"));
  }
  for (const auto& x : app.at("environment").as_object())
    out.environment[x.key()] = json::value_to<std::string>(x.value());
  return out;
}

} // namespace

result<application_facts>
learn_application(const session& s, const std::string& application_file) {
  if (s.has_config())
    return from_files(s, application_file);
  auto fronts = s.call("GET", "/v1/fronts");
  if (!fronts)
    return fronts.error();
  auto app = s.call("GET", "/v1/application");
  if (!app)
    return app.error();
  application_facts out;
  try {
    out = to_facts(*fronts, *app);
  } catch (const std::exception&) {
    return error{errc::broken, "the answer is not what the contract says", "",
                 "ask the admin endpoint",
                 "is it the admin endpoint of a cheopsd of this release?"};
  }
  if (!application_file.empty()) {
    auto described = glue::load_description(application_file);
    if (!described)
      return described.error();
    take_description(out, *described);
  }
  return out;
}

result<void> check_scope(const std::string& scope) {
  auto tree = scope::parse(scope);
  if (tree)
    return {};
  return pointed_error(tree.error().code, scope::pointed(scope, tree.error()));
}

} // namespace cheops::cli
