#include "tools/demo_app/collection.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <random>

namespace demo {

namespace {

std::string name_of(const boost::json::object& body) {
  const auto* name = body.if_contains("name");
  if (!name || !name->is_string())
    return {};
  return {name->get_string().data(), name->get_string().size()};
}

/// Each instance makes ids of its own, as applications do: the same resource
/// has another id at another site.
std::string new_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(random()));
  return text;
}

} // namespace

bool collection::taken(std::string_view name,
                       const std::string& but_for) const {
  if (!unique_)
    return false;
  auto [first, last] = names_.equal_range(std::string{name});
  return std::any_of(first, last,
                     [&](const auto& x) { return x.second != but_for; });
}

collection::change collection::create(boost::json::object members) {
  std::lock_guard lock(guard_);
  auto name = name_of(members);
  if (taken(name, {}))
    return {outcome::taken, {}};
  if (records_.size() >= records_max_)
    return {outcome::full, {}};
  record x;
  do {
    x.id = new_id();
  } while (records_.count(x.id));
  x.body = std::move(members);
  x.body["id"] = x.id;
  note("create", x);
  insert(x);
  return {outcome::done, std::move(x)};
}

std::optional<record> collection::find(const std::string& id) const {
  std::lock_guard lock(guard_);
  auto found = records_.find(id);
  return found == records_.end() ? std::nullopt : std::optional{found->second};
}

std::vector<record>
collection::list(const std::optional<std::string>& name) const {
  std::lock_guard lock(guard_);
  std::vector<record> out;
  if (name) {
    auto [first, last] = names_.equal_range(*name);
    for (auto i = first; i != last; ++i)
      out.push_back(records_.at(i->second));
  } else {
    for (const auto& [number, id] : order_)
      out.push_back(records_.at(id));
  }
  return out;
}

collection::change collection::update(const std::string& id,
                                      boost::json::object members,
                                      std::optional<std::uint64_t> expected) {
  std::lock_guard lock(guard_);
  auto found = records_.find(id);
  if (found == records_.end())
    return {outcome::absent, {}};
  auto& x = found->second;
  if (expected && *expected != x.version)
    return {outcome::stale, x};
  auto name = name_of(members);
  if (taken(name, id))
    return {outcome::taken, {}};
  replace(x, std::move(members));
  note("update", x);
  return {outcome::done, x};
}

collection::change collection::remove(const std::string& id,
                                      std::optional<std::uint64_t> expected) {
  std::lock_guard lock(guard_);
  auto found = records_.find(id);
  if (found == records_.end())
    return {outcome::absent, {}};
  if (expected && *expected != found->second.version)
    return {outcome::stale, found->second};
  change out{outcome::done, found->second};
  note("remove", out.now);
  erase(id);
  return out;
}

// -- what is kept
// --------------------------------------------------------------

void collection::insert(record x) {
  order_[created_++] = x.id;
  names_.emplace(name_of(x.body), x.id);
  auto id = x.id;
  records_[std::move(id)] = std::move(x);
}

void collection::replace(record& x, boost::json::object members) {
  auto [first, last] = names_.equal_range(name_of(x.body));
  names_.erase(
    std::find_if(first, last, [&](const auto& n) { return n.second == x.id; }));
  names_.emplace(name_of(members), x.id);
  x.body = std::move(members);
  x.body["id"] = x.id;
  ++x.version;
}

void collection::erase(const std::string& id) {
  auto found = records_.find(id);
  auto [first, last] = names_.equal_range(name_of(found->second.body));
  names_.erase(
    std::find_if(first, last, [&](const auto& n) { return n.second == id; }));
  order_.erase(std::find_if(order_.begin(), order_.end(),
                            [&](const auto& n) { return n.second == id; }));
  records_.erase(found);
}

void collection::note_in(ledger& book, std::string kind) {
  std::lock_guard lock(guard_);
  book_ = &book;
  kind_ = std::move(kind);
}

void collection::note(const char* what, const record& x) {
  if (book_)
    book_->add({what, kind_, x.id, name_of(x.body), x.version, x.body});
}

void collection::redo(const deed& x) {
  std::lock_guard lock(guard_);
  auto found = records_.find(x.id);
  if (x.what == "create" && found == records_.end()) {
    insert({x.id, x.version, x.body});
  } else if (x.what == "update" && found != records_.end()) {
    replace(found->second, x.body);
    found->second.version = x.version;
  } else if (x.what == "remove" && found != records_.end()) {
    erase(x.id);
  }
}

} // namespace demo
