// The checker of histories, on histories that are known to be good or bad.
#define BOOST_TEST_MODULE linearizability
#include "cheops/splitmix.hpp"
#include "support/boost_test.hpp"
#include "support/linearizability.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>

using namespace cheops::test;

namespace {

using kind = register_operation::kind;

/// A picture of a history, a line for each operation, columns are time:
///
///     w1  |---|        writes 1
///     r1    |----|     reads 1
///     w2     |--?      writes 2, with an unknown fate
///     yw1  |--|        another register, y
history drawn(const std::string& picture) {
  history out;
  std::istringstream in{picture};
  for (std::string line; std::getline(in, line);) {
    auto word = line.find_first_not_of(' ');
    if (word == std::string::npos)
      continue;
    auto begin = line.find('|');
    auto end = line.find_first_of("|?", begin + 1);
    auto what = line.substr(word, line.find(' ', word) - word);
    register_operation x;
    x.key = what.starts_with('y') ? "y" : "x";
    what.erase(0, what.starts_with('y') ? 1 : 0);
    x.what = what.front() == 'w' ? kind::write : kind::read;
    x.value = what.substr(1);
    x.begun = static_cast<std::int64_t>(begin);
    x.ended = line[end] == '?' ? never : static_cast<std::int64_t>(end);
    x.client = static_cast<unsigned>(out.size());
    out.push_back(x);
  }
  return out;
}

/// Of registers that hold 0 at first.
void is(verdict expected, const std::string& picture) {
  auto got = judge(drawn(picture), "0");
  BOOST_TEST((got.what == expected), picture << got.story);
}

void good(const std::string& picture) {
  is(verdict::linearizable, picture);
}

void bad(const std::string& picture) {
  is(verdict::violated, picture);
}

/// Tries every order of every choice among what has an unknown fate: slow, and
/// simple enough to be believed.
bool can_be_explained(const history& all, std::vector<bool>& placed,
                      const std::string& value) {
  auto first_end = never;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!placed[i])
      first_end = std::min(first_end, all[i].ended);
  if (first_end == never)
    return true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& x = all[i];
    auto unseen_read = x.what == kind::read && x.ended == never;
    if (placed[i] || x.begun > first_end || unseen_read
        || (x.what == kind::read && x.value != value))
      continue;
    placed[i] = true;
    auto fine =
      can_be_explained(all, placed, x.what == kind::write ? x.value : value);
    placed[i] = false;
    if (fine)
      return true;
  }
  return false;
}

struct dice {
  std::uint64_t state;
  std::uint64_t below(std::uint64_t n) { return cheops::splitmix64(state) % n; }
};

/// What clients of a real register saw: each operation takes effect at one
/// moment, or its fate is never known.
history of_a_real_register(dice& d, std::size_t operations, unsigned clients) {
  struct running {
    bool busy = false;
    bool effective = false;
    std::size_t of = 0;
  };
  history out;
  std::string value = "0";
  std::vector<running> at(clients);
  std::int64_t time = 0;
  auto busy = [&] { return std::ranges::any_of(at, &running::busy); };
  while (out.size() < operations || busy()) {
    auto client = static_cast<unsigned>(d.below(clients));
    auto& c = at[client];
    ++time;
    if (!c.busy && out.size() < operations) {
      c = {true, false, out.size()};
      auto written = std::to_string(out.size() + 1);
      auto writes = d.below(2) == 0;
      out.push_back({"x", writes ? kind::write : kind::read,
                     writes ? written : "", time, never, client});
    } else if (c.busy && !c.effective && d.below(8) != 0) {
      c.effective = true;
      auto& x = out[c.of];
      (x.what == kind::write ? value : x.value) =
        x.what == kind::write ? x.value : value;
    } else if (c.busy) {
      // Without an effect it can only be lost sight of.
      c.busy = false;
      if (c.effective && d.below(10) != 0)
        out[c.of].ended = time;
    }
  }
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(known_histories)

BOOST_AUTO_TEST_CASE(nothing_and_what_comes_one_after_the_other_is_good) {
  good("");
  good("r0 |--|            \n"
       "w1      |--|        \n"
       "r1           |--|   \n"
       "w2               |-|\n"
       "r2                   |-|\n");
}

BOOST_AUTO_TEST_CASE(beside_a_write_both_values_may_be_read) {
  good("w1 |------|  \n"
       "r0   |-|     \n");
  good("w1 |------|  \n"
       "r1   |-|     \n");
  good("w1 |---------|    \n"
       "r0   |-|          \n"
       "r1       |-|      \n");
}

BOOST_AUTO_TEST_CASE(a_stale_read_is_bad) {
  bad("w1 |--|         \n"
      "r0      |--|    \n");
}

BOOST_AUTO_TEST_CASE(a_read_that_ends_as_another_begins_is_beside_it) {
  good("w1 |--|         \n"
       "r0    |--|      \n");
}

BOOST_AUTO_TEST_CASE(a_read_that_goes_back_is_bad) {
  bad("w1 |-----------|  \n"
      "r1   |-|          \n"
      "r0       |-|      \n");
}

BOOST_AUTO_TEST_CASE(two_readers_that_see_two_orders_are_bad) {
  bad("w1 |---|                \n"
      "w2 |---|                \n"
      "r1       |-|            \n"
      "r2            |-|       \n"
      "r1                 |-|  \n");
  bad("w1 |---------|    \n"
      "w2 |---------|    \n"
      "r1     |-|        \n"
      "r2         |-|    \n"
      "r1             |-|\n");
}

BOOST_AUTO_TEST_CASE(a_lost_update_is_bad) {
  bad("w1 |--|               \n"
      "w2      |--|          \n"
      "r1           |--|     \n");
}

BOOST_AUTO_TEST_CASE(a_value_that_nobody_wrote_is_bad) {
  bad("w1 |--|         \n"
      "r7      |--|    \n");
}

BOOST_AUTO_TEST_CASE(a_value_that_is_read_before_it_is_written_is_bad) {
  bad("r1 |--|         \n"
      "w1      |--|    \n");
}

BOOST_AUTO_TEST_CASE(a_write_of_unknown_fate_may_have_been_done_or_not) {
  good("w1 |--?             \n"
       "r0      |-|         \n");
  good("w1 |--?             \n"
       "r1      |-|         \n");
  good("w1 |--?                  \n"
       "r0      |-|              \n"
       "r1            |-|        \n");
}

BOOST_AUTO_TEST_CASE(a_write_of_unknown_fate_is_done_at_most_once) {
  bad("w1 |--?                  \n"
      "r1      |-|              \n"
      "r0            |-|        \n");
  bad("w1 |--?                             \n"
      "r1      |-|                         \n"
      "w2            |-|                   \n"
      "r2                 |-|              \n"
      "r1                      |-|         \n");
}

BOOST_AUTO_TEST_CASE(a_write_of_unknown_fate_is_not_done_before_it_began) {
  bad("r1 |--|            \n"
      "w1      |--?       \n");
}

BOOST_AUTO_TEST_CASE(a_read_without_an_answer_says_nothing) {
  good("r7 |--?         \n"
       "r0      |-|     \n");
}

BOOST_AUTO_TEST_CASE(a_value_may_be_written_twice) {
  good("w1 |-|                      \n"
       "w2     |-|                  \n"
       "w1         |-|              \n"
       "r1             |-|          \n");
  bad("w1 |-|                      \n"
      "w2     |-|                  \n"
      "r1         |-|              \n"
      "w1             |-|          \n");
}

BOOST_AUTO_TEST_CASE(registers_are_judged_one_by_one) {
  good("w1  |-|                 \n"
       "yw2     |-|            \n"
       "r1          |-|         \n"
       "yr2             |-|    \n");
  auto got = judge(drawn("w1  |-|            \n"
                         "yw2     |-|       \n"
                         "yr0         |-|   \n"),
                   "0");
  BOOST_TEST((got.what == verdict::violated));
  BOOST_TEST(got.key == "y");
}

BOOST_AUTO_TEST_CASE(the_story_names_what_cannot_follow) {
  auto got = judge(drawn("w1 |--|         \n"
                         "r0      |--|    \n"),
                   "0");
  BOOST_TEST(got.story
             == "these may follow one another:\n"
                "  client 0 writes 1 [3, 6]\n"
                "and none of these then:\n"
                "  client 1 reads 0 [8, 11]\n");
}

BOOST_AUTO_TEST_CASE(a_search_that_takes_too_long_says_so) {
  auto got = judge(drawn("w1 |--|         \n"
                         "r1      |--|    \n"),
                   "0", 1);
  BOOST_TEST((got.what == verdict::undecided));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(any_history)

BOOST_AUTO_TEST_CASE(of_a_real_register_is_good) {
  BOOST_TEST(rc::check([](std::uint64_t seed) {
    dice d{seed};
    auto clients = static_cast<unsigned>(1 + d.below(6));
    auto got = judge(of_a_real_register(d, 200, clients), "0");
    RC_ASSERT(got.what == verdict::linearizable);
  }));
}

BOOST_AUTO_TEST_CASE(whose_read_is_of_another_time_is_bad) {
  BOOST_TEST(rc::check([](std::uint64_t seed) {
    dice d{seed};
    // One client: a read sees the write before it and no other.
    auto all = of_a_real_register(d, 60, 1);
    std::erase_if(all, [](const auto& x) { return x.ended == never; });
    std::vector<std::size_t> reads;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].what == kind::read && all[i].value != all.back().value)
        reads.push_back(i);
    RC_PRE(!reads.empty());
    all[reads[d.below(reads.size())]].value = all.back().value;
    RC_ASSERT(judge(all, "0").what == verdict::violated);
  }));
}

BOOST_AUTO_TEST_CASE(without_an_answered_write_that_was_read_is_bad) {
  BOOST_TEST(rc::check([](std::uint64_t seed) {
    dice d{seed};
    auto all = of_a_real_register(d, 100, 4);
    auto lost = std::ranges::find_if(all, [&](const auto& w) {
      return w.what == kind::write
             && std::ranges::any_of(all, [&](const auto& r) {
                  return r.what == kind::read && r.ended != never
                         && r.value == w.value;
                });
    });
    RC_PRE(lost != all.end());
    all.erase(lost);
    RC_ASSERT(judge(all, "0").what == verdict::violated);
  }));
}

BOOST_AUTO_TEST_CASE(is_judged_as_by_trying_every_order) {
  std::size_t bad_ones = 0;
  BOOST_TEST(rc::check([&](std::uint64_t seed) {
    dice d{seed};
    auto all = of_a_real_register(d, 8, 3);
    // Wrong in half of them: values of few writes, so that more fit.
    for (auto& x : all)
      if (x.what == kind::read && d.below(3) == 0)
        x.value = std::to_string(d.below(4));
    std::vector<bool> placed(all.size());
    auto expected = can_be_explained(all, placed, "0");
    bad_ones += expected ? 0 : 1;
    auto got = judge(all, "0");
    RC_ASSERT((got.what == verdict::linearizable) == expected);
    RC_ASSERT(got.what != verdict::undecided);
  }));
  BOOST_TEST(bad_ones > 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(recording)

BOOST_AUTO_TEST_CASE(what_threads_do_to_an_atomic_is_good) {
  std::atomic<int> value{0};
  recorder seen;
  auto client = [&](unsigned number) {
    for (int i = 1; i <= 300; ++i) {
      if (i % 2 == 0) {
        auto it = seen.begin({"x", kind::read, {}, 0, 0, number});
        seen.done(it, std::to_string(value.load()));
      } else {
        auto next = static_cast<int>(number) * 1000 + i;
        auto it =
          seen.begin({"x", kind::write, std::to_string(next), 0, 0, number});
        value.store(next);
        seen.done(it);
      }
    }
  };
  std::vector<std::thread> clients;
  for (unsigned i = 1; i <= 4; ++i)
    clients.emplace_back(client, i);
  for (auto& x : clients)
    x.join();
  auto all = seen.take();
  BOOST_TEST(all.size() == 1200U);
  auto got = judge(all, "0");
  BOOST_TEST((got.what == verdict::linearizable), got.story);
}

BOOST_AUTO_TEST_CASE(what_was_dropped_is_not_there_and_what_did_not_end_is) {
  recorder seen;
  auto refused = seen.begin({"x", kind::write, "1", 0, 0, 1});
  auto open = seen.begin({"x", kind::write, "2", 0, 0, 1});
  auto read = seen.begin({"x", kind::read, {}, 0, 0, 2});
  seen.drop(refused);
  seen.done(read, "2");
  auto all = seen.take();
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0].value == "2");
  BOOST_TEST(all[0].ended == never);
  BOOST_TEST(all[1].value == "2");
  BOOST_TEST(all[1].begun <= all[1].ended);
  (void) open;
}

BOOST_AUTO_TEST_SUITE_END()
