#define BOOST_TEST_MODULE scenario_schedule
#include "support/boost_test.hpp"
#include "tools/scenario/schedule.hpp"

#include <map>

using namespace cheops::scenario;

namespace {

std::string text_of(const std::vector<fault_event>& all) {
  std::string out;
  for (const auto& x : all)
    out += std::to_string(x.at.count()) + ' ' + std::string{to_string(x.kind)}
           + ' ' + std::to_string(x.site) + ' '
           + std::to_string(x.lasts.count()) + '\n';
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(equal_seeds_give_equal_schedules) {
  random_faults what;
  BOOST_TEST(text_of(make_schedule(what, 3, 7))
             == text_of(make_schedule(what, 3, 7)));
  BOOST_TEST(text_of(make_schedule(what, 3, 7))
             != text_of(make_schedule(what, 3, 8)));
}

// A seed in a report must mean the same faults with every compiler, for ever.
BOOST_AUTO_TEST_CASE(a_seed_means_the_same_faults_everywhere) {
  random_faults what;
  what.events = 3;
  BOOST_TEST(text_of(make_schedule(what, 3, 1))
             == "1364 kill 0 625\n2885 pause 0 1003\n4388 kill 0 521\n");
}

BOOST_AUTO_TEST_CASE(a_site_has_one_fault_at_a_time) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    random_faults what;
    what.events = 50;
    std::map<std::size_t, cheops::scenario::milliseconds> busy_until;
    for (const auto& x : make_schedule(what, 3, seed)) {
      BOOST_TEST_CONTEXT("seed " << seed)
      BOOST_TEST(x.at.count() >= busy_until[x.site].count());
      busy_until[x.site] = x.at + x.lasts;
    }
  }
}

BOOST_AUTO_TEST_CASE(times_and_kinds_are_within_what_the_file_allows) {
  random_faults what;
  what.events = 200;
  what.kinds = {{fault_kind::cut}};
  what.lasts = {milliseconds{10}, milliseconds{20}};
  auto all = make_schedule(what, 5, 3);
  BOOST_TEST_REQUIRE(all.size() == 200);
  auto before = milliseconds{0};
  for (const auto& x : all) {
    BOOST_TEST((x.kind == fault_kind::cut));
    BOOST_TEST(x.site < 5U);
    BOOST_TEST((x.lasts >= milliseconds{10} && x.lasts <= milliseconds{20}));
    BOOST_TEST((x.at >= before));
    before = x.at;
  }
}

BOOST_AUTO_TEST_CASE(a_prolonged_load_has_more_faults_in_more_time) {
  cheops::scenario::scenario what;
  what.faults.emplace();
  what.workloads.resize(2);
  what.workloads[1].by_step = true;
  prolong(what, 10);
  BOOST_TEST(what.faults->events == 200U);
  BOOST_TEST(what.workloads[0].lasts.count() == 100'000);
  BOOST_TEST(what.workloads[1].lasts.count() == 10'000);
}

BOOST_AUTO_TEST_CASE(a_fault_between_two_sites_has_two_and_a_bounded_delay) {
  random_faults what;
  what.kinds = {{fault_kind::delay, 3}, {fault_kind::cut_one_way, 1}};
  auto delays = 0U;
  for (const auto& x : make_schedule(what, 3, 5)) {
    BOOST_TEST(x.peer != x.site);
    BOOST_TEST(x.peer < 3U);
    BOOST_TEST((x.by.count() > 0) == (x.kind == fault_kind::delay));
    BOOST_TEST(x.by.count() <= what.delay.to.count());
    delays += x.kind == fault_kind::delay ? 1 : 0;
  }
  BOOST_TEST(delays > 5U);
}
