#pragma once

#include "cheops/replicant/step.hpp"
#include "cheops/sim/disk.hpp"
#include "cheops/sim/history.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace cheops::sim {

class world;

/// One site's process: it carries out what its owners ask for, as a real node
/// must (replicant/step.hpp). What is in here is lost by a crash, but for the
/// disk.
class node {
public:
  node(world& in, unsigned number, enforcement what);

  // -- life ------------------------------------------------------------------
  void start();
  void crash();
  /// The machine comes back with an empty disk, so under a new store id.
  void lose_disk();
  [[nodiscard]] bool up() const { return up_; }

  // -- inputs ----------------------------------------------------------------
  /// Index into the history's requests.
  void ask(std::size_t request, replicant::asked in);
  void read(std::size_t read, bool linearizable);
  void scale(const meta_id& meta, raft::configuration members);
  /// Settles what is uncertain or diverged, as a person would who looks.
  void resolve(const meta_id& meta, replicant::resolve_asked in);
  void receive(const meta_id& meta, const replicant::message& x);
  void synced(std::uint64_t boot);
  void called(std::uint64_t boot, const meta_id& meta,
              const replicant::called& x);
  void probed(std::uint64_t boot, const meta_id& meta,
              const replicant::probed& x);
  void tick();
  void reachable(unsigned site);
  /// Stops owners that are idle; they are recovered when needed.
  void passivate();
  /// Says to `meta` that another is as far as it waits for.
  void tell_reached();

  // -- looking in ------------------------------------------------------------
  [[nodiscard]] replicant::state* owner_of(const meta_id& meta);
  [[nodiscard]] const std::map<meta_id, std::unique_ptr<replicant::state>>&
  owners() const {
    return owners_;
  }
  [[nodiscard]] bool is_over(const meta_id& meta) const {
    return over_.is_over(meta).value();
  }
  [[nodiscard]] const replicant::generations& over() const { return over_; }
  [[nodiscard]] const raft::member_id& id() const { return self_; }
  [[nodiscard]] bool awake() const;
  /// Whether it shows that an unknown id may be of a copy of that replicant.
  [[nodiscard]] bool knows_of_create(const meta_id& meta) const;
  /// Loads what is in the store, if it is there.
  replicant::state* load(const meta_id& meta);
  /// Makes an owner that founds its group.
  void found(const meta_id& meta, replicant::birth born);

  application app;
  disk store;
  std::uint64_t boot = 0; ///< Grows with each start.
  unsigned skew = 1000;   ///< Of its clock, of 1000.
  bool ticking = false;
  bool lost_track = false; ///< Left a group when it was uncertain there.

private:
  replicant::owner_identity identity(const meta_id& meta,
                                     const raft::member_id& self);
  void step(const meta_id& meta, const replicant::input& in);
  void observe(const meta_id& meta, replicant::state& s, index_id before);
  void perform(const meta_id& meta, replicant::persist& x);
  void perform(const meta_id& meta, replicant::send& x);
  void perform(const meta_id& meta, replicant::call& x);
  void perform(const meta_id& meta, replicant::probe& x);
  void perform(const meta_id& meta, replicant::await& x);
  void perform(const meta_id& meta, replicant::answer& x);
  void perform(const meta_id& meta, replicant::read_answer& x);
  void perform(const meta_id& meta, replicant::forget& x);
  void perform(const meta_id& meta, replicant::event& x);
  void begin_sync();
  void wake_for(const site_id& site, const meta_id& meta);

  struct wish {
    meta_id asker;
    replicant::await what;
  };

  world& world_;
  unsigned number_;
  unsigned disks_ = 1;
  raft::member_id self_;
  bool up_ = false;
  std::map<meta_id, std::unique_ptr<replicant::state>> owners_;
  replicant::generations over_{&store};
  replicant::passing_rows passing_;
  std::deque<std::pair<meta_id, std::uint64_t>> to_sync_;
  std::size_t syncing_ = 0;
  std::map<std::uint64_t, std::size_t> requests_; ///< Token to request.
  std::map<std::uint64_t, std::size_t> reads_;
  std::vector<wish> wishes_;
  std::set<meta_id> erasing_; ///< Their end is on its way to the disk.
  std::uint64_t next_token_ = 1;
  std::uint64_t next_session_ = 1;
};

} // namespace cheops::sim
