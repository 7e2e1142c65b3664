#include "cheops/percent.hpp"
#include "http/url.hpp"
#include "tools/cli/members.hpp"
#include "tools/cli/program.hpp"

#include <iostream>
#include <thread>

/// What is kept on several sites: look, wait, follow, change, settle.
namespace cheops::cli {

namespace json = boost::json;

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds poll_pause{200};
/// The stream gives a sign of life four times in it.
constexpr milliseconds silence_max{60'000};

std::string joined(const json::array& all, std::string_view between) {
  std::string out;
  for (const auto& x : all) {
    if (&x != &all.front()) // The first may be empty: Kubernetes' core group.
      out += between;
    out += x.is_string() ? std::string{x.get_string()} : json::serialize(x);
  }
  return out;
}

/// "Site1=ok,Site2=pending"
/// It votes, and has no copy whose state could be told.
bool is_witness(const json::value& site) {
  return text_of(site, "role") == "witness";
}

std::string sites_text(const json::value& x) {
  std::string out;
  for (const auto& site : list_of(x, "sites"))
    out += (out.empty() ? "" : ",") + text_of(site, "site") + "="
           + text_of(site, is_witness(site) ? "role" : "state");
  return out;
}

std::string here(const json::value& x, std::string_view member) {
  const auto& sites = list_of(x, "sites");
  return sites.empty() ? std::string{} : text_of(sites.front(), member);
}

std::string target_of(const std::string& meta, const char* what = "") {
  return "/v1/replicants/" + percent_encoded(meta) + what;
}

// -- get ---------------------------------------------------------------------

struct list_options {
  std::string name;
  std::string state;
  std::string kind;
  std::string service;
  std::string site;
  std::size_t limit = 500;
  bool watch = false;
};

std::string query_of(const list_options& with) {
  std::string out;
  for (const auto& [name, value] : {std::pair{"state", with.state},
                                    {"kind", with.kind},
                                    {"service", with.service},
                                    {"site", with.site}})
    if (!value.empty())
      out += std::string{"&"} + name + "=" + percent_encoded(value);
  return out;
}

/// Page after page, up to the limit.
result<json::value> fetch_list(const session& s, const list_options& with) {
  json::array all;
  std::string after;
  for (;;) {
    auto left = with.limit - all.size();
    auto page =
      s.call("GET", "/v1/replicants?limit="
                      + std::to_string(std::min<std::size_t>(left, 1000))
                      + query_of(with) + after);
    if (!page)
      return page.error();
    for (const auto& x : list_of(*page, "replicants"))
      all.push_back(x);
    auto next = text_of(*page, "next");
    if (next.empty() || all.size() >= with.limit)
      return json::value{{"replicants", std::move(all)},
                         {"next", (*page).at("next")}};
    after = "&after=" + next;
  }
}

result<json::value> fetch(const session& s, const list_options& with) {
  if (with.name.empty())
    return fetch_list(s, with);
  auto one = s.call("GET", target_of(with.name));
  if (!one)
    return one.error();
  return json::value{{"replicants", json::array{std::move(*one)}},
                     {"next", nullptr}};
}

table to_table(const json::value& whole) {
  table out{"replicant",
            {{"REPLICANT"},
             {"KIND"},
             {"NAME"},
             {"STATE"},
             {"SITES"},
             {"SERVICE", true},
             {"LOCAL ID", true}},
            {}};
  for (const auto& x : list_of(whole, "replicants"))
    out.rows.push_back({text_of(x, "replicant"), text_of(x, "kind"),
                        joined(list_of(x, "name"), "/"), text_of(x, "state"),
                        sites_text(x), text_of(x, "service"),
                        here(x, "local_id")});
  return out;
}

int run_get(const session& s, const list_options& with) {
  using seen = std::variant<session::picture, int>;
  return s.watch(with.watch, [&]() -> seen {
    auto whole = fetch(s, with);
    if (!whole)
      return s.fail(whole.error());
    auto rows = to_table(*whole);
    std::string remark;
    if (rows.rows.empty())
      remark = "No replicants.";
    else if (!text_of(*whole, "next").empty())
      remark = "There are more: --limit.";
    return session::picture{std::move(rows), std::move(*whole),
                            std::move(remark)};
  });
}

// -- describe ----------------------------------------------------------------

std::string padded(std::string x, std::size_t width) {
  x.resize(std::max(x.size() + 1, width), ' ');
  return x;
}

void print_part(std::ostream& to, const char* title, const table& x) {
  if (x.rows.empty())
    return;
  to << title << ":\n";
  auto text = to_text(x, true, true);
  for (std::size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    to << "  " << text.substr(at, end - at) << "\n";
    at = end + 1;
  }
}

std::string status_text(const json::value& x) {
  auto status = text_of(x, "status");
  return text_of(x, "state") + (status.empty() ? "" : " (" + status + ")");
}

void print_description(std::ostream& to, const json::value& x) {
  auto line = [&](const char* title, const std::string& value) {
    to << padded(std::string{title} + ":", 12) << (value.empty() ? "-" : value)
       << "\n";
  };
  line("Replicant", text_of(x, "replicant"));
  line("Kind", text_of(x, "kind") + " of " + text_of(x, "service"));
  line("Name", joined(list_of(x, "name"), "/"));
  line("State", text_of(x, "state"));
  line("Leader", text_of(x, "leader"));
  line("Term", text_of(x, "term"));
  line("Indexes", "log " + text_of(x, "last_index") + ", committed "
                    + text_of(x, "commit_index") + ", applied "
                    + text_of(x, "applied_index"));
  line("Changed at", text_of(x, "changed_at"));
  if (auto ended = text_of(x, "deleted_at"); !ended.empty())
    line("Deleted at", ended);
  if (auto why = text_of(x, "halted"); !why.empty())
    line("Halted", why);
  std::string goal;
  for (const auto& m : list_of(x, "goal"))
    goal += (goal.empty() ? "" : " & ") + text_of(m, "site");
  if (!goal.empty())
    line("On its way to", goal);
  table sites{
    "site",
    {{"SITE"}, {"ROLE"}, {"STATE"}, {"INDEX"}, {"LOCAL ID"}, {"LAST OUTCOMES"}},
    {}};
  for (const auto& m : list_of(x, "sites")) {
    std::string outcomes;
    for (const auto& o : list_of(m, "outcomes"))
      outcomes += (outcomes.empty() ? "" : ", ") + text_of(o, "index") + " "
                  + status_text(o);
    sites.rows.push_back({text_of(m, "site"), text_of(m, "role"),
                          is_witness(m) ? "" : text_of(m, "state"),
                          text_of(m, "index"), text_of(m, "local_id"),
                          outcomes});
  }
  print_part(to, "Sites", sites);
  table troubles{"trouble", {{"INDEX"}, {"CHANGE"}, {"STATE"}}, {}};
  for (const auto& t : list_of(x, "troubles"))
    troubles.rows.push_back(
      {text_of(t, "index"), text_of(t, "change"), status_text(t)});
  print_part(to, "Troubles of this site", troubles);
  table operations{"operation",
                   {{"INDEX"}, {"CHANGE"}, {"FATE"}, {"STATUS"}, {"OPERATION"}},
                   {}};
  for (const auto& o : list_of(x, "operations"))
    operations.rows.push_back({text_of(o, "index"), text_of(o, "change"),
                               text_of(o, "fate"), text_of(o, "status"),
                               text_of(o, "operation")});
  print_part(to, "Operations", operations);
}

/// For programs the whole, else what `show` prints.
template <class Show>
int print_one(const session& s, const json::value& x, const std::string& name,
              const Show& show) {
  switch (s.output()) {
  case format::json:
    std::cout << to_pretty_json(x) << "\n";
    break;
  case format::yaml:
    std::cout << to_yaml(x);
    break;
  case format::name:
    std::cout << name << "\n";
    break;
  default:
    show(std::cout, x);
    break;
  }
  return exit_ok;
}

/// The id of the replicant that is known here by that name ("a/b/c", as `get`
/// shows it) or local id; what has no slash is an id already.
result<std::string> meta_of(const session& s, const std::string& name) {
  if (name.find('/') == std::string::npos)
    return name;
  std::string after;
  for (;;) {
    auto page = s.call("GET", "/v1/replicants?limit=1000" + after);
    if (!page)
      return page.error();
    for (const auto& x : list_of(*page, "replicants"))
      if (joined(list_of(x, "name"), "/") == name
          || here(x, "local_id") == name)
        return text_of(x, "replicant");
    auto next = text_of(*page, "next");
    if (next.empty())
      return error{errc::not_found,
                   "nothing called " + name + " is kept on several sites here",
                   "", "look for it", "cheops get replicants lists what is"};
    after = "&after=" + next;
  }
}

int run_describe(const session& s, const std::string& name) {
  auto meta = meta_of(s, name);
  if (!meta)
    return s.fail(meta.error());
  auto x = s.call("GET", target_of(*meta));
  if (!x)
    return s.fail(x.error());
  return print_one(s, *x, "replicant/" + text_of(*x, "replicant"),
                   print_description);
}

// -- wait --------------------------------------------------------------------

struct wait_options {
  std::string name;
  bool all = false;
};

bool all_are(const json::value& x, std::string_view state) {
  const auto& sites = list_of(x, "sites");
  for (const auto& site : sites)
    if (text_of(site, "state") != state && !is_witness(site))
      return false;
  return !sites.empty();
}

/// Whether the fate is known, and how it is at the sites if that is asked.
bool is_settled(const json::value& x, bool all) {
  auto fate = text_of(x, "fate");
  if (fate == "open" || fate == "unknown")
    return false;
  if (!all || fate != "stands")
    return true;
  for (const auto& site : list_of(x, "sites"))
    if (text_of(site, "state") == "pending")
      return false;
  return true;
}

void print_operation(std::ostream& to, const json::value& x) {
  to << text_of(x, "change") << " " << text_of(x, "fate");
  if (auto index = text_of(x, "index"); !index.empty())
    to << ", at index " << index;
  for (const auto& site : list_of(x, "sites"))
    to << "\n  " << text_of(site, "site") << ": " << status_text(site);
  to << "\n";
}

void print_sites(std::ostream& to, const json::value& x) {
  to << sites_text(x) << "\n";
}

/// Until the fate of an operation is known, or all sites of a replicant have
/// done what is decided.
int run_wait(const session& s, const wait_options& with) {
  auto is_operation = with.name.find('_') != std::string::npos;
  auto target = is_operation ? "/v1/operations/" + percent_encoded(with.name)
                             : target_of(with.name);
  auto until = steady_clock::now() + s.timeout();
  for (;;) {
    auto x = s.call("GET", target);
    if (!x)
      return s.fail(x.error());
    if (is_operation ? is_settled(*x, with.all) : all_are(*x, "ok")) {
      print_one(s, *x, with.name, is_operation ? print_operation : print_sites);
      // What was decided against it is no success.
      auto fate = is_operation ? text_of(*x, "fate") : "stands";
      return fate == "stands" || fate == "repeated" ? exit_ok : exit_failed;
    }
    if (steady_clock::now() + poll_pause >= until)
      return s.fail({errc::timed_out,
                     is_operation ? "its fate is " + text_of(*x, "fate")
                                  : "its sites are " + sites_text(*x),
                     "", "wait", "wait longer with --timeout"});
    std::this_thread::sleep_for(poll_pause);
  }
}

// -- events ------------------------------------------------------------------

struct event_options {
  bool watch = false;
  std::string replicant;
};

table events_table(const json::array& events) {
  table out{
    "event",
    {{"TIME"}, {"EVENT"}, {"REPLICANT"}, {"INDEX"}, {"STATUS"}, {"TEXT"}},
    {}};
  for (const auto& x : events)
    out.rows.push_back({text_of(x, "time"), text_of(x, "event"),
                        text_of(x, "replicant"), text_of(x, "index"),
                        text_of(x, "status"), text_of(x, "text")});
  return out;
}

/// A line for each event, as it comes.
class event_printer {
public:
  explicit event_printer(const session& s) : s_(s) {}

  void take(std::string_view piece) {
    constexpr std::size_t line_bytes_max = 1024 * 1024;
    rest_ += piece;
    for (auto end = rest_.find('\n'); end != std::string::npos;
         end = rest_.find('\n')) {
      take_line(std::string_view{rest_}.substr(0, end));
      rest_.erase(0, end + 1);
    }
    if (rest_.size() > line_bytes_max)
      rest_.clear();
  }

private:
  void take_line(std::string_view line) {
    constexpr std::string_view data = "data: ", event = "event: ";
    if (line.starts_with(event))
      missed_ = line.substr(event.size()) == "missed";
    if (!line.starts_with(data))
      return;
    if (missed_) {
      std::cerr << "cheops: some events are no longer kept\n";
      return;
    }
    line.remove_prefix(data.size());
    boost::system::error_code bad;
    auto x = json::parse(line, bad);
    if (bad)
      return;
    if (s_.output() == format::json || s_.output() == format::yaml)
      std::cout << line << "\n" << std::flush;
    else
      std::cout << to_text(events_table({x}), true, false) << std::flush;
  }

  const session& s_;
  std::string rest_;
  bool missed_ = false;
};

int run_events(const session& s, const event_options& with) {
  std::string query;
  if (!with.replicant.empty())
    query = "&replicant=" + percent_encoded(with.replicant);
  if (!with.watch) {
    auto page = s.call("GET", "/v1/events?limit=1000" + query);
    if (!page)
      return s.fail(page.error());
    s.print(events_table(list_of(*page, "events")), *page);
    return exit_ok;
  }
  event_printer printer{s};
  auto ended = s.follow("/v1/events?watch" + query, silence_max,
                        [&](std::string_view piece) {
                          printer.take(piece);
                          return true;
                        });
  return s.fail(ended);
}

// -- changes -----------------------------------------------------------------

void print_change(std::ostream& to, const json::value& x) {
  to << "replicant/" << text_of(x, "replicant")
     << (text_of(x, "done") == "true" ? " done" : " goes on");
  if (auto sites = sites_text(x); !sites.empty())
    to << ": " << sites;
  to << "\n";
  if (text_of(x, "done") != "true" && !text_of(x, "operation").empty())
    to << "cheops wait " << text_of(x, "operation") << "\n";
}

int post(const session& s, const std::string& meta, const char* what,
         const json::object& body) {
  auto x = s.call("POST", target_of(meta, what), json::serialize(body));
  if (!x)
    return s.fail(x.error());
  return print_one(s, *x, "replicant/" + text_of(*x, "replicant"),
                   print_change);
}

struct change_options {
  std::string name;
  std::string scope;
  bool keep = false;
  std::uint64_t index = 0;
  std::string local_id;
};

json::object index_body(const change_options& with) {
  json::object out;
  if (with.index != 0)
    out["index"] = with.index;
  return out;
}

/// `cheops VERB replicant META`: the subcommand that takes the name.
CLI::App* add_verb(program& to, const char* verb, const char* sentence,
                   std::string& name, std::function<int()> run) {
  auto* parent = to.root.add_subcommand(verb, sentence);
  parent->group("Operate")->require_subcommand(1);
  auto* out = to.add(parent, "replicant", sentence, std::move(run));
  out
    ->add_option("REPLICANT", name,
                 "its id, as in Cheops-Replicant, or its name with slashes")
    ->required();
  return out;
}

void add_changes(program& to) {
  auto scale = std::make_shared<change_options>();
  auto* sub = add_verb(
    to, "scale", "bring a replicant to other sites", scale->name, [&to, scale] {
      return post(to.common, scale->name, "/scale",
                  {{"scope", scale->scope}, {"remove", !scale->keep}});
    });
  sub->add_option("-s,--scope", scale->scope, "the sites: '{A & B & C}'")
    ->required();
  sub->add_flag("--keep", scale->keep,
                "sites that leave keep the resource as one of their own");

  auto retry = std::make_shared<change_options>();
  sub = add_verb(to, "retry",
                 "call the application here again for what diverged or is "
                 "uncertain",
                 retry->name, [&to, retry] {
                   return post(to.common, retry->name, "/retry",
                               index_body(*retry));
                 });
  sub->add_option("--index", retry->index,
                  "the entry; default: the oldest that troubles this site");

  auto abandon = std::make_shared<change_options>();
  sub = add_verb(
    to, "abandon", "let be what diverged or is uncertain at this site",
    abandon->name, [&to, abandon] {
      return post(to.common, abandon->name, "/abandon", index_body(*abandon));
    });
  sub->add_option("--index", abandon->index,
                  "the entry; default: the oldest that troubles this site");

  auto settle = std::make_shared<change_options>();
  sub = add_verb(to, "settle", "say what an uncertain create has made here",
                 settle->name, [&to, settle] {
                   auto body = index_body(*settle);
                   body["local_id"] = settle->local_id;
                   return post(to.common, settle->name, "/settle", body);
                 });
  sub
    ->add_option("--local-id", settle->local_id,
                 "the id that the application gave it")
    ->required();
  sub->add_option("--index", settle->index,
                  "the entry; default: the oldest that troubles this site");
}

void add_looks(program& to) {
  auto with = std::make_shared<list_options>();
  auto* sub = to.add(to.root.get_subcommand("get"), "replicants",
                     "what is kept on several sites",
                     [&to, with] { return run_get(to.common, *with); });
  sub->add_option("REPLICANT", with->name, "only this one");
  sub->add_option("--state", with->state, "here")
    ->check(CLI::IsMember({"pending", "ok", "diverged", "uncertain"}));
  sub->add_option("--kind", with->kind, "of resource");
  sub->add_option("--service", with->service, "its name or alias");
  sub->add_option("--site", with->site, "that has a copy");
  sub->add_option("--limit", with->limit, "lines at most")
    ->capture_default_str()
    ->check(CLI::Range(1, 1'000'000));
  sub->add_flag("-w,--watch", with->watch,
                "print again when something changes");

  auto name = std::make_shared<std::string>();
  auto* describe =
    to.root.add_subcommand("describe", "show all that is known of one thing");
  describe->group("Look")->require_subcommand(1);
  sub = to.add(describe, "replicant", "sites, indexes, operations, troubles",
               [&to, name] { return run_describe(to.common, *name); });
  sub->add_option("REPLICANT", *name, "its id, as in Cheops-Replicant")
    ->required();
}

} // namespace

void add_replicants(program& to) {
  add_looks(to);
  auto wait = std::make_shared<wait_options>();
  auto* sub = to.add(&to.root, "wait",
                     "wait for an operation, or for all sites of a replicant",
                     [&to, wait] { return run_wait(to.common, *wait); });
  sub->group("Look");
  sub
    ->add_option("NAME", wait->name,
                 "as in Cheops-Operation or Cheops-Replicant")
    ->required();
  sub->add_flag("--all", wait->all, "until every site has done the operation");

  auto events = std::make_shared<event_options>();
  sub = to.add(&to.root, "events", "what happened to replicants at this site",
               [&to, events] { return run_events(to.common, *events); });
  sub->group("Look");
  sub->add_flag("-w,--watch", events->watch, "go on, from now on");
  sub->add_option("--replicant", events->replicant, "only of this one");
  add_changes(to);
}

} // namespace cheops::cli
