#pragma once

#include "samples.hpp"

#include "cheops/replicant/step.hpp"
#include "cheops/sim/memory_store.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

/// Owners of one replicant at sites 1 to n, and a test in the place of their
/// disks, network and applications. Nothing happens that is not asked for, but
/// that messages are delivered and batches stored by `settle`.
namespace cheops::replicant::testing {

class stage {
public:
  /// Site 1 founds the group; the others are spawned by its messages.
  explicit stage(int sites, settings set = quick());
  /// A group that began otherwise, at sites some of which have a key.
  stage(birth born, std::set<int> keyed, settings set = quick());

  /// Short bounds, so that tests need few ticks.
  static settings quick();

  [[nodiscard]] state& at(int site) { return *owners_.at(site); }
  [[nodiscard]] bool has(int site) const { return owners_.contains(site); }

  void give(int site, const input& in);
  /// Asks and settles; gives the token.
  token_id ask(int site, operation what, wait_for until = wait_for::here);
  token_id read(int site, bool linearizable = true);
  /// Stores, delivers, and again, until nothing is on its way.
  void settle();
  void store(int site);
  /// Moves the time of all (or one) by so many ticks, settling after each.
  void tick(int ticks, int site = 0);
  /// Until all sleep; throws if they do not.
  void rest();

  /// The oldest call of a site that was not answered; throws without one.
  [[nodiscard]] const call& called(int site) const;
  [[nodiscard]] bool calls(int site) const { return !calls_[site].empty(); }
  void answer_call(int site, std::uint16_t status, std::string local_id = {},
                   call_end how = call_end::answered);
  /// No call of that site goes out, until that client is answered.
  void stay_down(int site, token_id client);
  [[nodiscard]] bool probes(int site) const { return !probes_[site].empty(); }
  void answer_probe(int site, finding what, std::string local_id = {});
  /// Answers as an application does that works: ids are "SITE-N".
  void work();

  void crash(int site); ///< Forgets what is not stored; starts again.
  void cut(int site) { cut_.insert(site); }
  void heal();

  [[nodiscard]] std::optional<answer> answered(token_id token) const;
  [[nodiscard]] std::optional<read_answer> read_of(token_id token) const;
  [[nodiscard]] const std::vector<await>& awaits(int site) {
    return awaits_[site];
  }
  [[nodiscard]] std::size_t messages() const { return messages_; }
  [[nodiscard]] const std::vector<event>& events() const { return events_; }

  meta_id meta = random_meta(1, 2);
  birth born;
  std::set<int> slow;      ///< Their disks wait for `store`.
  std::set<int> forgotten; ///< Were told to forget.
  std::deque<message> wire;
  std::set<int> keyed;       ///< Have the key when their owner is made.
  std::vector<message> sent; ///< All of them.
  settings set;

private:
  void perform(int site, effect& e);
  bool deliver();
  int number(const member_id& x) const;
  owner_identity identity(int site, const member_id& as);

  std::map<int, std::unique_ptr<state>> owners_;
  std::map<int, sim::memory_store> stores_;
  std::map<int, std::deque<persist>> to_store_;
  mutable std::map<int, std::deque<call>> calls_;
  mutable std::map<int, std::deque<probe>> probes_;
  std::map<int, std::vector<await>> awaits_;
  std::map<token_id, answer> answers_;
  std::map<token_id, read_answer> reads_;
  std::vector<event> events_;
  std::set<int> cut_;
  std::map<int, int> made_;
  token_id next_token_ = 1;
  std::uint64_t next_session_ = 1;
  std::size_t messages_ = 0;
};

/// An operation of the sample application's; ids are those of site 1.
operation make(change does, const std::string& id = {});

/// Three sites with one resource, made at site 1.
struct made : stage {
  explicit made(int sites = 3, settings with = quick()) : stage(sites, with) {
    auto token = ask(1, make(change::create));
    work();
    if (!answered(token))
      throw std::logic_error{"stage: the create was not answered"};
    rest();
  }
  operation change_at(change does, int site) {
    return make(does, at(site).site.local_id);
  }
};

inline bool is(const std::optional<answer>& x, ending how) {
  return x && x->how == how;
}
inline bool is(const std::optional<answer>& x, refusal why) {
  return x && x->how == ending::refused && x->why == why;
}

} // namespace cheops::replicant::testing
