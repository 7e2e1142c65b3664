#include "cheops/replicant/site.hpp"

#include <algorithm>
#include <array>

namespace cheops::replicant {

std::string_view to_string(site_state x) noexcept {
  constexpr std::array<std::string_view, 4> names{"pending", "ok", "diverged",
                                                  "uncertain"};
  return names[static_cast<std::size_t>(x)];
}

intent intent_of(index_id index, const operation_id& id,
                 const operation& what) {
  intent out{index, id, what};
  out.about.what = {};
  return out;
}

const operation* unsettled_create(const site_record& x) {
  if (x.exists || !x.doing || x.doing->about.does != change::create)
    return nullptr;
  auto stuck = std::ranges::any_of(x.troubles, [&](const trouble& t) {
    return t.index == x.doing->index && t.how == site_state::uncertain;
  });
  return stuck ? nullptr : &x.doing->about;
}

const outcome* find(const site_record& in, index_id index) {
  auto i = std::ranges::find(in.last, index, &outcome::index);
  return i == in.last.end() ? nullptr : &*i;
}

void note_outcome(site_record& in, const outcome& x) {
  std::erase_if(in.last, [&](const outcome& o) { return o.index == x.index; });
  in.last.push_back(x);
  if (in.last.size() > outcomes_max)
    in.last.pop_front();
}

bool compensates(const operation& x) {
  return x.on_refusal == refusal_rule::compensate && x.undo.has_value()
         && (x.does == change::create || x.does == change::patch);
}

site_state worst(const site_record& x) {
  auto out = site_state::ok;
  for (const auto& t : x.troubles)
    out = std::max(out, t.how);
  return out;
}

std::string broken_invariant(const site_record& x) {
  if (x.troubles.size() > troubles_max)
    return "more troubles than the bound";
  for (const auto& t : x.troubles)
    if (t.how != site_state::diverged && t.how != site_state::uncertain)
      return "a trouble that is none";
  return {};
}

} // namespace cheops::replicant
