#pragma once

#include "cheops/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cheops::traffic {

using clock = std::chrono::steady_clock;

/// Who and which trace: calls that share both belong to one scoped request.
struct correlation_key {
  std::string trace;            ///< The 32 hex digits of a W3C trace id.
  std::uint64_t credential = 0; ///< Digest of the caller's credential.
  friend bool operator==(const correlation_key&,
                         const correlation_key&) = default;
};

/// What a later call of the same trace inherits.
struct correlated {
  std::string scope; ///< Canonical text.
  std::string path;  ///< "Site1/ServiceA > Site2/ServiceB".
  std::uint32_t hops = 0;
  /// Whose request it is, where the key does not say (a digest).
  std::uint64_t owner = 0;
  std::string resource = {}; ///< What it is about, where that is known.
  /// Answered by `find`: an exchange holds the entry now.
  bool held = false;
};

/// Remembers the scopes of live traces. Bounded; entries leave `ttl` after
/// their last use and their last exchange's end, the oldest first when full.
/// Safe to call from every thread. `find` takes no lock unless the key's
/// fingerprint is present, so requests without a scope pay one load.
class correlation {
public:
  /// Holds an entry while an exchange runs; releases it when destroyed.
  class ticket {
  public:
    ticket() = default;
    ticket(ticket&& other) noexcept;
    ticket& operator=(ticket&& other) noexcept;
    ~ticket();
    [[nodiscard]] explicit operator bool() const { return owner_ != nullptr; }
    [[nodiscard]] const correlation_key& key() const { return key_; }

  private:
    friend class correlation;
    correlation* owner_ = nullptr;
    correlation_key key_;
  };

  enum class outcome : std::uint8_t {
    opened,   ///< New, or the same scope again.
    conflict, ///< The key is live with another scope or owner: take a fresh
              ///< trace id.
    full,     ///< Every entry is held by a running exchange.
  };

  /// `secret` goes into the digests of credentials and the hashes of trace
  /// ids, which nobody can then make to collide; zero: taken from the
  /// operating system.
  correlation(std::size_t entries_max, clock::duration ttl,
              std::uint64_t secret = 0);
  ~correlation();
  correlation(const correlation&) = delete;
  correlation& operator=(const correlation&) = delete;

  /// New bounds. What is over a lower one leaves when others come.
  void configure(std::size_t entries_max, clock::duration ttl);

  /// Opens (or joins) the entry for an exchange that carries a scope itself.
  [[nodiscard]] std::pair<outcome, ticket> open(const correlation_key& key,
                                                const correlated& what,
                                                clock::time_point now);

  /// What a call without a scope inherits; refreshes the entry.
  [[nodiscard]] std::optional<correlated> find(const correlation_key& key,
                                               clock::time_point now);

  /// Records why an inner call of this trace failed in Cheops, so that the
  /// outer front can say so (docs/scope-lang.md, "What the user gets back").
  void blame(const correlation_key& key, const error& cause);

  /// The cause recorded since `open`, if any; forgets it.
  [[nodiscard]] std::optional<error> take_cause(const ticket& of);

  [[nodiscard]] std::size_t size() const noexcept;
  /// How many left before their time, to make room.
  [[nodiscard]] std::uint64_t evicted() const noexcept;
  [[nodiscard]] std::uint64_t secret() const noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cheops::traffic
