#pragma once

#include "cheops/raft/step.hpp"

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

/// A group of members in one thread, driven by one seed: a network that
/// loses, doubles and reorders, disks that are slow, crashes that forget
/// what was not stored. It checks the paper's properties (figure 3.2) as it
/// goes, and throws with the seed where one breaks.
namespace cheops::raft::testing {

struct chances {
  double lose = 0.05;
  double twice = 0.05;
  double crash = 0.002;
  double cut = 0.002; ///< A member loses its links for a while.
};

class cluster {
public:
  cluster(std::uint64_t seed, configuration members, settings set = {},
          chances odds = {});

  /// One random thing: a message, a store, a tick, a proposal, a crash.
  void disturb();
  /// Faultless time from now on, for so many ticks of each member.
  void heal(unsigned ticks);
  /// Asks a member; true if it took the request.
  void propose(const member_id& at);

  [[nodiscard]] const state& of(const member_id& who) const;
  /// The operations that a member has applied, in order.
  [[nodiscard]] const std::vector<request_id>& done(const member_id& who) const;
  [[nodiscard]] const std::set<request_id>& answered() const {
    return answered_;
  }
  [[nodiscard]] std::vector<member_id> ids() const;
  void give(const member_id& who, const input& in);
  [[nodiscard]] bool anybody_awake() const;
  [[nodiscard]] std::optional<member_id> leader() const;
  std::vector<effect> last_effects;
  std::size_t messages = 0;

private:
  struct disk {
    term_id term = 0;
    std::optional<member_id> voted_for;
    log kept;
  };
  struct node {
    state now;
    disk stored;
    std::deque<persist> to_store;
    std::deque<effect> to_apply;
    std::vector<request_id> done;
    index_id applied = 0; ///< Survives a crash: outcomes are stored.
    bool cut = false;
  };

  void perform(node& at, std::vector<effect> effects);
  void store_one(node& at);
  void apply_one(node& at);
  void take(node& at, const entry& x);
  void crash(node& at);
  void deliver(std::size_t i);
  void check_leader(const node& at);
  [[noreturn]] void fail(const std::string& what) const;
  bool chance(double p);
  node& pick();

  std::uint64_t seed_;
  std::mt19937_64 random_;
  settings set_;
  chances odds_;
  std::map<member_id, node> nodes_;
  std::vector<message> wire_;
  std::map<term_id, member_id> leaders_; ///< Election safety.
  std::map<index_id, entry> decided_;    ///< State machine safety.
  std::set<request_id> answered_;        ///< Acknowledged to a client.
  request_id next_request_ = 1;
};

} // namespace cheops::raft::testing
