#define BOOST_TEST_MODULE tools_url
#include "support/boost_test.hpp"
#include "tools/cli/url.hpp"

using namespace cheops::cli;

namespace {

const std::vector<front_url> fronts{
  {"Compute", {"Nova"}, "http://127.0.0.1:8774"},
  {"Image", {"Glance"}, "https://127.0.0.1:9292/"},
};

} // namespace

BOOST_AUTO_TEST_CASE(a_scope_stands_behind_the_host_and_before_the_path) {
  BOOST_TEST(with_scope("http://h:1", "Site2") == "http://h:1/scope/U2l0ZTI");
  BOOST_TEST(with_scope("http://h:1/", "Site2") == "http://h:1/scope/U2l0ZTI");
  BOOST_TEST(with_scope("http://h:1/", "") == "http://h:1");
}

BOOST_AUTO_TEST_CASE(fronts_are_found_by_name_or_alias_in_any_case) {
  BOOST_TEST(find_front(fronts, "nova") == &fronts[0]);
  BOOST_TEST(find_front(fronts, "IMAGE") == &fronts[1]);
  BOOST_TEST(!find_front(fronts, "Network"));
}

BOOST_AUTO_TEST_CASE(marks_of_the_environment_are_replaced) {
  BOOST_TEST(expand("{url:Nova}/v2.1", fronts, "S").text
             == "http://127.0.0.1:8774/scope/Uw/v2.1");
  BOOST_TEST(expand("{url:Glance}/v2", fronts, "").text
             == "https://127.0.0.1:9292/v2");
  BOOST_TEST(expand("a{scope}b{scope64}c", fronts, "S").text == "aSbUwc");
}

BOOST_AUTO_TEST_CASE(a_service_stays_below_the_path_that_it_had) {
  auto was = [](const char* old) {
    return expand("{url:Nova}/v3", fronts, "S", old).text;
  };
  for (auto old : {"http://10.0.0.1/identity", "http://10.0.0.1/identity/v3/",
                   "https://k:1/scope/AAAA/identity/v3"})
    BOOST_TEST(was(old) == "http://127.0.0.1:8774/scope/Uw/identity/v3");
  for (auto old : {"", "x", "http://k", "http://k:1/v3", "http://k/",
                   "http://k/scope/AAAA/v3"})
    BOOST_TEST(was(old) == "http://127.0.0.1:8774/scope/Uw/v3", old);
}

BOOST_AUTO_TEST_CASE(other_braces_stay_as_they_are) {
  BOOST_TEST(expand("{\"s\": \"{scope}\"} {", fronts, "S").text
             == "{\"s\": \"S\"} {");
  BOOST_TEST(expand("{}", fronts, "S").text == "{}");
}

BOOST_AUTO_TEST_CASE(a_service_without_a_front_is_named) {
  BOOST_TEST(expand("{url:Network}", fronts, "S").missing == "Network");
  BOOST_TEST(expand("{url:Nova}", fronts, "S").missing == "");
}
