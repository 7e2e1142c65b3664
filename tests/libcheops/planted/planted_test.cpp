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

/// The first seed that finds it, and what it found; 0: none did.
std::pair<std::uint64_t, std::string> first_finding(bug x,
                                                    std::uint64_t seeds) {
  planted_bug = x;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    if (auto out = sim::run(sim::draw(seed)); !out.failure.empty()) {
      planted_bug = bug::none;
      return {seed, out.failure};
    }
  planted_bug = bug::none;
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
  }
}

BOOST_AUTO_TEST_CASE(without_a_mistake_nothing_is_found) {
  auto [seed, what] = first_finding(bug::none, is_slow() ? 20 : 500);
  BOOST_TEST(seed == 0U, what);
}
