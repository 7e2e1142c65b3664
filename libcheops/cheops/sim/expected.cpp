#include "cheops/sim/expected.hpp"

#include <algorithm>

namespace cheops::sim {

namespace {

using replicant::change;

void apply(expected::resource& to, const expected::item& x,
           const expected::item* undone) {
  if (undone != nullptr) {
    std::erase(to.content, undone->tag);
    to.exists = to.exists && undone->does != change::create;
  } else if (x.does == change::remove) {
    to = {};
  } else {
    if (x.does != change::patch)
      to.content.clear();
    to.content.push_back(x.tag);
    to.exists = true;
  }
}

} // namespace

expected::resource expected::at(index_id index) const {
  resource out;
  for (const auto& x : items) {
    if (x.index > index)
      break;
    auto undone = std::ranges::find(items, x.undoes, &item::index);
    apply(out, x, x.undoes != 0 && undone != items.end() ? &*undone : nullptr);
  }
  return out;
}

std::vector<index_id> expected::next_behind(index_id index) const {
  std::vector<index_id> out;
  for (const auto& x : items) {
    auto whole =
      x.undoes == 0 && (x.does == change::replace || x.does == change::remove);
    if (x.index > index && (out.empty() || whole))
      out.push_back(x.index);
  }
  return out;
}

bool expected::may_be(index_id index, const tags& content) const {
  auto fits = [&](index_id i) { return at(i).content == content; };
  return fits(index) || std::ranges::any_of(next_behind(index), fits);
}

bool expected::may_be_gone(index_id index) const {
  auto gone = [&](index_id i) { return !at(i).exists; };
  return std::ranges::any_of(next_behind(index), gone);
}

index_id expected::newest_at(index_id index) const {
  index_id out = 0;
  for (const auto& x : items)
    if (x.index <= index)
      out = x.index;
  return out;
}

bool expected::superseded(const item& x) const {
  return std::ranges::any_of(items, [&](const item& y) {
    if (y.index <= x.index)
      return false;
    return y.undoes == x.index || y.does == change::remove
           || (y.does == change::replace && y.undoes == 0
               && x.does != change::create);
  });
}

expected expected_of(const history& seen, const meta_id& meta) {
  expected out;
  const auto& g = seen.groups.at(meta);
  for (const auto& [index, f] : g.fates) {
    auto r = seen.by_operation.find(f.id);
    if (f.how != replicant::fate::stands || r == seen.by_operation.end())
      continue;
    const auto& asked = seen.requests[r->second];
    out.items.push_back({index, asked.tag, asked.does, 0});
  }
  for (const auto& [index, at] : g.undone) {
    auto what = std::ranges::find(out.items, index, &expected::item::index);
    if (what != out.items.end())
      out.items.push_back({at, what->tag, what->does, index});
  }
  std::ranges::sort(out.items, {}, &expected::item::index);
  return out;
}

std::string words(const expected::tags& x) {
  std::string out = "[";
  for (auto t : x)
    out += (out.size() > 1 ? " " : "") + std::to_string(t);
  return out + "]";
}

std::string words(const replicant::state& x) {
  static constexpr const char* phases[] = {
    "idle", "awaiting", "calling", "settling", "probing", "resting", "stuck"};
  auto out = x.self.site.value + ": taken " + std::to_string(x.shared.at)
             + ", done " + std::to_string(x.site.done) + ", "
             + phases[static_cast<std::size_t>(x.doing.now)] + " "
             + std::to_string(x.doing.index) + ", ended at "
             + std::to_string(x.shared.ended_at) + ", id "
             + (x.site.exists ? x.site.local_id : "none") + ", build";
  for (const auto& k : x.shared.build)
    out += " " + std::to_string(k.index);
  out += ", open";
  for (const auto& o : x.shared.open)
    out += " " + std::to_string(o.index);
  out += ", outcomes";
  for (const auto& o : x.site.last)
    out += " " + std::to_string(o.index) + "=" + std::to_string(o.status) + "/"
           + std::string{to_string(o.how)};
  auto name = [](const raft::configuration& all) {
    std::string text;
    for (const auto& m : all)
      text += " " + m.id.site.value + "/" + m.id.store
              + (m.role == raft::member_role::learner ? " (learns)" : "");
    return text;
  };
  out += ", members" + name(x.shared.members);
  if (x.shared.goal && x.shared.goal->members != x.shared.members)
    out += ", shall be" + name(x.shared.goal->members);
  out += x.group.awake ? ", group awake" : "";
  out += x.leaving ? ", leaving" : "";
  out += ", troubles";
  for (const auto& t : x.site.troubles)
    out += " " + std::to_string(t.index) + "=" + std::to_string(t.status) + "/"
           + std::string{to_string(t.how)};
  return out;
}

} // namespace cheops::sim
