#include "actors/replica_index.hpp"

#include "cheops/replicant/storage.hpp"

#include <mutex>
#include <random>

namespace cheops::actors {

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
replica_index::find(const service_id& service, std::string_view kind,
                    std::string_view local_id) const {
  if (size_.load(std::memory_order_acquire) == 0)
    return std::nullopt;
  auto key = replicant::key_of_local(service, kind, local_id);
  const auto& in = shards_[shard_of(key)];
  std::shared_lock lock{in.guard};
  auto i = in.all.find(key);
  return i == in.all.end() ? std::nullopt : std::optional{i->second};
}

void replica_index::put(const std::string& key, const ports::local_replica& x) {
  auto& in = shards_[shard_of(key)];
  std::unique_lock lock{in.guard};
  if (in.all.insert_or_assign(key, x).second)
    size_.fetch_add(1, std::memory_order_release);
}

void replica_index::erase(const std::string& key,
                          const replicant::meta_id& of) {
  auto& in = shards_[shard_of(key)];
  std::unique_lock lock{in.guard};
  auto i = in.all.find(key);
  if (i == in.all.end() || i->second.meta != of)
    return;
  in.all.erase(i);
  size_.fetch_sub(1, std::memory_order_release);
}

} // namespace cheops::actors
