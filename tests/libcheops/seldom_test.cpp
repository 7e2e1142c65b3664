#define BOOST_TEST_MODULE seldom
#include "cheops/seldom.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(the_first_is_told_and_the_rest_once_in_a_while) {
  seldom x{1min};
  BOOST_TEST(x.count(5s) == 1U);
  BOOST_TEST(x.count(6s) == 0U);
  BOOST_TEST(x.count(64s) == 0U);
  BOOST_TEST(x.count(65s) == 3U);
  BOOST_TEST(x.count(66s) == 0U);
  BOOST_TEST(x.count(10min) == 2U);
}

BOOST_AUTO_TEST_CASE(the_first_is_told_whenever_the_clock_began) {
  seldom x{1min};
  BOOST_TEST(x.count(-1h) == 1U);
  BOOST_TEST(x.count(-1h) == 0U);
}
