#define BOOST_TEST_MODULE sim
#include "cheops/sim/run.hpp"
#include "support/boost_test.hpp"

#include <cstdlib>

using namespace cheops;

namespace {

/// What is not optimised, or sanitized, takes ten times as long and more.
std::uint64_t seeds() {
  if (std::getenv("CHEOPS_TEST_LONG") != nullptr)
    return 100'000;
#ifdef __OPTIMIZE__
  return 10'000;
#else
  return 100;
#endif
}

} // namespace

BOOST_AUTO_TEST_CASE(a_calm_world_does_all_that_it_is_asked_for) {
  std::uint64_t requests = 0;
  std::uint64_t done = 0;
  for (std::uint64_t seed = 1; seed <= seeds() / 10; ++seed) {
    auto x = sim::run(sim::draw_calm(seed));
    BOOST_TEST_REQUIRE(x.failure == "");
    requests += x.requests;
    done += x.done;
  }
  // The rest is what must be refused: changes of what was deleted or changed.
  BOOST_TEST(done > requests / 2);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_or_done_twice_whatever_goes_wrong) {
  std::uint64_t requests = 0;
  std::uint64_t done = 0;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    auto x = sim::run(sim::draw(seed));
    BOOST_TEST_REQUIRE(x.failure == "");
    requests += x.requests;
    done += x.done;
  }
  // The faults were there, and did not stop everything.
  BOOST_TEST(done > requests / 4);
  BOOST_TEST(done < requests * 3 / 4);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_where_elections_come_one_upon_another) {
  for (auto what :
       {sim::hard_on::votes, sim::hard_on::terms, sim::hard_on::reads})
    for (std::uint64_t seed = 1; seed <= seeds() / 10; ++seed)
      BOOST_TEST_REQUIRE(sim::run(sim::draw_hard(seed, what)).failure == "");
}

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_run_again) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto a = sim::run(sim::draw(seed), true);
    auto b = sim::run(sim::draw(seed), true);
    BOOST_TEST_REQUIRE(a.story == b.story, "seed " << seed);
    BOOST_TEST(a.steps == b.steps);
    BOOST_TEST(a.story.size() > 1000U);
    // Whether the story is told makes no difference to what happens.
    BOOST_TEST(sim::run(sim::draw(seed)).steps == a.steps);
  }
}
