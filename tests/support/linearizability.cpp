#include "support/linearizability.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace cheops::test {

namespace {

using kind = register_operation::kind;
using value_id = std::uint32_t;

/// An operation of one register, its value as a number.
struct step {
  const register_operation* of = nullptr;
  value_id value = 0;
};

/// The begin or the end of an operation, in a list from which operations are
/// taken and to which they are given back (Lowe, section 3).
struct moment {
  std::size_t of = 0;
  bool begins = true;
  std::size_t before = 0, after = 0; ///< Places in the list.
  std::size_t end = 0;               ///< Of a begin: its end; 0: there is none.
};

class moments {
public:
  explicit moments(const std::vector<step>& steps) : all_(1) {
    struct time {
      std::int64_t at;
      bool ends;
      std::size_t of;
    };
    std::vector<time> times;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      times.push_back({steps[i].of->begun, false, i});
      if (steps[i].of->ended != never)
        times.push_back({steps[i].of->ended, true, i});
    }
    // What begins comes first: that is how equal times count as beside.
    std::ranges::sort(times, {}, [](const time& x) {
      return std::tuple{x.at, x.ends, x.of};
    });
    std::vector<std::size_t> begin_of(steps.size());
    for (const auto& x : times) {
      auto place = all_.size();
      all_.push_back({x.of, !x.ends, place - 1, 0, 0});
      all_[place - 1].after = place;
      if (x.ends)
        all_[begin_of[x.of]].end = place;
      else
        begin_of[x.of] = place;
    }
  }

  /// The place of the first; 0 stands for the end of the list.
  [[nodiscard]] std::size_t first() const { return all_[0].after; }
  [[nodiscard]] const moment& at(std::size_t place) const {
    return all_[place];
  }
  void take(std::size_t begin) {
    unlink(begin);
    if (all_[begin].end != 0)
      unlink(all_[begin].end);
  }
  /// In the opposite order of `take`.
  void give_back(std::size_t begin) {
    if (all_[begin].end != 0)
      link(all_[begin].end);
    link(begin);
  }

private:
  void unlink(std::size_t place) {
    all_[all_[place].before].after = all_[place].after;
    if (all_[place].after != 0)
      all_[all_[place].after].before = all_[place].before;
  }
  void link(std::size_t place) {
    all_[all_[place].before].after = place;
    if (all_[place].after != 0)
      all_[all_[place].after].before = place;
  }

  std::vector<moment> all_; ///< At 0: the head.
};

/// Operations that have taken effect, and the value then.
struct situation {
  std::vector<std::uint64_t> done;
  value_id value = 0;
  friend bool operator==(const situation&, const situation&) = default;
};

struct situation_hash {
  std::size_t operator()(const situation& x) const noexcept {
    std::uint64_t out = x.value + 0x9e3779b97f4a7c15ULL;
    for (auto word : x.done) {
      out ^= word;
      out *= 0x100000001b3ULL;
      out ^= out >> 29;
    }
    return out;
  }
};

/// The search for one register.
class search {
public:
  search(std::vector<step> steps, value_id initial)
    : steps_(std::move(steps)), list_(steps_) {
    now_.value = initial;
    now_.done.resize((steps_.size() + 63) / 64);
    for (const auto& x : steps_)
      left_ += x.of->ended != never ? 1 : 0;
  }

  verdict run(std::size_t steps_max) {
    auto at = list_.first();
    for (std::size_t n = 0; left_ != 0; ++n) {
      if (n == steps_max)
        return verdict::undecided;
      // What has ended and has no place has its end in front of us.
      assert(at != 0);
      const auto& m = list_.at(at);
      if (m.begins && may_follow(m.of)) {
        follow(at);
        at = list_.first();
      } else if (m.begins) {
        at = m.after;
      } else if (order_.empty()) {
        // Whatever comes first, this one does not come before its end.
        return verdict::violated;
      } else {
        at = go_back();
      }
    }
    return verdict::linearizable;
  }

  [[nodiscard]] std::string story() const;

private:
  [[nodiscard]] situation after(std::size_t i) const {
    auto out = now_;
    out.done[i / 64] |= std::uint64_t{1} << (i % 64);
    if (steps_[i].of->what == kind::write)
      out.value = steps_[i].value;
    return out;
  }

  bool may_follow(std::size_t i) {
    if (steps_[i].of->what == kind::read && steps_[i].value != now_.value)
      return false;
    return seen_.insert(after(i)).second;
  }

  void follow(std::size_t place) {
    auto i = list_.at(place).of;
    order_.push_back({place, now_.value});
    now_ = after(i);
    list_.take(place);
    left_ -= steps_[i].of->ended != never ? 1 : 0;
    if (order_.size() > longest_.size()) {
      longest_.clear();
      for (const auto& x : order_)
        longest_.push_back(list_.at(x.first).of);
    }
  }

  /// Where the search goes on.
  std::size_t go_back() {
    auto [place, value] = order_.back();
    order_.pop_back();
    auto i = list_.at(place).of;
    list_.give_back(place);
    now_.done[i / 64] &= ~(std::uint64_t{1} << (i % 64));
    now_.value = value;
    left_ += steps_[i].of->ended != never ? 1 : 0;
    return list_.at(place).after;
  }

  std::vector<step> steps_;
  moments list_;
  situation now_;
  std::size_t left_ = 0; ///< That have ended and have no place in the order.
  std::vector<std::pair<std::size_t, value_id>> order_; ///< Place, value then.
  std::vector<std::size_t> longest_;
  std::unordered_set<situation, situation_hash> seen_;
};

std::string search::story() const {
  constexpr std::size_t lines_max = 12;
  std::string out = "these may follow one another:\n";
  auto skipped = longest_.size() - std::min(longest_.size(), lines_max);
  if (skipped != 0)
    out += "  (" + std::to_string(skipped) + " before)\n";
  for (auto i = skipped; i < longest_.size(); ++i)
    out += "  " + to_string(*steps_[longest_[i]].of) + '\n';
  std::set<std::size_t> placed(longest_.begin(), longest_.end());
  auto first_end = never;
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (!placed.contains(i))
      first_end = std::min(first_end, steps_[i].of->ended);
  out += "and none of these then:\n";
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (!placed.contains(i) && steps_[i].of->begun <= first_end)
      out += "  " + to_string(*steps_[i].of) + '\n';
  return out;
}

/// Whether it can matter: a write of unknown fate that nobody has seen may as
/// well never have been done.
bool matters(const register_operation& x, const std::set<std::string>& read) {
  return x.ended != never || (x.what == kind::write && read.contains(x.value));
}

judgement judge_one(const std::vector<const register_operation*>& all,
                    const std::string& initial, std::size_t steps_max) {
  std::set<std::string> read;
  for (const auto* x : all)
    if (x->what == kind::read && x->ended != never)
      read.insert(x->value);
  std::unordered_map<std::string, value_id> ids{{initial, 0}};
  std::vector<step> steps;
  for (const auto* x : all)
    if (matters(*x, read)) {
      auto id = static_cast<value_id>(ids.size());
      steps.push_back({x, ids.emplace(x->value, id).first->second});
    }
  search of{std::move(steps), 0};
  judgement out;
  out.what = of.run(steps_max);
  out.key = all.front()->key;
  if (out.what == verdict::violated)
    out.story = of.story();
  if (out.what == verdict::undecided)
    out.story = "no order was found in " + std::to_string(steps_max)
                + " steps of the search\n";
  return out;
}

std::int64_t now() {
  return std::chrono::steady_clock::now().time_since_epoch()
         / std::chrono::nanoseconds{1};
}

} // namespace

judgement judge(const history& all, const std::string& initial,
                std::size_t steps_max) {
  std::map<std::string, std::vector<const register_operation*>> by_key;
  for (const auto& x : all)
    by_key[x.key].push_back(&x);
  judgement out;
  for (const auto& [key, operations] : by_key) {
    auto one = judge_one(operations, initial, steps_max);
    if (one.what == verdict::violated)
      return one;
    if (one.what == verdict::undecided)
      out = std::move(one);
  }
  return out;
}

std::string to_string(const register_operation& x) {
  auto end = x.ended == never ? std::string{"?"} : std::to_string(x.ended);
  return "client " + std::to_string(x.client)
         + (x.what == kind::read ? " reads " : " writes ") + x.value + " ["
         + std::to_string(x.begun) + ", " + end + ']';
}

std::size_t recorder::begin(register_operation x) {
  std::lock_guard lock{guard_};
  x.ended = never;
  x.begun = now();
  all_.emplace(next_, std::move(x));
  return next_++;
}

void recorder::done(std::size_t number, std::string value) {
  auto at = now();
  std::lock_guard lock{guard_};
  auto& x = all_.at(number);
  x.ended = at;
  if (x.what == kind::read)
    x.value = std::move(value);
}

void recorder::drop(std::size_t number) {
  std::lock_guard lock{guard_};
  all_.erase(number);
}

history recorder::take() const {
  std::lock_guard lock{guard_};
  history out;
  for (const auto& [number, x] : all_)
    out.push_back(x);
  return out;
}

} // namespace cheops::test
