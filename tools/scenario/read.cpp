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
  } else if (auto way = x.optional("one_way")) {
    out.kind = what::one_way;
    out.sites = sites(way);
    if (out.sites.size() != 2)
      way.expected("two sites: nothing comes from the first to the second");
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
    x.expected("one of cut: SITE, one_way: [SITE, SITE], heal: all, or "
               "between: [SITE, SITE] with round_trip: DURATION");
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

cheops_action read_cheops(const yaml::node& x, const names& known) {
  cheops_action out;
  auto what = x.at("cheops");
  out.site = read_site(what.at("site"), known);
  for (const auto& word : what.at("words").each())
    out.words.push_back(word.as<std::string>());
  what.read("timeout", out.timeout, milliseconds{1}, milliseconds{3'600'000});
  if (auto expect = x.optional("expect")) {
    expect.read("status", out.status, 0U, 255U);
    if (auto body = expect.optional("body"))
      out.body = read_matchers(body, true);
    if (auto output = expect.optional("output"))
      out.output = read_matcher(output);
  }
  out.capture = read_captures(x.optional("capture"));
  return out;
}

metrics_action read_metrics(const yaml::node& x, const names& known) {
  metrics_action out;
  out.site = read_site(x.at("metrics"), known);
  if (auto expect = x.optional("expect"))
    out.expect = read_matchers(expect, false);
  for (const auto& [name, from] : x.optional("capture").entries())
    out.capture.emplace_back(name, from.as<std::string>());
  return out;
}

store_action read_store(const yaml::node& x, const names& known) {
  return {read_site(x.at("store"), known), read_matcher(x.at("expect"))};
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
  } else if (x.optional("cheops")) {
    out.cheops = read_cheops(x, known);
  } else if (x.optional("metrics")) {
    out.metrics = read_metrics(x, known);
  } else {
    x.expected("links: …, or request: …, cheops: … or metrics: … with "
               "expect: …");
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
                                  {"restart", what::restart},
                                  {"let_end", what::let_end},
                                  {"lose_disk", what::lose_disk}});
  out.site = read_site(x.at("site"), known);
  if (auto of = x.optional("of"))
    out.application = of.as<bool>({{"node", false}, {"application", true}});
  if (out.application && out.kind == what::lose_disk)
    x.fail("only a node's disk can be lost: what an application keeps is its "
           "own");
  return out;
}

workload_action read_run(const yaml::node& x,
                         std::vector<workload>& workloads) {
  auto name = x.as<std::string>();
  for (auto& one : workloads)
    if (one.name == name) {
      one.by_step = true;
      return {static_cast<std::size_t>(&one - workloads.data())};
    }
  x.expected("the name of one of this file's workloads");
  return {};
}

int line_of(const yaml::node& x) {
  // "file.yaml:12:5"
  auto where = x.where();
  auto column = where.rfind(':');
  auto line = where.rfind(':', column - 1);
  return std::atoi(where.c_str() + line + 1);
}

step read_step(const yaml::node& x, const names& known,
               std::vector<workload>& workloads) {
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
  } else if (x.optional("cheops")) {
    out.run = read_cheops(x, known);
  } else if (x.optional("metrics")) {
    out.run = read_metrics(x, known);
  } else if (x.optional("store")) {
    out.run = read_store(x, known);
  } else if (auto load = x.optional("workload")) {
    out.run = read_run(load, workloads);
  } else {
    x.expected("a step with one of request, explain, faults, wait_until, "
               "process, cheops, metrics, store, workload");
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

changes_spec read_changes(const yaml::node& x, const names& known) {
  changes_spec out;
  out.service = read_service(x.at("service"), known);
  out.path = x.at("path").as<std::string>();
  out.list = x.at("list").as<std::string>();
  for (const auto& [text, key] :
       {std::pair{&out.path, "path"}, std::pair{&out.list, "list"}})
    if (!text->empty() && (*text)[0] != '/')
      x.optional(key).expected("a text that begins with \"/\"");
  out.scope = x.at("scope").as<std::string>();
  x.read("resources", out.resources, 1U, 1'000'000U);
  x.read("timeout", out.timeout, milliseconds{10}, milliseconds{3'600'000});
  if (auto mix = x.optional("mix")) {
    out.mix = {0, 0, 0, 0};
    mix.read("create", out.mix.create, 1U, 1000U);
    mix.read("update", out.mix.update, 0U, 1000U);
    mix.read("remove", out.mix.remove, 0U, 1000U);
    mix.read("read", out.mix.read, 0U, 1000U);
    if (out.mix.create == 0)
      mix.expected("create: at least 1, since the others need what it makes");
  }
  if (auto own = x.optional("own"))
    out.own = read_texts(own);
  return out;
}

workload read_workload(const yaml::node& x, const names& known) {
  workload out;
  out.line = line_of(x);
  out.name = x.at("name").as<std::string>();
  out.sites = known.sites;
  if (auto sites = x.optional("sites")) {
    out.sites.clear();
    for (const auto& item : sites.each())
      out.sites.push_back(read_site(item, known));
  }
  x.read("clients", out.clients, 1U, 256U);
  x.read("clients_in_all", out.clients_in_all, 1U, 1024U);
  x.read("rate", out.rate, 0.1, 10'000.0);
  x.read("lasts", out.lasts, milliseconds{100}, milliseconds{86'400'000});
  if (auto changes = x.optional("changes")) {
    out.changes = read_changes(changes, known);
    return out;
  }
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

using fault_words =
  std::initializer_list<std::pair<std::string_view, fault_kind>>;
const fault_words faults_known{
  {"cut", fault_kind::cut},
  {"kill", fault_kind::kill},
  {"pause", fault_kind::pause},
  {"cut_one_way", fault_kind::cut_one_way},
  {"delay", fault_kind::delay},
  {"kill_application", fault_kind::kill_application},
  {"pause_application", fault_kind::pause_application}};

/// A list of kinds, or a mapping from kinds to how often each comes.
std::vector<weighted_kind> read_kinds(const yaml::node& x) {
  std::vector<weighted_kind> out;
  if (x.is_map())
    for (const auto& [name, weight] : x.entries()) {
      auto is = [&](const auto& w) { return w.first == name; };
      const auto* known =
        std::find_if(faults_known.begin(), faults_known.end(), is);
      if (known == faults_known.end())
        weight.fail("no kind of fault \"" + name + '"');
      else
        out.push_back({known->second, weight.as<unsigned>(1U, 1000U)});
    }
  else
    for (const auto& item : x.each())
      out.push_back({item.as<fault_kind>(faults_known), 1});
  if (out.empty())
    x.fail("expected at least one kind");
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
  out.line = line_of(x);
  x.read("events", out.events, 1U, 100'000U);
  if (auto kinds = x.optional("kinds"))
    out.kinds = read_kinds(kinds);
  out.delay = read_span(x.optional("delay"), out.delay);
  out.every = read_span(x.optional("every"), out.every);
  out.lasts = read_span(x.optional("lasts"), out.lasts);
  x.read("seed", out.seed);
  return out;
}

/// What a check needs of the file.
void require_for(const check& x, const yaml::node& at, const scenario& of) {
  using what = check::what;
  auto changes =
    std::any_of(of.workloads.begin(), of.workloads.end(),
                [](const auto& w) { return w.changes.has_value(); });
  auto about_changes = x.kind == what::converged || x.kind == what::acknowledged
                       || x.kind == what::no_duplicates
                       || x.kind == what::uncertain_shown;
  if (about_changes && !changes)
    at.fail("expected a workload with \"changes\" for "
            + std::string{to_string(x.kind)});
  if (x.kind == what::no_duplicates && of.application.deeds.empty())
    at.fail("expected an application with \"deeds\" for no_duplicates");
}

check read_check(const yaml::node& x, const scenario& of) {
  using what = check::what;
  check out;
  out.line = line_of(x);
  auto name = x.is_map() ? x.at("check") : x;
  out.kind = name.as<what>(
    {{"local_requests_never_failed_on_live_sites",
      what::local_requests_never_failed_on_live_sites},
     {"scoped_requests_were_served", what::scoped_requests_were_served},
     {"no_descriptor_leak", what::no_descriptor_leak},
     {"memory_flat", what::memory_flat},
     {"all_links_up", what::all_links_up},
     {"converged", what::converged},
     {"acknowledged", what::acknowledged},
     {"no_duplicates", what::no_duplicates},
     {"uncertain_shown", what::uncertain_shown}});
  if (x.is_map()) {
    if (auto most = x.optional("at_most"))
      out.at_most = most.as<yaml::bytes>().count;
    x.read("within", out.within);
  }
  require_for(out, name, of);
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
  x.read("deeds", out.deeds);
  return out;
}

std::vector<site_spec> read_sites(const yaml::node& x) {
  std::vector<site_spec> out;
  for (const auto& [name, value] : x.entries()) {
    site_spec site;
    site.line = line_of(value);
    site.name = name;
    if (value) {
      if (auto allow = value.optional("allow"))
        site.allow_yaml = boost::json::serialize(read_json(allow));
      for (const auto& one : value.optional("witnesses").each())
        site.witnesses.push_back(one.as<std::string>());
    }
    for (const auto& other : out)
      if (same_name(other.name, name))
        value.fail("a site of that name was given before");
    out.push_back(std::move(site));
  }
  if (x && (out.empty() || out.size() > 100))
    x.fail("expected between 1 and 100 sites");
  return out;
}

/// What the runner writes into each node's configuration by itself.
void refuse_own_keys(const yaml::node& node) {
  for (const auto& [key, value] : node.entries())
    for (const auto* own : {"site", "application", "data", "fronts",
                            "peer_front", "link", "links", "tls", "networks",
                            "peers", "admin", "experiments", "replication"})
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
  for (const auto& item : root.optional("workloads").each())
    out.workloads.push_back(read_workload(item, known));
  for (const auto& item : root.optional("steps").each())
    out.steps.push_back(read_step(item, known, out.workloads));
  if (auto faults = root.optional("random_faults")) {
    out.faults = read_random(faults);
    if (out.workloads.empty())
      faults.fail("expected workloads beside it: faults run under load");
  }
  for (const auto& item : root.optional("checks").each())
    out.checks.push_back(read_check(item, out));
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
  case check::what::converged:
    return "converged";
  case check::what::acknowledged:
    return "acknowledged";
  case check::what::no_duplicates:
    return "no_duplicates";
  case check::what::uncertain_shown:
    return "uncertain_shown";
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
