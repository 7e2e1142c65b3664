#define BOOST_TEST_MODULE scenario_match
#include "support/boost_test.hpp"
#include "tools/scenario/match.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace cheops::scenario;

namespace {

matcher rule(matcher::how kind, boost::json::value value = nullptr) {
  return {kind, std::move(value)};
}

observation answer(unsigned status, std::string body) {
  observation x;
  x.status = status;
  x.body = std::move(body);
  return x;
}

bool is(matcher::how kind, boost::json::value want, boost::json::value actual) {
  return holds(rule(kind, std::move(want)), &actual);
}

} // namespace

BOOST_AUTO_TEST_CASE(numbers_are_equal_whatever_their_kind) {
  using how = matcher::how;
  BOOST_TEST(is(how::equals, 1, 1U));
  BOOST_TEST(is(how::equals, 1, 1.0));
  BOOST_TEST(!is(how::equals, 1, "1"));
  BOOST_TEST(!is(how::equals, 1, 2));
}

BOOST_AUTO_TEST_CASE(contains_looks_into_texts_and_lists) {
  using how = matcher::how;
  BOOST_TEST(is(how::contains, "b2", "bar b2 not found"));
  BOOST_TEST(is(how::contains, "b2", boost::json::array{"b1", "b2"}));
  BOOST_TEST(!is(how::contains, "b3", boost::json::array{"b1", "b2"}));
  BOOST_TEST(is(how::excludes, "b3", "bar b2"));
  BOOST_TEST(!is(how::excludes, "b2", "bar b2"));
}

BOOST_AUTO_TEST_CASE(bounds_hold_for_numbers_alone) {
  using how = matcher::how;
  BOOST_TEST(is(how::at_least, 3, 3));
  BOOST_TEST(!is(how::at_least, 3, 2));
  BOOST_TEST(is(how::at_most, 3, 3));
  BOOST_TEST(!is(how::at_most, 3, "2"));
}

BOOST_AUTO_TEST_CASE(absent_holds_only_where_there_is_nothing) {
  boost::json::value something = 1;
  BOOST_TEST(holds(rule(matcher::how::absent), nullptr));
  BOOST_TEST(!holds(rule(matcher::how::absent), &something));
  BOOST_TEST(holds(rule(matcher::how::exists), &something));
  BOOST_TEST(!holds(rule(matcher::how::exists), nullptr));
}

BOOST_AUTO_TEST_CASE(an_expectation_without_status_takes_any_answer) {
  BOOST_TEST(compare(expectation{}, answer(500, "")).empty());
}

BOOST_AUTO_TEST_CASE(each_thing_that_is_not_as_expected_is_told) {
  expectation want;
  want.status = {200, 201};
  want.body = {{"/name", rule(matcher::how::equals, "b1")},
               {"/none", rule(matcher::how::exists)}};
  want.headers = {{"Location", rule(matcher::how::exists)}};
  auto wrong = compare(want, answer(404, R"({"name": "b2"})"));
  BOOST_TEST_REQUIRE(wrong.size() == 4);
  BOOST_TEST(wrong[0].what == "status");
  BOOST_TEST(wrong[0].expected == "200 or 201");
  BOOST_TEST(wrong[1].what == "header Location");
  BOOST_TEST(wrong[2].what == "body /name");
  BOOST_TEST(wrong[2].actual == R"("b2")");
  BOOST_TEST(wrong[3].what == "body /none");
}

BOOST_AUTO_TEST_CASE(a_body_that_is_not_json_has_no_members) {
  expectation want;
  want.body = {{"/name", rule(matcher::how::absent)}};
  BOOST_TEST(compare(want, answer(200, "<html>")).size() == 1);
}

BOOST_AUTO_TEST_CASE(no_answer_is_a_mismatch_unless_it_was_expected) {
  observation seen;
  seen.failure = error{errc::unreachable, "refused", "", "", ""};
  BOOST_TEST(compare(expectation{}, seen).size() == 1);
  expectation want;
  want.no_answer = true;
  BOOST_TEST(compare(want, seen).empty());
  BOOST_TEST(compare(want, answer(200, "")).size() == 1);
}

BOOST_AUTO_TEST_CASE(an_error_of_cheops_is_told_by_its_fields) {
  expectation want;
  want.error_code = "unreachable";
  want.error_site = "Site2";
  auto seen = answer(503, "{}");
  BOOST_TEST(compare(want, seen).size() == 2);
  seen.fields = {{"cheops-error", "unreachable"}, {"cheops-site", "Site2"}};
  BOOST_TEST(compare(want, seen).empty());
}

BOOST_AUTO_TEST_CASE(what_takes_longer_than_the_story_allows_is_a_mismatch) {
  expectation want;
  want.within = milliseconds{3000};
  auto seen = answer(200, "");
  seen.took = milliseconds{3000};
  BOOST_TEST(compare(want, seen).empty());
  seen.took = milliseconds{3001};
  BOOST_TEST(compare(want, seen).size() == 1);
}

BOOST_AUTO_TEST_CASE(calls_are_proved_by_the_journals) {
  auto seen = answer(200, "");
  seen.calls = {{"Site2", "ServiceB", "GET", "/bars?name=b2", 200}};
  expectation want;
  want.calls = {{"Site2", "ServiceB", "GET", "/bars"}};
  want.no_calls = {{"Site1", "", "", ""}};
  BOOST_TEST(compare(want, seen).empty());
  want.calls = {{"Site2", "ServiceB", "POST", ""}};
  want.no_calls = {{"Site2", "", "", ""}};
  BOOST_TEST(compare(want, seen).size() == 2);
}

BOOST_AUTO_TEST_CASE(a_journal_that_was_not_read_proves_no_absence) {
  auto seen = answer(200, "");
  seen.unread = {"Site1"};
  expectation want;
  want.no_calls = {{"Site1", "", "", ""}};
  BOOST_TEST(compare(want, seen).size() == 1);
  want.no_calls = {{"Site2", "", "", ""}};
  BOOST_TEST(compare(want, seen).empty());
}

BOOST_AUTO_TEST_CASE(memory_that_grew_too_far_is_told_by_site) {
  auto seen = answer(200, "");
  seen.memory_growth = {{"Site1", 10}, {"Site2", 1000}};
  expectation want;
  want.memory_growth_at_most = 100;
  auto wrong = compare(want, seen);
  BOOST_TEST_REQUIRE(wrong.size() == 1);
  BOOST_TEST(wrong[0].what == "memory of the node at Site2");
}

BOOST_AUTO_TEST_CASE(a_capture_comes_from_the_body_or_a_header) {
  auto seen = answer(201, R"({"id": "x1", "count": 3})");
  seen.fields = {{"Location", "/bars/x1"}};
  BOOST_TEST(captured("/id", seen).value() == "x1");
  BOOST_TEST(captured("/count", seen).value() == "3");
  BOOST_TEST(captured("header location", seen).value() == "/bars/x1");
  BOOST_TEST(captured("/none", seen).has_error());
  BOOST_TEST(captured("header ETag", seen).has_error());
}
