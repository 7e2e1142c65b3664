#define BOOST_TEST_MODULE planted
#include "cheops/planted.hpp"
#include "cheops/sim/run.hpp"
#include "support/boost_test.hpp"

#include <cstdlib>

using namespace cheops;

namespace {

/// Each mistake must be found within so many seeds. What is not optimised takes
/// ten times as long: there the test only shows that it can be built and run.
constexpr std::uint64_t seeds_max = 10'000;

bool is_slow() {
#ifdef __OPTIMIZE__
  return false;
#else
  return std::getenv("CHEOPS_TEST_LONG") == nullptr;
#endif
}

/// Some show only if elections come at the wrong moments.
sim::plan plan_for(bug x, std::uint64_t seed) {
  switch (x) {
  case bug::forget_vote:
    return sim::draw_hard(seed, sim::hard_on::votes);
  case bug::commit_old_term:
    return sim::draw_hard(seed, sim::hard_on::terms);
  case bug::read_without_round:
    return sim::draw_hard(seed, sim::hard_on::reads);
  default:
    return sim::draw(seed);
  }
}

std::string failure_of(bug x, const sim::plan& by) {
  planted_bug = x;
  auto out = sim::run(by).failure;
  planted_bug = bug::none;
  return out;
}

/// The first seed that finds it, and what it found; 0: none did.
std::pair<std::uint64_t, std::string> first_finding(bug x,
                                                    std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    if (auto what = failure_of(x, plan_for(x, seed)); !what.empty())
      return {seed, what};
  return {0, {}};
}

} // namespace

BOOST_AUTO_TEST_CASE(each_mistake_is_found) {
  for (std::size_t i = 1; i < bugs; ++i) {
    auto x = static_cast<bug>(i);
    auto [seed, what] = first_finding(x, is_slow() ? 5 : seeds_max);
    BOOST_TEST_MESSAGE(to_string(x) << ": " << what);
    if (!is_slow())
      BOOST_TEST(seed > 0U, to_string(x) << " was not found within "
                                         << seeds_max << " seeds");
    // It is the mistake that was found, and nothing else.
    if (seed > 0)
      BOOST_TEST(failure_of(bug::none, plan_for(x, seed)) == "",
                 to_string(x) << ", seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(without_a_mistake_nothing_is_found) {
  auto [seed, what] = first_finding(bug::none, is_slow() ? 20 : 500);
  BOOST_TEST(seed == 0U, what);
}
