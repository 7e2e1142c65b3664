#include "glue/connector_answer.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::glue;
using replicant::finding;

namespace {

finding judged(unsigned status, std::string_view body, std::string wanted,
               std::string* id = nullptr, std::string pointer = "/id") {
  auto x = judge_probe(status, body, {std::move(wanted), std::move(pointer)});
  if (id != nullptr)
    *id = x.local_id;
  return x.what;
}

} // namespace

BOOST_AUTO_TEST_SUITE(connector_answer)

BOOST_AUTO_TEST_CASE(the_id_stands_where_the_description_says) {
  BOOST_TEST(local_id_in(R"({"id":"x1"})", "/id", "") == "x1");
  BOOST_TEST(local_id_in(R"({"server":{"id":17}})", "/server/id", "") == "17");
  BOOST_TEST(local_id_in(R"({"id":{}})", "/id", "") == "");
}

BOOST_AUTO_TEST_CASE(without_an_id_in_the_body_the_location_has_it) {
  BOOST_TEST(local_id_in("", "/id", "http://h/things/x1") == "x1");
  BOOST_TEST(local_id_in("no json", "/id", "/things/x1/?a=b/c") == "x1");
  BOOST_TEST(local_id_in("{}", "/id", "") == "");
}

BOOST_AUTO_TEST_CASE(a_probe_finds_the_resource_itself) {
  std::string id;
  BOOST_TEST((judged(200, R"({"id":"x1","name":"a"})", R"({"name":"a"})", &id)
              == finding::found));
  BOOST_TEST(id == "x1");
  BOOST_TEST((judged(200, R"({"id":"x1","name":"b"})", R"({"name":"a"})")
              == finding::absent));
  BOOST_TEST((judged(200, R"({"id":"x1"})", "") == finding::found));
}

BOOST_AUTO_TEST_CASE(a_probe_finds_one_of_a_list) {
  std::string id;
  constexpr auto list =
    R"([{"id":"x1","m":{"k":1,"l":2}},{"id":"x2","m":{"k":2}}])";
  BOOST_TEST((judged(200, list, R"({"m":{"k":1}})", &id) == finding::found));
  BOOST_TEST(id == "x1");
  BOOST_TEST((judged(200, list, R"({"m":{"k":3}})") == finding::absent));
  BOOST_TEST((judged(200, R"({"things":[{"id":"x3","n":"a"}]})", R"({"n":"a"})",
                     &id, "/thing/id")
              == finding::found));
  BOOST_TEST(id == "x3");
  BOOST_TEST(
    (judged(200, R"({"things":[]})", R"({"n":"a"})") == finding::absent));
}

BOOST_AUTO_TEST_CASE(what_does_not_tell_is_no_finding) {
  std::string id;
  BOOST_TEST(
    (judged(200, R"([{"id":"1","n":1},{"id":"2","n":1}])", R"({"n":1})", &id)
     == finding::nothing));
  BOOST_TEST(id.empty());
  BOOST_TEST((judged(200, "no json", R"({"n":1})") == finding::nothing));
  BOOST_TEST((judged(503, R"({"id":"1"})", "") == finding::nothing));
  BOOST_TEST((judged(401, "{}", "") == finding::nothing));
}

BOOST_AUTO_TEST_CASE(what_is_not_found_is_absent) {
  BOOST_TEST((judged(404, "whatever", R"({"n":1})") == finding::absent));
  BOOST_TEST((judged(410, "", "") == finding::absent));
}

BOOST_AUTO_TEST_SUITE_END()
