#include "cheops/sim/application.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

namespace cheops::sim {

namespace {

using replicant::change;
using replicant::slot;
using replicant::templated;

constexpr std::string_view collection = "/things";

std::string_view field(const templated& x, std::string_view name) {
  auto i = std::ranges::find(x.fields, name, &traffic::header::name);
  return i == x.fields.end() ? std::string_view{} : i->value;
}

std::uint64_t tag_of(const templated& x) {
  auto text = field(x, "Tag");
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::string id_in(const std::string& target) {
  auto prefix = collection.size() + 1;
  return target.size() > prefix ? target.substr(prefix) : std::string{};
}

/// The id of the thing that a body refers to.
std::string reference_in(const std::string& body) {
  if (body.empty())
    return {};
  boost::system::error_code bad;
  auto x = boost::json::parse(body, bad);
  const auto* needs = bad ? nullptr : x.find_pointer("/needs", bad);
  return needs != nullptr && needs->is_string()
           ? std::string{needs->get_string()}
           : std::string{"nonsense"};
}

std::string path_of(const std::string& id) {
  return std::string{collection} + "/" + id;
}

} // namespace

const application::thing* application::find(const std::string& id) const {
  auto i = things_.find(id);
  return i == things_.end() ? nullptr : &i->second;
}

const application::thing* application::named(const std::string& name) const {
  for (const auto& [id, x] : things_)
    if (x.name == name)
      return &x;
  return nullptr;
}

void application::lose() {
  things_.clear();
  journal_.clear();
  answered_.clear();
  ++losses_;
}

void application::forget(const std::set<std::uint64_t>& tags) {
  std::erase_if(journal_, [&](const deed& d) { return tags.contains(d.tag); });
}

application::reply application::act(const replicant::call& x, time_us now) {
  if (what_ != enforcement::keys)
    return decide(x, now);
  // The key is the operation's and the method's: an undo is another call.
  auto key = std::pair{x.operation, x.request.method};
  auto known = answered_.find(key);
  if (known != answered_.end())
    return known->second;
  auto out = decide(x, now);
  answered_.emplace(key, out);
  return out;
}

application::reply application::decide(const replicant::call& x, time_us now) {
  const auto& r = x.request;
  auto poison = field(r, "Poison");
  if (poison == "*" || poison == site_)
    return {422, {}};
  if (r.method == "POST")
    return create(x, now);
  auto i = things_.find(id_in(r.target));
  if (i == things_.end())
    return {404, {}};
  auto tag = tag_of(r);
  if (r.method == "DELETE") {
    journal_.push_back(
      {now, tag, change::remove, i->first, !field(r, "Undo").empty()});
    things_.erase(i);
    return {204, {}};
  }
  if (r.method == "UNPATCH") {
    std::erase(i->second.tags, tag);
    journal_.push_back({now, tag, change::patch, i->first, true});
    return {200, {}};
  }
  auto replaces = r.method == "PUT";
  if (replaces)
    i->second.tags.clear();
  i->second.tags.push_back(tag);
  journal_.push_back(
    {now, tag, replaces ? change::replace : change::patch, i->first, false});
  return {200, {}};
}

application::reply application::create(const replicant::call& x, time_us now) {
  std::string name{field(x.request, "Name")};
  if (what_ == enforcement::names && named(name) != nullptr)
    return {409, {}};
  auto refers = reference_in(x.request.body);
  if (!refers.empty() && find(refers) == nullptr)
    return {400, {}};
  // Each site has ids of its own, some of which a path must encode.
  auto id = site_ + std::to_string(next_++);
  auto tag = tag_of(x.request);
  things_[id] = {name, refers, {tag}};
  journal_.push_back({now, tag, change::create, id, false});
  return {201, id};
}

replicant::probed application::look(const replicant::probe& x) const {
  replicant::probed out;
  out.call = x.id;
  out.what = replicant::finding::absent;
  auto tag = tag_of(x.request);
  auto name = field(x.request, "Name");
  for (const auto& [id, t] : things_) {
    auto marked = std::ranges::find(t.tags, tag) != t.tags.end();
    if (!(name.empty() ? marked : t.name == name))
      continue;
    out.what = replicant::finding::found;
    out.status = 200;
    out.local_id = id;
  }
  // A removal leaves its mark in the journal.
  for (const auto& d : journal_)
    if (name.empty() && d.tag == tag && d.does == change::remove && !d.undo)
      out.what = replicant::finding::found;
  return out;
}

namespace {

templated request(std::string method, std::string target, std::uint64_t tag) {
  templated out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.fields.push_back({"Tag", std::to_string(tag)});
  return out;
}

/// To the thing itself: its id is in the path.
templated request_to(std::string method, const std::string& id,
                     const replicant::meta_id& meta, std::uint64_t tag) {
  auto out = request(std::move(method), path_of(id), tag);
  out.slots.push_back({slot::place::segment, 1, {}, meta});
  return out;
}

void settle_with(replicant::operation& x, const asks& what, enforcement how) {
  using replicant::settling;
  auto repeatable = x.does == change::replace || x.does == change::remove;
  if (how == enforcement::keys || (how == enforcement::names && repeatable)) {
    x.settle = settling::repeat;
  } else if (how == enforcement::markers
             || (how == enforcement::names && x.does == change::create)) {
    x.settle = settling::probe;
    x.probe = request("GET", std::string{collection}, what.tag);
    if (how == enforcement::names)
      x.probe->fields.push_back({"Name", what.name});
  }
}

} // namespace

replicant::operation
operation_for(change does, const asks& what, const std::string& id,
              const replicant::meta_id& meta,
              const std::optional<replicant::dependency>& on, enforcement how,
              std::uint32_t settles_after_ms) {
  replicant::operation x;
  x.does = does;
  x.principal = "somebody";
  x.service = service_id{"Things"};
  x.kind = "thing";
  switch (does) {
  case change::create:
    x.what = request("POST", std::string{collection}, what.tag);
    x.what.fields.push_back({"Name", what.name});
    x.undo = request_to("DELETE", "none", meta, what.tag);
    x.undo->fields.push_back({"Undo", "1"});
    break;
  case change::replace:
    x.what = request_to("PUT", id, meta, what.tag);
    break;
  case change::patch:
    x.what = request_to("PATCH", id, meta, what.tag);
    x.undo = request_to("UNPATCH", id, meta, what.tag);
    break;
  case change::remove:
    x.what = request_to("DELETE", id, meta, what.tag);
    break;
  }
  if (!what.poison.empty())
    x.what.fields.push_back({"Poison", what.poison});
  if (on) {
    x.what.body = R"({"needs":")" + what.needs + R"("})";
    x.what.slots.push_back({slot::place::body, 0, "/needs", on->on});
    x.after.push_back(*on);
  }
  x.settles_after_ms = settles_after_ms;
  settle_with(x, what, how);
  return x;
}

} // namespace cheops::sim
