#include "cheops/scope/plan.hpp"

#include "cheops/application/description.hpp"
#include "cheops/scope/lexer.hpp"
#include "cheops/scope/place.hpp"
#include "cheops/scope/suggest.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace cheops::scope {

namespace {

constexpr const char* step_name = "plan scope";
constexpr std::size_t alternatives_max = 3;

// Each one looks at every pair of its site and another.
constexpr std::size_t arounds_max = 32;

std::size_t count_arounds(const placement& x) {
  auto sum = [](const std::vector<placement>& parts) {
    std::size_t out = 0;
    for (const auto& part : parts)
      out += count_arounds(part);
    return out;
  };
  if (const auto* chain = std::get_if<all>(&x.node))
    return sum(chain->parts);
  if (const auto* chain = std::get_if<cross>(&x.node))
    return sum(chain->parts);
  if (const auto* chain = std::get_if<any>(&x.node))
    return sum(chain->parts);
  return std::holds_alternative<around>(x.node) ? 1 : 0;
}

class planner {
public:
  planner(const tree& scope, const question& ask,
          const application::description& app, const mesh::view& mesh)
    : scope_{scope}, ask_{ask}, app_{app}, mesh_{mesh} {}

  result<plan> operator()() {
    auto mine = find_placement();
    if (!mine)
      return mine.error();
    if (auto e = check_sites(*mine))
      return *e;
    if (*mine == nullptr)
      return local();
    if (count_arounds(**mine) > arounds_max)
      return fail(errc::bad_scope,
                  "more than " + std::to_string(arounds_max)
                    + " times around for one service",
                  "name the sites");
    auto where = place(**mine, ask_, mesh_);
    if (!where)
      return where.error();
    plan out;
    out.act = where->act;
    out.sites = std::move(where->sites);
    out.passed_over = std::move(where->passed_over);
    out.summary = summary(**mine, out);
    if (where->unbuilt != nullptr)
      out.not_built = not_built(*where->unbuilt, out.sites);
    else if (out.act == action::replicate && ask_.creates)
      out.not_built = inner_calls_leave(out.sites);
    return out;
  }

private:
  // -- checks -----------------------------------------------------------------

  error fail(errc code, std::string what, std::string hint = {}) const {
    return {code, std::move(what), mesh_.self.value, step_name,
            std::move(hint)};
  }

  // The placement of the service that is asked; nullptr: none is given. The
  // names of other services are checked on the way.
  result<const placement*> find_placement() const {
    const placement* mine = nullptr;
    std::vector<service_id> seen;
    for (const auto& [name, where] : scope_.services) {
      if (name == every_service) {
        mine = &where;
        continue;
      }
      auto id = canonical(name);
      if (!id.empty() && std::ranges::find(seen, id) != seen.end())
        return fail(errc::bad_scope, "the scope names the service " + id.value
                                       + " twice, once by another name");
      seen.push_back(id);
      if (same_name(id.empty() ? name : id.value, ask_.service.value))
        mine = &where;
      else if (!ask_.inherited)
        if (auto e = check_reach(name, id))
          return *e;
    }
    return mine;
  }

  service_id canonical(const std::string& name) const {
    const auto* x = app_.find(name);
    return x == nullptr ? service_id{} : x->name;
  }

  std::optional<error> check_reach(const std::string& name,
                                   const service_id& id) const {
    if (id.empty()) {
      std::vector<std::string> all;
      for (const auto& x : app_.services)
        all.push_back(x.name.value);
      return fail(errc::unknown_service, "no service is named " + excerpt(name),
                  suggestion(name, all, "services"));
    }
    if (app_.reaches(ask_.service, id))
      return std::nullopt;
    return fail(errc::unknown_service,
                "a request to " + ask_.service.value + " can never reach "
                  + id.value,
                "leave " + id.value
                  + " out of the scope, or have the "
                    "application file say which services "
                  + ask_.service.value + " calls");
  }

  static std::string suggestion(const std::string& name,
                                const std::vector<std::string>& all,
                                const std::string& kind) {
    if (all.empty())
      return "no " + kind + " are known here";
    auto nearest = nearest_of(name, all);
    auto out = nearest.empty() ? "" : "did you mean \"" + nearest + "\"? ";
    return out + "known " + kind + ": " + listed(all, "and");
  }

  // An inherited scope is checked where it is used: what it says of other
  // calls is for the sites that make them.
  std::optional<error> check_sites(const placement* mine) const {
    std::optional<error> out;
    auto check = [&](const std::string& name) {
      if (mesh_.find_any_case(name) == nullptr)
        out = unknown(name);
      return !out;
    };
    for (const auto& entry : scope_.services)
      if (!ask_.inherited || &entry.second == mine)
        if (!each_site(entry.second, check))
          return out;
    if (scope_.prime && (!ask_.inherited || mine != nullptr))
      (void) check(*scope_.prime);
    return out;
  }

  error unknown(const std::string& name) const {
    std::vector<std::string> all;
    for (const auto& x : mesh_.sites)
      all.push_back(x.name.value);
    return fail(errc::unknown_site, "no site is named " + excerpt(name),
                suggestion(name, all, "sites"));
  }

  // While a replica is made, the service's own calls stay at each site: a
  // scope that sends them elsewhere would not be kept. Empty: it does not.
  std::string inner_calls_leave(std::vector<site_id> mine) const {
    std::ranges::sort(mine);
    for (const auto& [name, where] : scope_.services) {
      auto id = canonical(name);
      if (id.empty() || id == ask_.service || !app_.reaches(ask_.service, id))
        continue;
      auto other = ask_;
      other.service = id;
      auto placed = place(where, other, mesh_);
      auto sites = placed ? placed->sites : std::vector<site_id>{};
      std::ranges::sort(sites);
      if (sites != mine)
        return "this release runs the calls that " + ask_.service.value
               + " makes to " + id.value
               + ", while a replica is made, at that replica's own site; leave "
               + id.value + " out of the scope";
    }
    return {};
  }

  // -- words ------------------------------------------------------------------

  std::string at_site(const site_id& x) const {
    return x == mesh_.self ? "here, at " + x.value : "at " + x.value;
  }

  const std::string& named(const std::string& x) const {
    return mesh_.find_any_case(x)->name.value;
  }

  static std::string listed_sites(const std::vector<site_id>& sites,
                                  std::string_view last) {
    std::vector<std::string> names;
    names.reserve(sites.size());
    for (const auto& x : sites)
      names.push_back(x.value);
    return listed(names, last);
  }

  plan local() const {
    plan out;
    out.sites = {mesh_.self};
    out.summary = "the scope does not name " + ask_.service.value
                  + ": it runs here, at " + mesh_.self.value;
    return out;
  }

  std::string summary(const placement& mine, const plan& x) const {
    const auto& service = ask_.service.value;
    auto sites = listed_sites(x.sites, "and");
    switch (x.act) {
    case action::replicate: {
      auto does = [&](const char* runs, const char* planned) {
        return service + (ask_.replicates ? " " : " would ")
               + (ask_.replicates ? runs : planned);
      };
      if (ask_.creates)
        return does("makes", "make") + " a replica at each of " + sites;
      if (!ask_.safe)
        return does("changes", "change") + " every replica, at " + sites;
      return does("reads", "read") + " the replica nearest to here, of "
             + sites;
    }
    case action::divide:
      return "one resource of " + service + " would span " + sites
             + (scope_.prime ? "; " + named(*scope_.prime) + " arbitrates"
                             : "");
    case action::copy:
      return "copies of one resource of " + service
             + " would be kept: " + to_string(mine);
    case action::local:
    case action::share:
      break;
    }
    auto out = service + " runs " + at_site(x.sites.front());
    if (const auto* near = std::get_if<around>(&mine.node))
      out += ", the nearest of " + std::to_string(x.sites.size()) + " within "
             + figure(near->within) + " of " + named(near->site);
    for (std::size_t i = 1; i < x.sites.size(); ++i)
      out += (i == 1 ? "; if it cannot be reached, " : ", then ")
             + at_site(x.sites[i]);
    return out;
  }

  // What would run instead, with the same sites.
  std::string instead(const std::vector<site_id>& sites) const {
    std::string text;
    for (std::size_t i = 0; i < std::min(sites.size(), alternatives_max); ++i)
      text += (i > 0 ? " || " : "") + as_written(sites[i].value);
    return "{" + as_written(ask_.service.value) + ": " + text + "}";
  }

  std::string not_built(const placement& what,
                        const std::vector<site_id>& sites) const {
    std::string out = "this release does not yet ";
    if (const auto* near = std::get_if<around>(&what.node))
      return out + "create on every site around " + named(near->site)
             + "; create at one site with {" + as_written(ask_.service.value)
             + ": " + as_written(named(near->site))
             + "}; requests that do not create run with this scope";
    if (std::holds_alternative<all>(what.node))
      out += "replicate over sites (\"&\")";
    else if (std::holds_alternative<any>(what.node))
      out += "fall back (\"||\") from or to more than one site";
    else if (std::holds_alternative<cross>(what.node))
      out += "spread one resource over sites (\"%\")";
    else
      out += "keep replica sets (\"" + to_string(what) + "\")";
    return out + "; what runs is one site, or alternatives, such as "
           + instead(sites);
  }

  const tree& scope_;
  const question& ask_;
  const application::description& app_;
  const mesh::view& mesh_;
};

} // namespace

std::string_view to_string(action x) noexcept {
  switch (x) {
  case action::local:
    return "local";
  case action::share:
    return "share";
  case action::replicate:
    return "replicate";
  case action::divide:
    return "divide";
  case action::copy:
    break;
  }
  return "copy";
}

result<plan> make_plan(const tree& scope, const question& ask,
                       const application::description& app,
                       const mesh::view& mesh) {
  return planner{scope, ask, app, mesh}();
}

boost::json::value to_json(const plan& x) {
  namespace json = boost::json;
  json::array sites;
  for (const auto& name : x.sites)
    sites.emplace_back(json::string{name.value});
  json::array passed;
  for (const auto& y : x.passed_over) {
    json::object one;
    one.emplace("site", y.site.value);
    one.emplace("why", y.why);
    passed.emplace_back(std::move(one));
  }
  json::object out;
  out.emplace("action", to_string(x.act));
  out.emplace("sites", std::move(sites));
  out.emplace("passed_over", std::move(passed));
  if (x.not_built.empty())
    out.emplace("not_built", nullptr);
  else
    out.emplace("not_built", x.not_built);
  out.emplace("summary", x.summary);
  return out;
}

} // namespace cheops::scope
