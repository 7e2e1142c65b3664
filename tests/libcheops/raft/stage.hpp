#pragma once

#include "cheops/raft/step.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// A group that a script plays, command by command; transcripts/README.md
/// has the commands. Nothing happens that was not asked for: no time, no
/// delivery; disks and applications answer at once unless told to be slow.
namespace cheops::raft::testing {

class stage {
public:
  /// Does what the line says, and says what happened, a line each. Throws
  /// std::invalid_argument where it makes no sense, std::runtime_error where
  /// the paper's safety properties broke (figure 3.2).
  std::vector<std::string> run(const std::string& line);

private:
  struct node {
    state now;
    // What the disk has.
    term_id term = 0;
    std::optional<member_id> voted_for;
    log kept;
    std::deque<persist> to_store;
    index_id applied = 0; ///< Survives a crash: outcomes are stored.
  };
  using path = std::pair<member_id, member_id>;
  using arguments = std::vector<std::string>;
  using command = void (stage::*)(const arguments&);

  static const std::map<std::string, command>& commands();
  void set(const arguments& x);
  void members(const arguments& x);
  void join(const arguments& x);
  void disks(const arguments& x);
  void propose(const arguments& x);
  void read(const arguments& x);
  void tick(const arguments& x);
  void campaign(const arguments& x);
  void deliver(const arguments& x);
  void drop(const arguments& x);
  void twice(const arguments& x);
  void cut(const arguments& x);
  void heal(const arguments& x);
  void store(const arguments& x);
  void crash(const arguments& x);
  void fold(const arguments& x);
  void change(const arguments& x);
  void transfer(const arguments& x);
  void reachable(const arguments& x);
  void show(const arguments& x);
  void show_log(const arguments& x);
  void show_wire(const arguments& x);

  node& at(const std::string& name);
  std::vector<node*> those(const std::string& name);
  void add(const member_id& who, configuration in);
  void give(node& to, const input& in);
  void perform(node& by, std::vector<effect> effects);
  void store_one(node& of);
  void hand_over(message m);
  void check(const node& x);
  void check_applied(const entry& x);
  void say(const std::string& what) { said_.push_back(what); }

  settings set_;
  std::map<member_id, node> nodes_;
  std::deque<message> wire_;
  std::set<path> cut_;
  bool slow_ = false;
  std::uint64_t next_id_ = 1;
  std::vector<std::string> said_;
  std::map<term_id, member_id> leaders_; ///< Election safety.
  std::map<index_id, entry> decided_;    ///< State machine safety.
};

} // namespace cheops::raft::testing
