#pragma once

#include "cheops/replication.hpp"
#include "cheops/traffic/keyed_hash.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cheops::actors {

/// Which local id is which replicant, in memory. From any thread: many read,
/// the owners write.
class replica_index {
public:
  replica_index();

  /// One atomic load while it is empty.
  [[nodiscard]] std::optional<ports::local_replica>
  find(const service_id& service, std::string_view kind,
       std::string_view local_id) const;

  /// By the name that its user chose, of whatever generation lives.
  [[nodiscard]] std::optional<ports::local_replica>
  find(const replicant::natural_key& name) const;

  /// `key` as of `replicant::key_of_local`. What has generations is known by
  /// its name too.
  void put(const std::string& key, const ports::local_replica& x);
  /// Does nothing where the key belongs to another replicant by now.
  void erase(const std::string& key, const replicant::meta_id& of);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
  static constexpr std::size_t shards = 64;
  /// Users choose local ids where the application lets them.
  struct hash {
    traffic::hash_key key;
    std::size_t operator()(const std::string& x) const noexcept {
      return static_cast<std::size_t>(traffic::keyed_hash(x, key));
    }
  };
  struct shard {
    mutable std::shared_mutex guard;
    std::unordered_map<std::string, ports::local_replica, hash> all;
  };
  [[nodiscard]] std::size_t shard_of(const std::string& key) const;
  [[nodiscard]] std::optional<ports::local_replica>
  look(const std::string& key) const;
  /// True: there was none under that key.
  bool set(const std::string& key, const ports::local_replica& x);
  bool unset(const std::string& key, const replicant::meta_id& of);

  hash hash_;
  std::array<shard, shards> shards_;
  std::atomic<std::size_t> size_{0};
};

} // namespace cheops::actors
