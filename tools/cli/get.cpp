#include "glue/quantity.hpp"
#include "tools/cli/members.hpp"
#include "tools/cli/program.hpp"
#include "tools/time.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iostream>

/// `cheops get …` and `cheops faults …`: what the admin endpoint tells.
namespace cheops::cli {

namespace json = boost::json;

using std::chrono::system_clock;

namespace {

std::string age_of(const json::value& x) {
  auto since = tools::from_rfc3339(text_of(x, "since"));
  return since ? tools::age(system_clock::now() - *since) : std::string{};
}

std::string joined(const json::array& all) {
  std::string out;
  for (const auto& x : all)
    if (const auto* text = x.if_string())
      out += (out.empty() ? "" : ",") + std::string{*text};
  return out;
}

std::string round_trip(const json::value& x) {
  if (!x.is_int64() && !x.is_uint64())
    return {};
  return tools::rounded(std::chrono::microseconds{x.to_number<std::int64_t>()});
}

/// The round trip that `self` measured to a site.
std::string trip_to(const json::value& whole, const std::string& name) {
  auto self = text_of(whole, "self");
  for (const auto& site : list_of(whole, "sites")) {
    const auto* trips = text_of(site, "name") == self
                          ? site.as_object().if_contains("round_trips_us")
                          : nullptr;
    if (trips && trips->is_object())
      if (const auto* us = trips->as_object().if_contains(name))
        return round_trip(*us);
  }
  return {};
}

table sites_table(const json::value& whole) {
  table out{"site",
            {{"NAME"},
             {"STATE"},
             {"RTT"},
             {"SERVICES"},
             {"AGE"},
             {"PEER FRONT", true},
             {"LINK", true},
             {"INCARNATION", true},
             {"STORE", true}},
            {}};
  for (const auto& x : list_of(whole, "sites")) {
    auto name = text_of(x, "name");
    out.rows.push_back({name, text_of(x, "state"), trip_to(whole, name),
                        joined(list_of(x, "services")), age_of(x),
                        text_of(x, "peer_front"), text_of(x, "link"),
                        text_of(x, "incarnation"), text_of(x, "store")});
  }
  return out;
}

table links_table(const json::value& whole) {
  table out{"link",
            {{"PEER"},
             {"STATE"},
             {"RTT"},
             {"SENT"},
             {"RECEIVED"},
             {"DOWN"},
             {"AGE"},
             {"FRAMES SENT", true},
             {"FRAMES RECEIVED", true},
             {"DIALS", true},
             {"LAST ERROR", true}},
            {}};
  for (const auto& x : list_of(whole, "links")) {
    const auto* trip = x.as_object().if_contains("round_trip_us");
    out.rows.push_back(
      {text_of(x, "peer"), text_of(x, "state"),
       trip ? round_trip(*trip) : std::string{}, text_of(x, "bytes_sent"),
       text_of(x, "bytes_received"), text_of(x, "times_down"), age_of(x),
       text_of(x, "frames_sent"), text_of(x, "frames_received"),
       text_of(x, "dials"), text_of(x, "last_error")});
  }
  return out;
}

table fronts_table(const json::value& whole) {
  table out{"front", {{"SERVICE"}, {"URL"}, {"BACKEND", true}}, {}};
  for (const auto& x : list_of(whole, "fronts"))
    out.rows.push_back(
      {text_of(x, "service"), text_of(x, "url"), text_of(x, "backend")});
  return out;
}

table faults_table(const json::value& whole) {
  table out{
    "fault", {{"PEER"}, {"DIRECTION"}, {"CUT"}, {"DELAY"}, {"LOSS"}}, {}};
  for (const auto& x : list_of(whole, "faults")) {
    auto loss = x.as_object().if_contains("loss");
    auto percent =
      loss && loss->is_number() ? loss->to_number<double>() * 100 : 0.0;
    char shown[32];
    std::snprintf(shown, sizeof shown, "%g%%", percent);
    out.rows.push_back({text_of(x, "peer"), text_of(x, "direction"),
                        text_of(x, "cut"), text_of(x, "delay"), shown});
  }
  return out;
}

struct get_options {
  bool watch = false;
  std::string name;
};

struct kind {
  const char* name;
  const char* member; ///< The list in the answer.
  const char* key;    ///< The member that is an item's name.
  const char* target;
  const char* sentence;
  table (*to_table)(const json::value&);
};

constexpr kind kinds[] = {
  {"sites", "sites", "name", "/v1/sites", "every site that the node knows",
   sites_table},
  {"links", "links", "peer", "/v1/links", "the link to each peer", links_table},
  {"fronts", "fronts", "service", "/v1/fronts",
   "where each service is reached here", fronts_table},
  {"faults", "faults", "peer", "/v1/faults", "the faults that are injected",
   faults_table},
};

/// Leaves only the item of that name. False if there is none.
bool select(const kind& of, const std::string& name, table& rows,
            json::value& whole) {
  auto other = [&](const auto& row) { return !same_name(row.at(0), name); };
  std::erase_if(rows.rows, other);
  auto& items = whole.as_object()[of.member].as_array();
  json::array kept;
  for (auto& x : items)
    if (same_name(text_of(x, of.key), name))
      kept.push_back(x);
  items = std::move(kept);
  return !rows.rows.empty();
}

int run_get(const session& s, const kind& of, const get_options& with) {
  using seen = std::variant<session::picture, int>;
  return s.watch(with.watch, [&]() -> seen {
    auto whole = s.call("GET", of.target);
    if (!whole)
      return s.fail(whole.error());
    auto rows = of.to_table(*whole);
    if (!with.name.empty() && !select(of, with.name, rows, *whole)) {
      std::cerr << "cheops: no " << rows.kind << " \"" << with.name << "\"\n";
      return exit_failed;
    }
    auto remark =
      rows.rows.empty() ? "No " + std::string{of.name} + "." : std::string{};
    return session::picture{std::move(rows), std::move(*whole),
                            std::move(remark)};
  });
}

struct fault_options {
  std::string peer;
  std::string direction = "both";
  bool cut = false;
  std::string delay;
  double loss = 0;
};

/// The faults now, without those of `peer` in `direction` (empty: none).
result<json::array> others(const session& s, const std::string& peer,
                           const std::string& direction) {
  auto now = s.call("GET", "/v1/faults");
  if (!now)
    return now.error();
  json::array out;
  for (const auto& x : list_of(*now, "faults"))
    if (!same_name(text_of(x, "peer"), peer)
        || (direction != "both" && text_of(x, "direction") != direction))
      out.push_back(x);
  return out;
}

int put_faults(const session& s, json::array all) {
  json::object body;
  body["faults"] = std::move(all);
  auto now = s.call("PUT", "/v1/faults", json::serialize(body));
  if (!now)
    return s.fail(now.error());
  s.print(faults_table(*now), *now);
  return exit_ok;
}

int set_fault(const session& s, const fault_options& with) {
  if (!with.cut && with.delay.empty() && with.loss == 0)
    return s.usage("no fault is named", "Give --cut, --delay or --loss.");
  if (!with.delay.empty() && !glue::to_duration(with.delay))
    return s.usage("--delay \"" + with.delay + "\" is no duration",
                   "Write a unit, for example 40ms.");
  auto all = others(s, with.peer, with.direction);
  if (!all)
    return s.fail(all.error());
  json::object fault;
  fault["peer"] = with.peer;
  fault["direction"] = with.direction;
  fault["cut"] = with.cut;
  fault["delay"] = with.delay.empty() ? "0ms" : with.delay;
  fault["loss"] = with.loss;
  all->push_back(std::move(fault));
  return put_faults(s, std::move(*all));
}

int clear_faults(const session& s, const fault_options& with) {
  if (with.peer.empty())
    return put_faults(s, {});
  auto all = others(s, with.peer, with.direction);
  return all ? put_faults(s, std::move(*all)) : s.fail(all.error());
}

void add_faults(program& to) {
  auto with = std::make_shared<fault_options>();
  auto* faults = to.root.add_subcommand(
    "faults", "cut, delay or lose traffic with a peer (experiments)");
  faults->group("Experiments")->require_subcommand(1);
  auto* set = to.add(faults, "set", "adds or replaces the fault of a peer",
                     [&to, with] { return set_fault(to.common, *with); });
  auto* clear = to.add(faults, "clear", "takes faults away: all, or a peer's",
                       [&to, with] { return clear_faults(to.common, *with); });
  set->add_option("PEER", with->peer, "the peer's name")->required();
  clear->add_option("PEER", with->peer, "the peer's name; default: all");
  for (auto* x : {set, clear})
    x->add_option("--direction", with->direction,
                  "in (from the peer), out, or both")
      ->check(CLI::IsMember({"in", "out", "both"}))
      ->capture_default_str();
  set->add_flag("--cut", with->cut, "nothing passes, silently");
  set->add_option("--delay", with->delay, "added to each frame: 40ms");
  set->add_option("--loss", with->loss, "probability of a lost frame: 0.1")
    ->check(CLI::Range(0.0, 1.0));
}

} // namespace

void add_get(program& to) {
  auto* get = to.root.add_subcommand("get", "show what the node knows");
  get->group("Look")->require_subcommand(1);
  for (const auto& of : kinds) {
    auto with = std::make_shared<get_options>();
    auto* sub = to.add(get, of.name, of.sentence, [&to, &of, with] {
      return run_get(to.common, of, *with);
    });
    sub->add_option("NAME", with->name, "only this one");
    sub->add_flag("-w,--watch", with->watch,
                  "print again when something changes");
  }
  add_faults(to);
}

} // namespace cheops::cli
