#define BOOST_TEST_MODULE scenario_variables
#include "support/boost_test.hpp"
#include "tools/scenario/variables.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace cheops::scenario;

namespace {

const variables known{{"site", "Site1"}, {"front.B", "127.0.0.1:1"}};

} // namespace

BOOST_AUTO_TEST_CASE(a_variable_becomes_its_value) {
  BOOST_TEST(expand("at ${site}: http://${front.B}/", known).value()
             == "at Site1: http://127.0.0.1:1/");
  BOOST_TEST(expand("", known).value().empty());
  BOOST_TEST(expand("a $ and a {brace}", known).value() == "a $ and a {brace}");
}

BOOST_AUTO_TEST_CASE(two_dollars_stand_for_the_text_itself) {
  BOOST_TEST(expand("$${site}", known).value() == "${site}");
}

BOOST_AUTO_TEST_CASE(a_value_is_not_expanded_again) {
  variables tricky{{"x", "${y}"}, {"y", "never"}};
  BOOST_TEST(expand("${x}", tricky).value() == "${y}");
}

BOOST_AUTO_TEST_CASE(an_unknown_variable_suggests_the_nearest) {
  auto wrong = expand("${sitte}", known);
  BOOST_TEST_REQUIRE(wrong.has_error());
  BOOST_TEST(wrong.error().hint == "did you mean \"site\"?");
}

BOOST_AUTO_TEST_CASE(a_variable_without_its_end_is_an_error) {
  BOOST_TEST(expand("${site", known).has_error());
}

BOOST_AUTO_TEST_CASE(every_text_of_a_body_is_expanded) {
  auto body = boost::json::parse(R"({"a": ["${site}", 1], "${site}": true})");
  BOOST_TEST(boost::json::serialize(expand_all(body, known).value())
             == R"({"a":["Site1",1],"Site1":true})");
}
