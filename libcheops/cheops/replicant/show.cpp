#include "cheops/replicant/show.hpp"

#include "cheops/replicant/told.hpp"
#include "cheops/text.hpp"

#include <boost/json.hpp>

#include <array>

namespace cheops::replicant {

namespace json = boost::json;

namespace {

json::string text(std::string_view x) {
  return json::string{x};
}

json::value name_of(const std::optional<natural_key>& key) {
  if (!key)
    return nullptr;
  json::array out;
  for (const auto& x : key->path)
    out.emplace_back(text(x));
  return out;
}

std::string_view to_string(raft::member_role x) noexcept {
  constexpr std::array<std::string_view, 3> names{"voter", "learner",
                                                  "witness"};
  return names[static_cast<std::size_t>(x)];
}

json::object outcome_json(const outcome& x) {
  json::object out;
  out["index"] = x.index;
  out["state"] = to_string(x.how);
  out["status"] = x.status == 0 ? json::value(nullptr) : json::value(x.status);
  return out;
}

json::object member_json(const ports::member_view& x) {
  json::object out;
  out["site"] = text(x.id.site.value);
  out["store"] = text(x.id.store);
  out["role"] = to_string(x.role);
  out["state"] = to_string(x.state);
  out["index"] = x.done;
  out["local_id"] =
    x.local_id.empty() ? json::value(nullptr) : json::value(text(x.local_id));
  return out;
}

json::object trouble_json(const trouble& x) {
  json::object out;
  out["index"] = x.index;
  out["change"] = to_string(x.does);
  out["state"] = to_string(x.how);
  out["status"] = x.status == 0 ? json::value(nullptr) : json::value(x.status);
  return out;
}

json::object note_json(const note& x, const meta_id& meta) {
  json::object out;
  out["operation"] = to_string(operation_name{meta, x.id});
  out["index"] = x.index;
  out["change"] = to_string(x.does);
  out["fate"] = to_string(x.how);
  out["status"] = x.status == 0 ? json::value(nullptr) : json::value(x.status);
  return out;
}

/// What lines and whole views have in common.
template <class View>
json::object head_json(const View& x) {
  json::object out;
  out["replicant"] = to_string(x.meta);
  out["service"] = text(x.service.value);
  out["kind"] = text(x.kind);
  out["name"] = name_of(x.key);
  out["state"] = to_string(x.members.empty() ? site_state::pending
                                             : x.members.front().state);
  json::array sites;
  for (const auto& m : x.members)
    sites.emplace_back(member_json(m));
  out["sites"] = std::move(sites);
  return out;
}

} // namespace

json::value to_json(const std::vector<site_line>& x) {
  json::array out;
  for (const auto& line : x) {
    json::object one;
    one["site"] = text(line.site.value);
    one["state"] = to_string(line.state);
    one["status"] =
      line.status == 0 ? json::value(nullptr) : json::value(line.status);
    out.emplace_back(std::move(one));
  }
  return out;
}

json::value to_json(const ports::replicant_line& x) {
  auto out = head_json(x);
  out["state"] = to_string(x.state);
  return out;
}

json::value to_json(const ports::replicant_view& x) {
  auto out = head_json(x);
  for (std::size_t i = 0; i < x.members.size(); ++i) {
    json::array last;
    for (const auto& o : x.members[i].last)
      last.emplace_back(outcome_json(o));
    out["sites"].as_array()[i].as_object()["outcomes"] = std::move(last);
  }
  out["term"] = x.term;
  out["leader"] =
    x.leader ? json::value(text(x.leader->value)) : json::value(nullptr);
  out["last_index"] = x.last;
  out["commit_index"] = x.commit;
  out["applied_index"] = x.applied;
  out["created_at"] = x.created_at;
  out["changed_at"] = x.changed_at;
  out["deleted_at"] = x.ended_at == 0 ? json::value(nullptr) : x.ended_at;
  json::value goal(nullptr);
  if (x.goal) {
    goal = json::array{};
    for (const auto& m : *x.goal)
      goal.as_array().emplace_back(json::object{{"site", text(m.id.site.value)},
                                                {"role", to_string(m.role)}});
  }
  out["goal"] = std::move(goal);
  json::array troubles;
  for (const auto& t : x.troubles)
    troubles.emplace_back(trouble_json(t));
  out["troubles"] = std::move(troubles);
  json::array operations;
  for (const auto& n : x.operations)
    operations.emplace_back(note_json(n, x.meta));
  out["operations"] = std::move(operations);
  out["halted"] =
    x.halted.empty() ? json::value(nullptr) : json::value(text(x.halted));
  return out;
}

json::value to_json(const ports::operation_view& x, const meta_id& meta) {
  auto out = note_json(x.what, meta);
  out["operation"] = to_string(operation_name{meta, x.id});
  out["replicant"] = to_string(meta);
  if (!x.known) {
    out["fate"] = "unknown";
    out["change"] = out["index"] = out["status"] = nullptr;
  }
  out["sites"] = to_json(x.sites);
  return out;
}

json::value to_json(const ports::feed_event& x) {
  json::object out;
  out["sequence"] = x.sequence;
  out["time"] = utc_ms(x.at);
  out["replicant"] = to_string(x.meta);
  out["event"] = to_string(x.what.what);
  out["index"] = x.what.index;
  out["status"] =
    x.what.status == 0 ? json::value(nullptr) : json::value(x.what.status);
  out["text"] = text(x.what.text);
  return out;
}

std::string_view to_string(event_kind x) noexcept {
  constexpr std::array<std::string_view, 8> names{
    "leader",    "decided", "done",      "diverged",
    "uncertain", "retry",   "overruled", "halted"};
  return names[static_cast<std::size_t>(x)];
}

std::optional<site_state> parse_site_state(std::string_view x) noexcept {
  for (auto state : {site_state::pending, site_state::ok, site_state::diverged,
                     site_state::uncertain})
    if (x == to_string(state))
      return state;
  return std::nullopt;
}

} // namespace cheops::replicant
