#define BOOST_TEST_MODULE traffic
#include "cheops/traffic/correlation.hpp"
#include "support/boost_test.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace cheops;
using namespace cheops::traffic;
using namespace std::chrono_literals;

namespace {

const clock::time_point start{};
const correlation_key andy{"0af7651916cd43dd8448eb211c80319c", 1};
const correlation_key bo{"0af7651916cd43dd8448eb211c80319c", 2};
const correlated paris{"{B: Paris}", "Berlin/A", 0};
const correlated rome{"{B: Rome}", "Berlin/A", 0};

using outcome = correlation::outcome;

correlation_key numbered(int i) {
  return {"trace" + std::to_string(i), 0};
}

} // namespace

BOOST_AUTO_TEST_SUITE(traces)

BOOST_AUTO_TEST_CASE(a_call_of_the_same_trace_and_user_inherits_the_scope) {
  correlation table{1000, 60s};
  auto [how, ticket] = table.open(andy, paris, start);
  BOOST_TEST((how == outcome::opened));
  auto x = table.find(andy, start + 1s);
  BOOST_REQUIRE(x.has_value());
  BOOST_TEST(x->scope == "{B: Paris}");
}

BOOST_AUTO_TEST_CASE(two_users_of_one_trace_are_never_mixed) {
  correlation table{1000, 60s};
  auto first = table.open(andy, paris, start);
  BOOST_TEST(!table.find(bo, start));
  auto second = table.open(bo, rome, start);
  BOOST_TEST((second.first == outcome::opened));
  BOOST_TEST(table.find(andy, start)->scope == "{B: Paris}");
  BOOST_TEST(table.find(bo, start)->scope == "{B: Rome}");
}

BOOST_AUTO_TEST_CASE(a_live_trace_is_not_overwritten_by_another_scope) {
  correlation table{1000, 60s};
  auto first = table.open(andy, paris, start);
  auto second = table.open(andy, rome, start);
  BOOST_TEST((second.first == outcome::conflict));
  BOOST_TEST(!second.second);
  BOOST_TEST(table.find(andy, start)->scope == "{B: Paris}");
}

BOOST_AUTO_TEST_CASE(an_entry_leaves_after_its_last_use) {
  correlation table{1000, 60s};
  { auto x = table.open(andy, paris, start); }
  BOOST_TEST(table.find(andy, start + 59s).has_value());
  BOOST_TEST(table.find(andy, start + 118s).has_value()); // Used at 59 s.
  BOOST_TEST(!table.find(andy, start + 178s));
  auto x = table.open(andy, rome, start + 178s);
  BOOST_TEST((x.first == outcome::opened));
  BOOST_TEST(table.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_running_exchange_holds_its_entry) {
  correlation table{1000, 60s};
  auto x = table.open(andy, paris, start);
  BOOST_TEST(table.find(andy, start + 1h).has_value());
  auto y = table.open(andy, rome, start + 2h);
  BOOST_TEST((y.first == outcome::conflict));
}

BOOST_AUTO_TEST_CASE(the_table_is_bounded_and_forgets_the_idle_first) {
  correlation table{160, 60s};
  for (int i = 0; i < 10'000; ++i)
    BOOST_TEST(
      (table.open(numbered(i), paris, start).first == outcome::opened));
  BOOST_TEST(table.size() <= 160U);
}

BOOST_AUTO_TEST_CASE(a_table_full_of_running_exchanges_says_so) {
  correlation table{160, 60s};
  std::vector<correlation::ticket> held;
  int full = 0;
  for (int i = 0; i < 1000; ++i) {
    auto x = table.open(numbered(i), paris, start);
    if (x.first == outcome::full)
      ++full;
    else
      held.push_back(std::move(x.second));
  }
  BOOST_TEST(full > 0);
  BOOST_TEST(held.size() <= 160U);
  for (const auto& x : held)
    BOOST_TEST(table.find(x.key(), start).has_value());
  held.clear();
  BOOST_TEST(
    (table.open(numbered(2000), paris, start).first == outcome::opened));
}

BOOST_AUTO_TEST_CASE(who_leaves_to_make_room_is_counted) {
  correlation table{16, 60s};
  for (std::uint64_t i = 0; i < 100; ++i)
    (void) table.open({"t", i}, paris, start);
  BOOST_TEST(table.size() <= 16U);
  BOOST_TEST(table.evicted() == 100U - table.size());
  // Who leaves because his time is over is not.
  auto before = table.evicted();
  correlation young{16, 60s};
  (void) young.open(andy, paris, start);
  (void) young.open(andy, paris, start + 61s);
  BOOST_TEST(young.evicted() == 0U);
  BOOST_TEST(table.evicted() == before);
}

BOOST_AUTO_TEST_CASE(bounds_can_change_while_it_is_used) {
  correlation table{1600, 60s};
  for (std::uint64_t i = 0; i < 800; ++i)
    (void) table.open({"t", i}, paris, start);
  BOOST_TEST(table.size() > 700U);
  table.configure(16, 60s);
  for (std::uint64_t i = 0; i < 800; ++i)
    (void) table.open({"u", i}, paris, start);
  BOOST_TEST(table.size() <= 16U);
  table.configure(1600, 10s);
  (void) table.open(andy, paris, start);
  BOOST_TEST(!table.find(andy, start + 11s));
}

BOOST_AUTO_TEST_CASE(a_cause_is_told_once_to_the_exchange_that_holds_it) {
  correlation table{1000, 60s};
  auto x = table.open(andy, paris, start);
  BOOST_TEST(!table.take_cause(x.second));
  table.blame(andy, {errc::unreachable, "no route", "Paris", "", ""});
  table.blame(bo, {errc::loop, "not ours", "", "", ""});
  auto cause = table.take_cause(x.second);
  BOOST_REQUIRE(cause.has_value());
  BOOST_TEST(cause->site == "Paris");
  BOOST_TEST(!table.take_cause(x.second));
}

BOOST_AUTO_TEST_CASE(a_cause_does_not_outlive_its_exchange) {
  correlation table{1000, 60s};
  { auto x = table.open(andy, paris, start); }
  table.blame(andy, {errc::unreachable, "late", "Paris", "", ""});
  auto y = table.open(andy, paris, start + 1s);
  BOOST_TEST(!table.take_cause(y.second));
}

BOOST_AUTO_TEST_CASE(a_ticket_that_moves_is_released_once) {
  correlation table{1000, 60s};
  auto x = table.open(andy, paris, start).second;
  auto y = std::move(x);
  correlation::ticket z;
  z = std::move(y);
  BOOST_TEST(!x);
  BOOST_TEST(static_cast<bool>(z));
  z = correlation::ticket{};
  BOOST_TEST(!table.find(andy, start + 61s));
}

// Run under the thread sanitizer too.
BOOST_AUTO_TEST_CASE(threads_may_share_the_table) {
  correlation table{1600, 60s};
  std::atomic<int> mixed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&table, &mixed, t] {
      for (int i = 0; i < 2000; ++i) {
        correlation_key key{"t" + std::to_string(i % 50),
                            static_cast<std::uint64_t>(t)};
        correlated what{"{B: S" + std::to_string(t) + "}", "", 0};
        auto x = table.open(key, what, start);
        auto found = table.find(key, start);
        if (!found || found->scope != what.scope)
          ++mixed;
        table.blame(key, {errc::io, "", std::to_string(t), "", ""});
        auto cause = table.take_cause(x.second);
        if (!cause || cause->site != std::to_string(t))
          ++mixed;
      }
    });
  for (auto& x : threads)
    x.join();
  BOOST_TEST(mixed == 0);
}

BOOST_AUTO_TEST_SUITE_END()
