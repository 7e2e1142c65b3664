#define BOOST_TEST_MODULE scenario_look
#include "support/boost_test.hpp"
#include "tools/scenario/look.hpp"

using cheops::scenario::metric_of;

BOOST_AUTO_TEST_CASE(a_metric_is_found_by_its_whole_name) {
  const auto* text = "# HELP a_total of a\n"
                     "a_total 3\n"
                     "a_total_more 4\n"
                     "b{peer=\"Site2\"} 1.5\n"
                     "b{peer=\"Site3\"} 2";
  BOOST_TEST(metric_of(text, "a_total").value() == 3);
  BOOST_TEST(metric_of(text, "b{peer=\"Site3\"}").value() == 2);
  BOOST_TEST(!metric_of(text, "b").has_value());
  BOOST_TEST(!metric_of(text, "a").has_value());
}
