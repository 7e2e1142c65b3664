#include "glue/kubernetes/rights.hpp"
#include "support/boost_test.hpp"

using namespace cheops::glue::kubernetes;

BOOST_AUTO_TEST_SUITE(kubernetes_rights)

BOOST_AUTO_TEST_CASE(a_review_asks_for_one_right) {
  BOOST_TEST(review_of({"impersonate", "", "users"})
             == R"({"apiVersion":"authorization.k8s.io/v1",)"
                R"("kind":"SelfSubjectAccessReview",)"
                R"("spec":{"resourceAttributes":{"verb":"impersonate",)"
                R"("group":"","resource":"users"}}})");
  BOOST_TEST(to_string(right{"impersonate", "", "users"})
             == "impersonate users");
  BOOST_TEST(needed_rights().size() == 5U);
}

BOOST_AUTO_TEST_CASE(an_answer_says_yes_or_no_or_nothing) {
  BOOST_TEST((allowed_by(R"({"status":{"allowed":true}})") == true));
  BOOST_TEST((allowed_by(R"({"status":{"allowed":false}})") == false));
  for (auto x : {"", "{}", "[]", R"({"status":{}})", R"({"status":"x"})",
                 R"({"status":{"allowed":"true"}})"})
    BOOST_TEST(!allowed_by(x).has_value(), x);
}

BOOST_AUTO_TEST_SUITE_END()
