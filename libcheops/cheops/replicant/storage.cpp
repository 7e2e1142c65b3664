#include "cheops/replicant/storage.hpp"

#include "cheops/planted.hpp"
#include "cheops/wire/codec.hpp"

namespace cheops::replicant {

namespace {

using ports::family;

error damaged(const meta_id& meta, std::string_view what) {
  return {errc::broken,
          "the store's " + std::string{what} + " of " + to_string(meta)
            + " is damaged",
          {},
          "read store",
          "remove this site from the replicant and add it again: it is rebuilt "
          "from the others"};
}

void put(ports::batch& to, family in, std::string key, std::string value) {
  to.writes.push_back({in, std::move(key), std::move(value)});
}
void drop(ports::batch& to, family in, std::string key) {
  to.writes.push_back({in, std::move(key), std::nullopt});
}

/// Reads one key and decodes it; the default where there is none.
template <class T, class Decode>
result<T> fetch(const ports::store& from, family in, const meta_id& meta,
                std::string_view what, Decode decode) {
  auto bytes = from.get(in, key_of(meta));
  if (!bytes)
    return bytes.error();
  if (!*bytes)
    return T{};
  auto x = decode(**bytes);
  if (!x)
    return damaged(meta, what);
  return std::move(*x);
}

} // namespace

std::string key_of(const meta_id& x) {
  wire::writer w;
  w.u64(x.high);
  w.u64(x.low);
  w.u32(x.generation);
  return w.take();
}

std::string key_of(const meta_id& x, index_id index) {
  wire::writer w;
  w.raw(key_of(x));
  w.u64(index);
  return w.take();
}

std::string key_of_local(const service_id& service, std::string_view kind,
                         std::string_view local_id) {
  wire::writer w;
  w.text(service.value);
  w.text(kind);
  w.raw(local_id);
  return w.take();
}

std::optional<meta_id> meta_of_key(std::string_view key) {
  wire::reader r{key};
  meta_id x{r.u64(), r.u64(), r.u32()};
  return r.ok() ? std::optional{x} : std::nullopt;
}

void add(ports::batch& to, const meta_id& meta, const raft::persist& x,
         stored_range& range) {
  hard_state hard{x.term, x.voted_for};
  if (planted(bug::forget_vote))
    hard.voted_for.reset();
  if (range.hard != hard) {
    put(to, family::hard, key_of(meta), encode(hard));
    range.hard = std::move(hard);
  }
  if (x.whole && x.whole->index + 1 > range.first) {
    put(to, family::base, key_of(meta), encode(*x.whole));
    for (; range.first <= x.whole->index; ++range.first)
      if (range.first <= range.last)
        drop(to, family::log, key_of(meta, range.first));
    range.last = std::max(range.last, x.whole->index);
  }
  for (const auto& e : x.entries)
    put(to, family::log, key_of(meta, e.index), encode(e));
  auto last = x.from - 1 + x.entries.size();
  for (auto i = std::max(last + 1, range.first); i <= range.last; ++i)
    drop(to, family::log, key_of(meta, i));
  range.last = last;
}

void add(ports::batch& to, const meta_id& meta, const membership& x) {
  put(to, family::group, key_of(meta), encode(x));
}

void add(ports::batch& to, const meta_id& meta, const site_record& x) {
  put(to, family::site, key_of(meta), encode(x));
}

void add_local(ports::batch& to, const meta_id& meta, const service_id& service,
               std::string_view kind, std::string_view local_id) {
  put(to, family::local, key_of_local(service, kind, local_id), key_of(meta));
}

void erase_local(ports::batch& to, const service_id& service,
                 std::string_view kind, std::string_view local_id) {
  drop(to, family::local, key_of_local(service, kind, local_id));
}

result<std::optional<stored_replicant>> load(const ports::store& from,
                                             const meta_id& meta) {
  auto group = from.get(family::group, key_of(meta));
  if (!group)
    return group.error();
  if (!*group)
    return std::optional<stored_replicant>{};
  stored_replicant out;
  out.meta = meta;
  auto own = decode_membership(**group);
  if (!own)
    return damaged(meta, "membership");
  out.own = std::move(*own);
  auto hard = fetch<hard_state>(from, family::hard, meta, "term and vote",
                                decode_hard_state);
  auto base = fetch<raft::snapshot>(from, family::base, meta, "snapshot",
                                    decode_snapshot);
  auto site =
    fetch<site_record>(from, family::site, meta, "site record", decode_site);
  if (!hard)
    return hard.error();
  if (!base)
    return base.error();
  if (!site)
    return site.error();
  if (base->index == 0)
    base->members = out.own.born.members;
  out.hard = *hard;
  out.site = std::move(*site);
  out.range = {base->index + 1, base->index, *hard};
  out.log = raft::log{std::move(*base)};
  auto fine = true;
  auto read = from.scan(family::log, key_of(meta), {},
                        [&](std::string_view, std::string_view value) {
                          auto x = decode_raft_entry(value);
                          fine = x && x->index == out.log.last_index() + 1
                                 && x->term >= out.log.last_term();
                          if (fine)
                            out.log.append(std::move(*x));
                          return fine;
                        });
  if (!read)
    return read.error();
  if (!fine)
    return damaged(meta, "log");
  out.range.last = out.log.last_index();
  return std::optional{std::move(out)};
}

result<void> each_replicant(const ports::store& in,
                            const std::function<bool(const meta_id&)>& take) {
  return in.scan(family::group, {}, {},
                 [&](std::string_view key, std::string_view) {
                   auto meta = meta_of_key(key);
                   return !meta || take(*meta);
                 });
}

result<ports::batch> erase_all(const ports::store& in, const meta_id& meta,
                               const forgetting& how, passing_rows& passing) {
  ports::batch out;
  auto key = key_of(meta);
  for (auto f : {family::group, family::hard, family::base, family::site})
    drop(out, f, key);
  auto read =
    in.scan(family::log, key, {}, [&](std::string_view k, std::string_view) {
      drop(out, family::log, std::string{k});
      return true;
    });
  if (!read)
    return read.error();
  if (auto done = remember(out, in, meta, how, passing); !done)
    return done.error();
  return out;
}

result<std::optional<meta_id>> find_local(const ports::store& in,
                                          const service_id& service,
                                          std::string_view kind,
                                          std::string_view local_id) {
  auto value = in.get(family::local, key_of_local(service, kind, local_id));
  if (!value)
    return value.error();
  return *value ? meta_of_key(**value) : std::nullopt;
}

} // namespace cheops::replicant
