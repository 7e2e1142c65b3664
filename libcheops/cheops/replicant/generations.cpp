#include "cheops/replicant/generations.hpp"

#include "cheops/replicant/storage.hpp"
#include "cheops/wire/codec.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

using ports::family;

constexpr std::size_t name_bytes = 16;
constexpr std::size_t place_bytes = 8;

error damaged(std::string_view what) {
  return {errc::broken,
          "the store's " + std::string{what} + " is damaged",
          {},
          "read store",
          "replace this site's data folder: it comes back as a new store"};
}

/// Of all generations of a name; an id without them has one.
std::string key_of_name(const meta_id& x) {
  return key_of(x).substr(0, name_bytes);
}

std::string place_of(std::uint64_t number) {
  wire::writer w;
  w.u64(number);
  return w.take();
}

/// `from` may be null.
result<std::optional<std::string>> row(const ports::store* from,
                                       const std::string& key) {
  if (from == nullptr)
    return std::optional<std::string>{};
  return from->get(family::over, key);
}

/// Puts the row among those that go again.
void let_pass(ports::batch& to, const std::string& key, passing_rows& passing) {
  auto& all = passing.all;
  auto number = all.empty() ? 1 : all.back().number + 1;
  to.writes.push_back({family::over, place_of(number), key});
  all.push_back({number, key});
  if (all.size() <= remembered_max)
    return;
  for (const auto& gone : {place_of(all.front().number), all.front().key})
    to.writes.push_back({family::over, gone, std::nullopt});
  all.pop_front();
}

} // namespace

result<std::optional<std::uint32_t>> generations::last(const meta_id& x) const {
  if (auto i = last_.find({x.high, x.low}); i != last_.end())
    return std::optional{i->second};
  auto bytes = row(from_, key_of_name(x));
  if (!bytes)
    return bytes.error();
  if (!*bytes)
    return std::optional<std::uint32_t>{};
  wire::reader r{**bytes};
  auto out = r.u32();
  if (!r.ok())
    return damaged("last generation of " + to_string(x));
  return std::optional{out};
}

result<std::uint32_t> generations::next(const natural_key& key) const {
  auto ended = last(meta_of(key, 0));
  if (!ended)
    return ended.error();
  return *ended ? **ended + 1 : 1U;
}

result<bool> generations::is_over(const meta_id& x) const {
  auto ended = last(x);
  if (!ended)
    return ended.error();
  return *ended && x.generation <= **ended;
}

void generations::ended(const meta_id& x) {
  digest128 name{x.high, x.low};
  // What is stored may be of a later one.
  auto stored = last(x);
  auto before = stored && *stored ? **stored : 0;
  auto [i, fresh] = last_.try_emplace(name, before);
  i->second = std::max(i->second, x.generation);
  if (fresh)
    last_order_.push_back(name);
  trim();
}

result<bool> generations::has_left(const meta_id& x,
                                   const raft::member_id& who) const {
  auto origin = origin_of(who);
  if (auto i = left_.find(x);
      i != left_.end() && std::ranges::count(i->second, origin) > 0)
    return true;
  auto bytes = row(from_, key_of(x));
  if (!bytes)
    return bytes.error();
  if (!*bytes)
    return false;
  wire::reader r{**bytes};
  while (r.ok() && r.left() > 0)
    if (r.u64() == origin && r.ok())
      return true;
  if (!r.ok())
    return damaged("list of memberships in " + to_string(x));
  return false;
}

void generations::left(const meta_id& x, std::uint64_t who) {
  auto [i, fresh] = left_.try_emplace(x);
  i->second.push_back(who);
  if (i->second.size() > memberships_max)
    i->second.pop_front();
  if (fresh)
    left_order_.push_back(x);
  trim();
}

/// What is older is stored by now.
void generations::trim() {
  if (last_order_.size() > remembered_max) {
    last_.erase(last_order_.front());
    last_order_.pop_front();
  }
  if (left_order_.size() > remembered_max) {
    left_.erase(left_order_.front());
    left_order_.pop_front();
  }
}

result<passing_rows> load_passing_rows(const ports::store& from) {
  passing_rows out;
  out.known = generations{&from};
  // Their numbers are small, and all other keys are longer.
  auto read = from.scan(family::over, std::string(4, '\0'), {},
                        [&](std::string_view key, std::string_view value) {
                          wire::reader r{key};
                          if (key.size() == place_bytes)
                            out.all.push_back({r.u64(), std::string{value}});
                          return true;
                        });
  if (!read)
    return read.error();
  return out;
}

result<void> remember(ports::batch& to, const ports::store& in,
                      const meta_id& meta, const forgetting& how,
                      passing_rows& passing) {
  if (how.untouched)
    return {};
  if (how.ended) {
    auto key = key_of_name(meta);
    auto before = in.get(family::over, key);
    if (!before)
      return before.error();
    passing.known.ended(meta);
    auto last = passing.known.last(meta);
    if (!last)
      return last.error();
    wire::writer w;
    w.u32(last->value_or(meta.generation));
    to.writes.push_back({family::over, key, w.take()});
    if (!how.named && !*before)
      let_pass(to, key, passing);
    return {};
  }
  // Who we were there, after whom we were there before.
  auto key = key_of(meta);
  auto own = in.get(family::group, key);
  auto before = in.get(family::over, key);
  if (!own || !before)
    return own ? before.error() : own.error();
  if (!*own)
    return {}; // Nothing was stored, so nothing was promised.
  auto was = decode_membership(**own);
  if (!was)
    return damaged("membership of " + to_string(meta));
  constexpr auto bytes_max = (memberships_max - 1) * sizeof(std::uint64_t);
  auto known = before->value_or(std::string{});
  if (known.size() > bytes_max)
    known.erase(0, known.size() - bytes_max);
  wire::writer w;
  w.raw(known);
  w.u64(origin_of(was->self));
  to.writes.push_back({family::over, key, w.take()});
  if (!*before)
    let_pass(to, key, passing);
  return {};
}

} // namespace cheops::replicant
