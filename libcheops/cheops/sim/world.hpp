#pragma once

#include "cheops/sim/dice.hpp"
#include "cheops/sim/history.hpp"
#include "cheops/sim/node.hpp"
#include "cheops/sim/plan.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace cheops::sim {

/// Something was found to be wrong; thrown and caught within this folder.
struct failure {
  std::string what;
};

/// Many sites in one thread: their processes, disks, applications, the network
/// between them, and clients. The same plan gives the same run.
class world {
public:
  world(const plan& by, bool tells);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Everything: the run with its faults, the healing, the coming to rest.
  /// Throws `failure`.
  void run();

  // -- for nodes -------------------------------------------------------------
  [[nodiscard]] time_us now() const { return now_; }
  [[nodiscard]] const plan& of() const { return plan_; }
  /// Runs it after so long; the order of equal times is that of the calls.
  void after(time_us delay, std::function<void()> what);
  /// The same, for something that a site's process does: later while paused.
  void after_at(unsigned site, time_us delay, std::function<void()> what);
  void transmit(unsigned from, const meta_id& meta,
                const replicant::message& x);
  void call(unsigned from, const meta_id& meta, const replicant::call& x);
  void probe(unsigned from, const meta_id& meta, const replicant::probe& x);
  void answered(std::size_t request);
  void need_tick(unsigned site);
  [[noreturn]] void fail(const std::string& what) const;
  /// How each owner is, for the end of a story that ends badly.
  void tell_owners();
  /// A line of the story; `text` is only called when somebody reads it.
  template <class F>
  void tell(F text) {
    if (tells_)
      add_line(text());
  }

  [[nodiscard]] unsigned number_of(const site_id& x) const;
  [[nodiscard]] node& at(unsigned site) { return *nodes_[site]; }
  [[nodiscard]] const node& at(unsigned site) const { return *nodes_[site]; }
  [[nodiscard]] unsigned sites() const {
    return static_cast<unsigned>(nodes_.size());
  }
  [[nodiscard]] const std::string& story() const { return story_; }
  [[nodiscard]] bool is_witness(unsigned site) const;
  [[nodiscard]] std::set<std::uint64_t> tags_of(const meta_id& meta) const;

  history seen;
  dice random;
  std::uint64_t steps = 0;

private:
  struct event {
    time_us at;
    std::uint64_t order;
    std::function<void()> what;
  };
  struct resource {
    std::vector<meta_id> metas; ///< The newest last.
    std::string name;
  };

  void add_line(const std::string& text);
  void run_until(time_us end);
  bool step_once(time_us end);

  // -- world_clients.cpp -----------------------------------------------------
  void client(unsigned number);
  void act(unsigned number);
  void ask_something(unsigned site, unsigned r);
  void ask_create(unsigned site, unsigned r);
  void ask_change(unsigned site, unsigned r, replicant::state& owner);
  void submit(request_record x, replicant::operation what);
  void retry(std::size_t request);
  void read_something(unsigned site, unsigned r);
  replicant::state* owner_at(unsigned site, unsigned r);
  meta_id meta_for_create(unsigned site, unsigned r,
                          std::optional<replicant::dependency>& behind);
  std::optional<replicant::birth> birth_at(unsigned site, unsigned r,
                                           const meta_id& meta, bool shared);
  std::string poison();

  // -- world_members.cpp -----------------------------------------------------
  void operate();
  void scale_something();
  void replace_lost();
  bool scale_at(unsigned site, const meta_id& meta,
                const std::vector<unsigned>& to);
  void lose_one();

  // -- world_faults.cpp ------------------------------------------------------
  void disturb();
  time_us lasting(time_us usual_min, time_us usual_max);
  void crash_one();
  void cut_some();
  void pause_one();
  void stop_application();
  void delay_some();
  void heal();
  void join_links(unsigned a, unsigned b);
  [[nodiscard]] bool cut(unsigned from, unsigned to) const {
    return cut_[from * sites() + to] > 0;
  }
  void last_reads();

  plan plan_;
  bool tells_;
  bool healed_ = false;
  time_us now_ = 0;
  std::uint64_t next_order_ = 0;
  std::uint64_t done_ = 0;    ///< Events.
  std::vector<event> events_; ///< A heap, the next on top.
  std::vector<std::unique_ptr<node>> nodes_;
  std::vector<unsigned> cut_;    ///< How many faults cut that direction.
  std::vector<time_us> late_by_; ///< As cut_: that direction.
  std::vector<time_us> paused_until_;
  std::vector<time_us> application_down_until_;
  std::vector<resource> resources_;
  std::map<meta_id, replicant::birth> births_; ///< What any site may begin.
  std::uint64_t next_tag_ = 1;
  std::uint64_t next_key_ = 1;
  unsigned asked_ = 0;
  bool lost_ = false; ///< A site came back empty.
  std::string story_;
};

} // namespace cheops::sim
