#include "cheops/traffic/correlation.hpp"

#include "cheops/traffic/keyed_hash.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <list>
#include <mutex>
#include <random>
#include <unordered_map>
#include <vector>

namespace cheops::traffic {

namespace {

constexpr std::size_t shard_count = 16;
constexpr std::size_t filter_slots = 1U << 16;

/// Trace ids are the caller's choice: without the key he cannot heap them.
struct key_hash {
  std::uint64_t secret = 0;
  std::size_t operator()(const correlation_key& x) const noexcept {
    return keyed_hash(x.trace, {secret, x.credential});
  }
};

/// Entries that no exchange holds, the one unused for longest in front.
using idle_list = std::list<correlation_key>;

struct entry {
  correlated what;
  std::size_t holders = 0;
  clock::time_point last_use;
  std::optional<error> cause;
  idle_list::iterator idle; ///< Valid while nobody holds the entry.
};

using entry_table = std::unordered_map<correlation_key, entry, key_hash>;

struct shard {
  std::mutex guard;
  entry_table entries;
  idle_list idle;
  clock::time_point latest; ///< A ticket is released without a clock.
};

} // namespace

struct correlation::impl {
  std::atomic<std::size_t> per_shard{1};
  std::atomic<clock::rep> ttl{0};
  const std::uint64_t secret;
  const key_hash hash_of{secret};
  std::array<shard, shard_count> shards;
  /// How many entries fall into each slot: a zero proves that a key is not
  /// there, so the many requests without a scope never take a lock.
  std::vector<std::atomic<std::uint32_t>> filter;
  std::atomic<std::size_t> total{0};
  std::atomic<std::uint64_t> evicted{0};

  explicit impl(std::uint64_t secret_) : secret(secret_), filter(filter_slots) {
    for (auto& x : shards)
      x.entries = entry_table{0, hash_of};
  }

  std::atomic<std::uint32_t>& slot(std::size_t hash) {
    return filter[(hash >> 16) % filter_slots];
  }
  shard& shard_of(std::size_t hash) { return shards[hash % shard_count]; }

  void erase(shard& in, const correlation_key& key) {
    auto i = in.entries.find(key);
    assert(i != in.entries.end() && i->second.holders == 0);
    in.idle.erase(i->second.idle);
    in.entries.erase(i);
    slot(hash_of(key)).fetch_sub(1, std::memory_order_relaxed);
    total.fetch_sub(1, std::memory_order_relaxed);
  }

  /// Drops what has outlived its time, a few at a time.
  void expire(shard& in, clock::time_point now) {
    in.latest = std::max(in.latest, now);
    for (int i = 0; i < 4 && !in.idle.empty(); ++i) {
      auto oldest = in.idle.front();
      if (!outlived(in.entries.at(oldest), now))
        return;
      erase(in, oldest);
    }
  }

  /// The limit may have become lower: then more than one goes.
  bool make_room(shard& in) {
    auto most = per_shard.load(std::memory_order_relaxed);
    while (in.entries.size() >= most) {
      if (in.idle.empty())
        return false;
      auto oldest = in.idle.front();
      erase(in, oldest);
      evicted.fetch_add(1, std::memory_order_relaxed);
    }
    return true;
  }

  bool outlived(const entry& x, clock::time_point now) const {
    return now - x.last_use
           >= clock::duration{ttl.load(std::memory_order_relaxed)};
  }
  bool expired(const entry& x, clock::time_point now) const {
    return x.holders == 0 && outlived(x, now);
  }

  void release(const correlation_key& key) {
    auto& in = shard_of(hash_of(key));
    std::lock_guard lock{in.guard};
    auto i = in.entries.find(key);
    assert(i != in.entries.end() && i->second.holders > 0);
    if (--i->second.holders == 0) {
      i->second.last_use = in.latest;
      i->second.idle = in.idle.insert(in.idle.end(), key);
    }
  }
};

correlation::correlation(std::size_t entries_max, clock::duration ttl,
                         std::uint64_t secret) {
  std::random_device system;
  impl_ = std::make_unique<impl>(
    secret != 0 ? secret : std::uint64_t{system()} << 32 | system());
  configure(entries_max, ttl);
}

void correlation::configure(std::size_t entries_max, clock::duration ttl) {
  impl_->per_shard.store(std::max<std::size_t>(1, entries_max / shard_count),
                         std::memory_order_relaxed);
  impl_->ttl.store(ttl.count(), std::memory_order_relaxed);
}

correlation::~correlation() = default;

correlation::ticket::ticket(ticket&& other) noexcept
  : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}

correlation::ticket& correlation::ticket::operator=(ticket&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(key_, other.key_);
  return *this;
}

correlation::ticket::~ticket() {
  if (owner_ != nullptr)
    owner_->impl_->release(key_);
}

std::pair<correlation::outcome, correlation::ticket>
correlation::open(const correlation_key& key, const correlated& what,
                  clock::time_point now) {
  auto hash = impl_->hash_of(key);
  auto& in = impl_->shard_of(hash);
  std::lock_guard lock{in.guard};
  impl_->expire(in, now);
  auto i = in.entries.find(key);
  if (i != in.entries.end() && impl_->expired(i->second, now)) {
    impl_->erase(in, key);
    i = in.entries.end();
  }
  if (i != in.entries.end()
      && (i->second.what.scope != what.scope
          || i->second.what.owner != what.owner))
    return {outcome::conflict, ticket{}};
  if (i == in.entries.end()) {
    if (!impl_->make_room(in))
      return {outcome::full, ticket{}};
    i = in.entries.emplace(key, entry{}).first;
    i->second.what = what;
    impl_->slot(hash).fetch_add(1, std::memory_order_relaxed);
    impl_->total.fetch_add(1, std::memory_order_relaxed);
  } else if (i->second.holders == 0) {
    in.idle.erase(i->second.idle);
    i->second.cause.reset();
  }
  // A trace that passes here twice keeps the longer way it has come.
  if (what.hops > i->second.what.hops)
    i->second.what = what;
  ++i->second.holders;
  i->second.last_use = now;
  ticket out;
  out.owner_ = this;
  out.key_ = key;
  return {outcome::opened, std::move(out)};
}

std::optional<correlated> correlation::find(const correlation_key& key,
                                            clock::time_point now) {
  auto hash = impl_->hash_of(key);
  if (impl_->slot(hash).load(std::memory_order_relaxed) == 0)
    return std::nullopt;
  auto& in = impl_->shard_of(hash);
  std::lock_guard lock{in.guard};
  in.latest = std::max(in.latest, now);
  auto i = in.entries.find(key);
  if (i == in.entries.end() || impl_->expired(i->second, now))
    return std::nullopt;
  i->second.last_use = now;
  if (i->second.holders == 0)
    in.idle.splice(in.idle.end(), in.idle, i->second.idle);
  auto out = i->second.what;
  out.held = i->second.holders > 0;
  return out;
}

void correlation::blame(const correlation_key& key, const error& cause) {
  auto& in = impl_->shard_of(impl_->hash_of(key));
  std::lock_guard lock{in.guard};
  if (auto i = in.entries.find(key);
      i != in.entries.end() && i->second.holders > 0)
    i->second.cause = cause;
}

std::optional<error> correlation::take_cause(const ticket& of) {
  if (!of)
    return std::nullopt;
  auto& in = impl_->shard_of(impl_->hash_of(of.key()));
  std::lock_guard lock{in.guard};
  auto i = in.entries.find(of.key());
  assert(i != in.entries.end());
  return std::exchange(i->second.cause, std::nullopt);
}

std::size_t correlation::size() const noexcept {
  return impl_->total.load(std::memory_order_relaxed);
}

std::uint64_t correlation::evicted() const noexcept {
  return impl_->evicted.load(std::memory_order_relaxed);
}

std::uint64_t correlation::secret() const noexcept {
  return impl_->secret;
}

} // namespace cheops::traffic
