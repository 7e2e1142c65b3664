#include "actors/replica_index.hpp"

#include "cheops/replicant/storage.hpp"

#include <mutex>
#include <random>

namespace cheops::actors {

namespace {

/// Of a name, whatever the generation: an application has one of that name at
/// a time. No key of a local id begins so: a service's name is not empty.
std::string key_of_name(replicant::meta_id x) {
  x.generation = 0;
  return std::string(1, '\0') + replicant::key_of(x);
}

} // namespace

replica_index::replica_index() {
  std::random_device entropy;
  auto word = [&] { return std::uint64_t{entropy()} << 32 | entropy(); };
  hash_.key = {word(), word()};
  for (auto& x : shards_)
    x.all = decltype(x.all){0, hash_};
}

std::size_t replica_index::shard_of(const std::string& key) const {
  // The table in a shard takes the low bits.
  return (hash_(key) >> 40) % shards;
}

std::optional<ports::local_replica>
replica_index::look(const std::string& key) const {
  const auto& in = shards_[shard_of(key)];
  std::shared_lock lock{in.guard};
  auto i = in.all.find(key);
  return i == in.all.end() ? std::nullopt : std::optional{i->second};
}

std::optional<ports::local_replica>
replica_index::find(const service_id& service, std::string_view kind,
                    std::string_view local_id) const {
  if (size_.load(std::memory_order_acquire) == 0)
    return std::nullopt;
  return look(replicant::key_of_local(service, kind, local_id));
}

std::optional<ports::local_replica>
replica_index::find(const replicant::natural_key& name) const {
  if (size_.load(std::memory_order_acquire) == 0)
    return std::nullopt;
  return look(key_of_name(replicant::meta_of(name, 0)));
}

bool replica_index::set(const std::string& key, const ports::local_replica& x) {
  auto& in = shards_[shard_of(key)];
  std::unique_lock lock{in.guard};
  return in.all.insert_or_assign(key, x).second;
}

bool replica_index::unset(const std::string& key,
                          const replicant::meta_id& of) {
  auto& in = shards_[shard_of(key)];
  std::unique_lock lock{in.guard};
  auto i = in.all.find(key);
  if (i == in.all.end() || i->second.meta != of)
    return false;
  in.all.erase(i);
  return true;
}

void replica_index::put(const std::string& key, const ports::local_replica& x) {
  if (x.meta.generation != 0)
    set(key_of_name(x.meta), x);
  if (set(key, x))
    size_.fetch_add(1, std::memory_order_release);
}

void replica_index::erase(const std::string& key,
                          const replicant::meta_id& of) {
  if (of.generation != 0)
    unset(key_of_name(of), of);
  if (unset(key, of))
    size_.fetch_sub(1, std::memory_order_release);
}

} // namespace cheops::actors
