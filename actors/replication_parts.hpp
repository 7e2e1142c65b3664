#pragma once

#include "actors/create_board.hpp"
#include "actors/event_feed.hpp"
#include "actors/replica_index.hpp"
#include "actors/replicants.hpp"
#include "actors/replication_interfaces.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace cheops::actors {

/// The way from other threads to the actors, for as long as they are there:
/// who is inside while it is closed holds the closing up.
class gate {
public:
  void open(owners_actor to) {
    std::unique_lock lock{guard_};
    owners_ = std::move(to);
  }
  /// Nobody is let in to OWNERS any more: a question to an actor that has
  /// ended would be answered in here.
  void shut() {
    std::unique_lock lock{guard_};
    owners_ = nullptr;
  }
  /// … nor to an owner: the actors are about to go.
  void close() {
    std::unique_lock lock{guard_};
    owners_ = nullptr;
    closed_ = true;
  }

  /// False: nobody is there, and `x` is gone.
  template <class T>
  bool to_owners(T x) const {
    std::shared_lock lock{guard_};
    if (!owners_)
      return false;
    caf::anon_send(owners_, std::move(x));
    return true;
  }

  /// To an owner that may have ended since.
  template <class T>
  void to_owner(const caf::actor_addr& to, T x) const {
    std::shared_lock lock{guard_};
    if (closed_)
      return;
    if (auto who = caf::actor_cast<caf::strong_actor_ptr>(to))
      caf::anon_send(caf::actor_cast<owner_actor>(who), std::move(x));
  }

private:
  mutable std::shared_mutex guard_;
  owners_actor owners_;
  bool closed_ = false;
};

/// Written by actors, read at any time.
struct replication_tallies {
  using count = std::atomic<std::uint64_t>;
  count replicants{0}, awake{0}, pending{0}, diverged{0}, uncertain{0};
  count elections{0}, decided{0}, done{0}, retries{0};
  count batches{0}, commits{0}, commit_us{0};
  count writes{0}, write_us{0}, refused{0}, open{0}, dropped{0};
  /// Of all owners that are awake.
  std::atomic<std::int64_t> apply_lag{0};

  mutable std::mutex guard; ///< Of what follows.
  std::map<site_id, std::uint64_t> behind;
};

/// What a site knows of a replicant whose owner is asleep.
struct known_replicant {
  replicant::site_state state = replicant::site_state::ok;
  /// Sites that have not dealt with all that is decided, by `site_bits`.
  std::uint64_t behind = 0;
};
using catalogue = std::unordered_map<replicant::meta_id, known_replicant>;

/// What the actors of replication and the rest of the node share.
struct replication_parts {
  explicit replication_parts(replication_plan with)
    : plan(std::move(with)), feed(plan.events_max) {}

  replication_plan plan;
  replica_index index;
  create_board creates;
  event_feed feed;
  replication_tallies tally;
  gate way_in;
  std::atomic<std::size_t> questions{0};

  [[nodiscard]] result<void> health() const {
    std::lock_guard lock{guard_};
    return why_ ? result<void>{*why_} : result<void>{};
  }
  void fail(error why) {
    std::lock_guard lock{guard_};
    if (!why_)
      why_ = std::move(why);
  }

  // As the store had it; OWNERS takes them over, and KEEPER `passing`.
  catalogue known;
  replicant::passing_rows passing;
  std::vector<replicant::meta_id> to_wake;

private:
  mutable std::mutex guard_;
  std::optional<error> why_;
};

using parts_ptr = std::shared_ptr<replication_parts>;

} // namespace cheops::actors
