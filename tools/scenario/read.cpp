#include "tools/scenario/read.hpp"

#include "cheops/names.hpp"
#include "tools/scenario/read_values.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace cheops::scenario {

namespace {

fault_change read_fault(const yaml::node& x, const names& known) {
  using what = fault_change::what;
  fault_change out;
  auto sites = [&known](const yaml::node& from) {
    std::vector<std::string> all;
    if (from.is_list())
      for (const auto& item : from.each())
        all.push_back(read_site(item, known));
    else
      all.push_back(read_site(from, known));
    return all;
  };
  if (auto cut = x.optional("cut")) {
    out.kind = what::cut;
    out.sites = sites(cut);
  } else if (auto between = x.optional("between")) {
    out.kind = what::round_trip;
    out.sites = sites(between);
    out.by = x.at("round_trip").as<milliseconds>();
    if (out.sites.size() != 2)
      between.expected("two sites");
  } else if (auto heal = x.optional("heal")) {
    if (!heal.is_text() || heal.as<std::string>() != "all")
      out.sites = sites(heal);
  } else {
    x.expected("one of cut: SITE, heal: all, or between: [SITE, SITE] with "
               "round_trip: DURATION");
  }
  if (out.sites.size() > 2)
    x.fail("expected one site or two");
  return out;
}

faults_action read_faults(const yaml::node& x, const names& known) {
  faults_action out;
  if (x.is_list())
    for (const auto& item : x.each())
      out.changes.push_back(read_fault(item, known));
  else
    out.changes.push_back(read_fault(x, known));
  return out;
}

link_condition read_link(const yaml::node& x, const names& known) {
  link_condition out;
  out.at = read_site(x.at("at"), known);
  out.to = read_site(x.at("to"), known);
  if (auto state = x.optional("state")) {
    out.state = state.as<std::string>();
    for (const auto* word : {"connecting", "up", "down"})
      if (out.state == word)
        state = {};
    if (state)
      state.expected("connecting, up or down");
  }
  if (auto least = x.optional("round_trip_at_least"))
    out.at_least = least.as<milliseconds>();
  if (auto most = x.optional("round_trip_at_most"))
    out.at_most = most.as<milliseconds>();
  return out;
}

request_action read_exchange(const yaml::node& x, const names& known) {
  return {read_request(x.at("request"), known),
          read_expectation(x.optional("expect"), known),
          read_captures(x.optional("capture"))};
}

wait_action read_wait(const yaml::node& x, const names& known) {
  wait_action out;
  x.read("within", out.within);
  if (auto links = x.optional("links")) {
    if (links.is_list())
      for (const auto& item : links.each())
        out.links.push_back(read_link(item, known));
    else if (links.as<std::string>() == "up")
      out.all_links_up = true;
    else
      links.expected("up, or a list of links");
  } else if (x.optional("request")) {
    out.request = read_exchange(x, known);
  } else {
    x.expected("links: … or request: … with expect: …");
  }
  return out;
}

process_action read_process(const yaml::node& x, const names& known) {
  using what = process_action::what;
  process_action out;
  out.kind = x.at("do").as<what>({{"kill", what::kill},
                                  {"pause", what::pause},
                                  {"resume", what::resume},
                                  {"stop", what::stop},
                                  {"start", what::start},
                                  {"restart", what::restart}});
  out.site = read_site(x.at("site"), known);
  if (auto of = x.optional("of"))
    out.application = of.as<bool>({{"node", false}, {"application", true}});
  return out;
}

int line_of(const yaml::node& x) {
  // "file.yaml:12:5"
  auto where = x.where();
  auto column = where.rfind(':');
  auto line = where.rfind(':', column - 1);
  return std::atoi(where.c_str() + line + 1);
}

step read_step(const yaml::node& x, const names& known) {
  step out;
  out.line = line_of(x);
  out.title = x.at("title").as<std::string>();
  x.read("who", out.who);
  x.read("story", out.story);
  if (auto wait = x.optional("wait_until")) {
    out.run = read_wait(wait, known);
  } else if (auto faults = x.optional("faults")) {
    out.run = read_faults(faults, known);
  } else if (auto what = x.optional("process")) {
    out.run = read_process(what, known);
  } else if (auto explain = x.optional("explain")) {
    out.run = explain_action{read_request(explain, known),
                             read_matchers(x.at("expect"), true)};
  } else if (x.optional("request")) {
    out.run = read_exchange(x, known);
  } else {
    x.expected("a step with one of request, explain, faults, wait_until, "
               "process");
  }
  return out;
}

/// As read_request(), but for the site, which the workload chooses.
request_spec read_load(const yaml::node& x, const names& known) {
  if (auto site = x.optional("site"))
    site.fail("a workload's requests go to each site of the workload; a scope "
              "may name another with ${peer}");
  request_spec out;
  out.site = "${site}";
  out.service = read_service(x.at("service"), known);
  x.read("method", out.method);
  x.read("path", out.path);
  x.read("scope", out.scope);
  for (const auto& [name, value] : x.optional("headers").entries())
    out.headers.emplace_back(name, value.as<std::string>());
  if (auto body = x.optional("body"))
    out.json = read_json(body);
  x.read("timeout", out.timeout);
  return out;
}

workload read_workload(const yaml::node& x, const names& known) {
  workload out;
  out.name = x.at("name").as<std::string>();
  out.sites = known.sites;
  if (auto sites = x.optional("sites")) {
    out.sites.clear();
    for (const auto& item : sites.each())
      out.sites.push_back(read_site(item, known));
  }
  x.read("clients", out.clients, 1U, 256U);
  x.read("rate", out.rate, 0.1, 10'000.0);
  x.read("lasts", out.lasts, milliseconds{100}, milliseconds{86'400'000});
  for (const auto& item : x.at("requests").each()) {
    workload_request request;
    item.read("weight", request.weight, 1U, 1000U);
    request.request = read_load(item, known);
    out.requests.push_back(std::move(request));
  }
  if (out.requests.empty())
    x.fail("expected at least one request");
  return out;
}

span read_span(const yaml::node& x, span otherwise) {
  if (!x)
    return otherwise;
  span out{x.at("from").as<milliseconds>(), x.at("to").as<milliseconds>()};
  if (out.from > out.to)
    x.fail("expected from <= to");
  return out;
}

random_faults read_random(const yaml::node& x) {
  random_faults out;
  x.read("events", out.events, 1U, 100'000U);
  if (auto kinds = x.optional("kinds")) {
    out.kinds.clear();
    for (const auto& item : kinds.each())
      out.kinds.push_back(item.as<fault_kind>({{"cut", fault_kind::cut},
                                               {"kill", fault_kind::kill},
                                               {"pause", fault_kind::pause}}));
    if (out.kinds.empty())
      kinds.fail("expected at least one kind");
  }
  out.every = read_span(x.optional("every"), out.every);
  out.lasts = read_span(x.optional("lasts"), out.lasts);
  x.read("seed", out.seed);
  return out;
}

check read_check(const yaml::node& x) {
  using what = check::what;
  check out;
  auto name = x.is_map() ? x.at("check") : x;
  out.kind = name.as<what>(
    {{"local_requests_never_failed_on_live_sites",
      what::local_requests_never_failed_on_live_sites},
     {"scoped_requests_were_served", what::scoped_requests_were_served},
     {"no_descriptor_leak", what::no_descriptor_leak},
     {"memory_flat", what::memory_flat},
     {"all_links_up", what::all_links_up}});
  if (x.is_map()) {
    if (auto most = x.optional("at_most"))
      out.at_most = most.as<yaml::bytes>().count;
    x.read("within", out.within);
  }
  return out;
}

application_spec read_application(const yaml::node& x) {
  application_spec out;
  out.description = x.at("description").as<std::string>();
  for (const auto& item : x.at("services").each())
    out.services.push_back(item.as<std::string>());
  for (const auto& item : x.at("command").each())
    out.command.push_back(item.as<std::string>());
  if (x && (out.command.empty() || out.services.empty()))
    x.fail("expected a command and at least one service");
  x.read("healthy", out.healthy);
  x.read("journal", out.journal);
  return out;
}

std::vector<site_spec> read_sites(const yaml::node& x) {
  std::vector<site_spec> out;
  for (const auto& [name, value] : x.entries()) {
    site_spec site;
    site.line = line_of(value);
    site.name = name;
    if (value)
      if (auto allow = value.optional("allow"))
        site.allow_yaml = boost::json::serialize(read_json(allow));
    for (const auto& other : out)
      if (same_name(other.name, name))
        value.fail("a site of that name was given before");
    out.push_back(std::move(site));
  }
  if (x && (out.empty() || out.size() > 100))
    x.fail("expected between 1 and 100 sites");
  return out;
}

/// Words that the format keeps for what is to come.
void refuse_reserved(const yaml::node& root) {
  if (auto world = root.optional("world")) {
    static_cast<void>(read_json(world));
    world.fail("\"world\" (a simulated world) is reserved and not built yet; "
               "scenarios run on real processes");
  }
}

/// What the runner writes into each node's configuration by itself.
void refuse_own_keys(const yaml::node& node) {
  for (const auto& [key, value] : node.entries())
    for (const auto* own :
         {"site", "application", "data", "fronts", "peer_front", "link",
          "links", "tls", "networks", "peers", "admin", "experiments"})
      if (key == own)
        value.fail("\"" + key + "\" is written by the runner");
}

scenario read(const yaml::node& root, std::string file) {
  scenario out;
  out.file = std::move(file);
  out.title = root.at("title").as<std::string>();
  root.read("story", out.story);
  out.application = read_application(root.at("application"));
  out.sites = read_sites(root.at("sites"));
  if (auto node = root.optional("node")) {
    refuse_own_keys(node);
    for (const auto& [key, value] : node.entries())
      out.node_yaml +=
        key + ": " + boost::json::serialize(read_json(value)) + '\n';
  }
  root.read("namespaces", out.namespaces);
  root.read("ports", out.ports, 1024, 60'000);
  for (const auto& [name, value] : root.optional("variables").entries())
    out.variables[name] = value.as<std::string>();
  names known;
  known.services = out.application.services;
  known.journal = !out.application.journal.empty();
  for (const auto& site : out.sites)
    known.sites.push_back(site.name);
  for (const auto& item : root.optional("steps").each())
    out.steps.push_back(read_step(item, known));
  for (const auto& item : root.optional("workloads").each())
    out.workloads.push_back(read_workload(item, known));
  if (auto faults = root.optional("random_faults")) {
    out.faults = read_random(faults);
    if (out.workloads.empty())
      faults.fail("expected workloads beside it: faults run under load");
  }
  for (const auto& item : root.optional("checks").each())
    out.checks.push_back(read_check(item));
  refuse_reserved(root);
  if (root && out.steps.empty() && out.workloads.empty())
    root.fail("expected steps or workloads");
  return out;
}

result<scenario> read(const yaml::document& file, std::string name) {
  auto out = read(file.root(), std::move(name));
  if (auto clean = file.check(); !clean)
    return clean.error();
  return out;
}

} // namespace

std::string_view to_string(check::what x) noexcept {
  switch (x) {
  case check::what::local_requests_never_failed_on_live_sites:
    return "local_requests_never_failed_on_live_sites";
  case check::what::scoped_requests_were_served:
    return "scoped_requests_were_served";
  case check::what::no_descriptor_leak:
    return "no_descriptor_leak";
  case check::what::memory_flat:
    return "memory_flat";
  case check::what::all_links_up:
    return "all_links_up";
  }
  return "";
}

result<scenario> read_file(const std::string& path) {
  auto file = yaml::read_file(path);
  if (!file)
    return file.error();
  return read(*file, path);
}

result<scenario> read_text(std::string_view text, std::string name) {
  auto file = yaml::parse(text, name);
  if (!file)
    return file.error();
  return read(*file, std::move(name));
}

} // namespace cheops::scenario
