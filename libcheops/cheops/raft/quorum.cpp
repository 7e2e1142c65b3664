#include "cheops/raft/quorum.hpp"

#include <algorithm>

namespace cheops::raft {

const member* find(const configuration& in, const member_id& who) {
  auto i = std::ranges::find(in, who, &member::id);
  return i == in.end() ? nullptr : &*i;
}

bool is_witness(const member& x) noexcept {
  return x.role == member_role::witness;
}

bool has_witness(const configuration& in) noexcept {
  return std::ranges::any_of(in, is_witness);
}

bool votes(const member& x) noexcept {
  return x.role != member_role::learner;
}

std::size_t voters(const configuration& in) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(in, votes));
}

bool is_quorum(const configuration& in,
               const std::function<bool(const member_id&)>& says) {
  auto yes = std::ranges::count_if(
    in, [&](const member& x) { return votes(x) && says(x.id); });
  return static_cast<std::size_t>(yes) > voters(in) / 2;
}

index_id
held_by_quorum(const configuration& in,
               const std::function<index_id(const member_id&)>& match) {
  std::vector<index_id> all;
  for (const auto& x : in)
    if (votes(x))
      all.push_back(match(x.id));
  if (all.empty())
    return 0;
  std::ranges::sort(all, std::greater<>{});
  return all[all.size() / 2];
}

std::optional<configuration> changed(const configuration& in,
                                     const change_asked& how) {
  auto out = in;
  auto i = std::ranges::find(out, how.who, &member::id);
  if (!how.role) {
    if (i == out.end())
      return std::nullopt;
    out.erase(i);
  } else if (i != out.end()) {
    auto promotes =
      i->role == member_role::learner && *how.role == member_role::voter;
    if (!promotes)
      return std::nullopt;
    i->role = member_role::voter;
  } else {
    // A voter that has nothing yet would be counted on: it comes as a
    // learner first (4.2.1). A witness has nothing to catch up with.
    if (*how.role == member_role::voter)
      return std::nullopt;
    out.push_back({how.who, *how.role});
    std::ranges::sort(out, {}, &member::id);
  }
  auto full = std::ranges::count(out, member_role::voter, &member::role);
  auto witnesses = std::ranges::count_if(out, is_witness);
  if (full == 0 || (witnesses > 0 && full < 2) || witnesses > 1)
    return std::nullopt;
  return out;
}

} // namespace cheops::raft
