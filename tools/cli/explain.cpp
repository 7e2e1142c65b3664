#include "tools/explain.hpp"

#include "cheops/scope/parse.hpp"
#include "glue/describe.hpp"
#include "glue/registry.hpp"
#include "tools/admin_json.hpp"
#include "tools/cli/program.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iostream>
#include <iterator>

/// `cheops explain`, `cheops scope parse`, `cheops app check`: what texts
/// mean. They run nothing.
namespace cheops::cli {

namespace json = boost::json;

namespace {

struct explain_options {
  tools::explain_request ask;
  std::string application_file;
  std::vector<std::string> sites;
};

std::string text_at(const json::object& x, std::string_view name) {
  const auto* member = x.if_contains(name);
  return member && member->is_string() ? std::string{member->as_string()}
                                       : std::string{};
}

/// "GET /bars/1 to ServiceB: read of bar 1".
std::string request_line(const json::object& x) {
  auto out = text_at(x, "method") + " " + text_at(x, "path") + " to "
             + text_at(x, "service") + ": ";
  auto kind = text_at(x, "resource");
  if (kind.empty())
    return out + "no resource that the description names";
  auto id = text_at(x, "id");
  return out + text_at(x, "verb") + " of " + kind + (id.empty() ? "" : " ")
         + id;
}

/// A plan for people: an aligned line a fact.
std::string plan_text(const json::object& x) {
  std::vector<std::pair<std::string, std::string>> lines;
  lines.emplace_back("Scope", text_at(x, "scope"));
  if (const auto* request = x.if_contains("request");
      request && request->is_object())
    lines.emplace_back("Request", request_line(request->as_object()));
  lines.emplace_back("Action", text_at(x, "action"));
  lines.emplace_back("Meaning", text_at(x, "summary"));
  if (const auto* sites = x.if_contains("sites"); sites && sites->is_array()) {
    int i = 0;
    for (const auto& site : sites->as_array()) {
      lines.emplace_back(i == 0 ? "Sites" : "",
                         std::to_string(i + 1) + ". "
                           + std::string{site.as_string()});
      ++i;
    }
  }
  if (const auto* all = x.if_contains("passed_over"); all && all->is_array())
    for (const auto& one : all->as_array())
      lines.emplace_back(&one == &all->as_array().front() ? "Passed over" : "",
                         text_at(one.as_object(), "site") + ": "
                           + text_at(one.as_object(), "why"));
  if (auto why = text_at(x, "not_built"); !why.empty())
    lines.emplace_back("Refused", why);
  std::string out;
  for (auto& [name, value] : lines) {
    name += name.empty() ? "" : ":";
    name.resize(14, ' ');
    out += name + value + "\n";
  }
  return out;
}

/// A mesh in which every site is up: the offline form has no other.
mesh::view made_up(const std::vector<std::string>& sites) {
  mesh::view out;
  for (const auto& name : sites) {
    mesh::site x;
    x.name = site_id{name};
    x.state = out.sites.empty() ? mesh::reach::self : mesh::reach::up;
    out.sites.push_back(std::move(x));
  }
  if (!out.sites.empty())
    out.self = out.sites.front().name;
  std::ranges::sort(out.sites, {}, &mesh::site::name);
  return out;
}

result<json::value> explain_offline(const explain_options& with) {
  auto app = glue::load_description(with.application_file);
  if (!app)
    return app.error();
  auto found = tools::explain(with.ask, *app, made_up(with.sites), true);
  if (found)
    return *found;
  if (const auto& where = found.error().where)
    return pointed_error(where->code, scope::pointed(with.ask.scope, *where));
  return found.error().what;
}

result<json::value> explain_online(const session& s,
                                   const explain_options& with) {
  json::object body;
  body["scope"] = with.ask.scope;
  body["method"] = with.ask.method;
  body["path"] = with.ask.path;
  if (!with.ask.service.empty())
    body["service"] = with.ask.service;
  return s.call("POST", "/v1/scope:explain", json::serialize(body));
}

int run_explain(const session& s, const explain_options& with) {
  if (!with.ask.path.starts_with('/'))
    return s.usage("PATH \"" + with.ask.path + "\" must begin with /", "");
  auto offline = !with.application_file.empty();
  if (offline && with.sites.empty())
    return s.usage("without a node, the sites must be named",
                   "Add --sites Site1,Site2: the first is the own one.");
  if (!offline && !with.sites.empty())
    return s.usage("--sites is for the form without a node",
                   "Add --app FILE, the application's description.");
  auto plan = offline ? explain_offline(with) : explain_online(s, with);
  if (!plan)
    return s.fail(plan.error());
  if (!plan->is_object())
    return s.fail({errc::broken, "the plan is not an object", "", "", ""});
  auto as = s.output();
  std::cout << (as == format::json   ? to_pretty_json(*plan)
                : as == format::yaml ? to_yaml(*plan)
                                     : plan_text(plan->as_object()));
  return exit_ok;
}

int parse_scope(const session& s, std::string text) {
  if (text == "-") {
    // One byte more than the parser takes, so that it still sees the excess.
    text.assign(scope::text_bytes_max + 2, '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::cin.gcount()));
    if (text.ends_with('\n'))
      text.pop_back();
  }
  auto tree = scope::parse(text);
  if (!tree) {
    std::cerr << scope::pointed(text, tree.error()) << "\n";
    return exit_usage;
  }
  auto value = scope::to_json(*tree);
  std::cout << (s.output() == format::yaml ? to_yaml(value)
                                           : json::serialize(value) + "\n");
  return exit_ok;
}

int check_app(const session& s, const std::string& file) {
  auto app = glue::load_description(file);
  if (!app)
    return s.fail(app.error());
  auto value = tools::application_json(*app);
  auto as = s.output();
  std::cout << (as == format::json   ? to_pretty_json(value)
                : as == format::yaml ? to_yaml(value)
                                     : glue::explain(*app));
  return exit_ok;
}

} // namespace

void add_explain(program& to) {
  auto with = std::make_shared<explain_options>();
  auto* explain =
    to.add(&to.root, "explain", "show what a scope would do to a request",
           [&to, with] { return run_explain(to.common, *with); });
  explain->group("Look");
  explain->add_option("SCOPE", with->ask.scope, "the scope")->required();
  explain->add_option("PATH", with->ask.path, "the request's path")
    ->capture_default_str();
  explain->add_option("--service", with->ask.service,
                      "the service that is asked");
  explain->add_option("-m,--method", with->ask.method, "the request's method")
    ->capture_default_str();
  explain->add_option("--app", with->application_file,
                      "without a node: the application's description");
  explain
    ->add_option("--sites", with->sites,
                 "without a node: its sites, the own one first")
    ->delimiter(',')
    ->allow_extra_args(false);

  auto text = std::make_shared<std::string>();
  auto* scope = to.root.add_subcommand("scope", "work on scopes as texts");
  scope->group("Look")->require_subcommand(1);
  auto* parse = to.add(scope, "parse", "print a scope's tree as JSON",
                       [&to, text] { return parse_scope(to.common, *text); });
  parse->add_option("TEXT", *text, "the scope; -: standard input")->required();

  auto file = std::make_shared<std::string>();
  auto* app = to.root.add_subcommand("app", "work on application descriptions");
  app->group("Look")->require_subcommand(1);
  auto* check = to.add(app, "check", "say what a description means",
                       [&to, file] { return check_app(to.common, *file); });
  check->add_option("FILE", *file, "the description (YAML)")->required();
}

} // namespace cheops::cli
