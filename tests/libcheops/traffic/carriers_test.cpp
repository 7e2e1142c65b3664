#include "cheops/traffic/carriers.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

#include <vector>

using namespace cheops;
using namespace cheops::traffic;

namespace {

constexpr auto parent = "00-0af7651916cd43dd8448eb211c80319c-"
                        "b7ad6b7169203331-01";

marks marks_of(const std::vector<field>& fields) {
  return find_marks({"GET", "/", fields});
}

} // namespace

BOOST_AUTO_TEST_SUITE(carriers)

// RFC 4648, section 10, without padding; the last two: the two characters
// that set base64url apart.
BOOST_AUTO_TEST_CASE(base64url_is_as_the_rfc_has_it) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg"},
                                                         {"fo", "Zm8"},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg"},
                                                         {"fooba", "Zm9vYmE"},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xfb", "-w"},
                                                         {"\xff", "_w"}};
  for (const auto& [text, coded] : vectors)
    BOOST_TEST(base64url(text) == coded);
}

BOOST_AUTO_TEST_CASE(base64url_of_any_bytes_comes_back) {
  BOOST_TEST(rc::check([](const std::string& x) {
    auto y = from_base64url(base64url(x));
    RC_ASSERT(y.has_value());
    RC_ASSERT(*y == x);
  }));
}

BOOST_AUTO_TEST_CASE(what_is_not_base64url_is_refused) {
  for (auto x : {"a", "ab+/", "ab cd", "AB%20", "aaaaa", "ab\n"})
    BOOST_TEST(!from_base64url(x), x);
  // The spare bits of the last digit must be zero: one text, one meaning.
  BOOST_TEST(from_base64url("QQ").value() == "A");
  BOOST_TEST(!from_base64url("QQ==")); // Padded.
  BOOST_TEST(!from_base64url("QR"));
}

BOOST_AUTO_TEST_CASE(a_prefix_is_taken_off_the_target) {
  auto code = base64url("{A: S1}");
  struct {
    std::string target, left;
  } table[] = {{"/scope/" + code + "/foos/1?x=y", "/foos/1?x=y"},
               {"/scope/" + code, "/"},
               {"/scope/" + code + "/", "/"},
               {"/scope/" + code + "?x=y", "/?x=y"}};
  for (const auto& row : table) {
    auto x = take_prefix(row.target);
    BOOST_REQUIRE(x.has_value());
    BOOST_REQUIRE(x->has_value());
    BOOST_TEST((*x)->scope == "{A: S1}");
    BOOST_TEST((*x)->target == row.left);
  }
  BOOST_TEST(!take_prefix("/scopes/abc"));
  BOOST_TEST(!take_prefix("/foo/scope/abc"));
}

BOOST_AUTO_TEST_CASE(a_prefix_that_cannot_be_read_is_an_error_not_no_scope) {
  for (auto x : {"/scope/", "/scope//foos", "/scope/a+b/foos"}) {
    auto out = take_prefix(x);
    BOOST_REQUIRE(out.has_value());
    BOOST_TEST(!out->has_value(), x);
    BOOST_TEST((out->error().code == errc::bad_scope));
  }
}

BOOST_AUTO_TEST_CASE(a_trace_id_is_read_from_valid_fields_only) {
  BOOST_TEST(trace_id(parent) == "0af7651916cd43dd8448eb211c80319c");
  for (auto x : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                 "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                 "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                 "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                 "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                 "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                 "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01"})
    BOOST_TEST(trace_id(x).empty(), x);
  BOOST_TEST(!trace_id("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
                       "01-later")
                .empty());
}

BOOST_AUTO_TEST_CASE(baggage_carries_any_scope_beside_other_members) {
  BOOST_TEST(rc::check([](const std::string& scope) {
    auto field = with_baggage_scope("a=1;p=q, cheops.scope=old , b=2", scope);
    RC_ASSERT(baggage_scope(field) == scope);
    RC_ASSERT(field.find("a=1;p=q") != std::string::npos);
    RC_ASSERT(field.find("b=2") != std::string::npos);
    RC_ASSERT(field.find("old") == std::string::npos);
  }));
  BOOST_TEST(baggage_scope("a=cheops.scope=x").empty());
  BOOST_TEST(baggage_scope("cheops.scope").empty());
  BOOST_TEST(baggage_scope(" cheops.scope = %7BA%3A%20S1%7D ;x=y")
             == "{A: S1}");
}

BOOST_AUTO_TEST_CASE(the_former_trace_stands_first_and_once) {
  BOOST_TEST(with_former_trace("", "id") == "cheops=id");
  BOOST_TEST(with_former_trace("a=1, cheops=old,b=2", "id")
             == "cheops=id,a=1,b=2");
}

BOOST_AUTO_TEST_CASE(a_credential_is_the_first_that_services_pass_on) {
  auto digest = [](const std::vector<field>& x) {
    return credential_digest(marks_of(x), "", 7);
  };
  BOOST_TEST(digest({}) == 0U);
  auto andy = digest({{"Authorization", "Bearer andy"}});
  BOOST_TEST(andy != digest({{"Authorization", "Bearer bo"}}));
  BOOST_TEST(andy != digest({{"X-Auth-Token", "Bearer andy"}}));
  BOOST_TEST(andy
             == digest({{"cookie", "c"}, {"authorization", "Bearer andy"}}));
  BOOST_TEST(credential_digest(marks_of({{"authorization", "x"}}), "", 1)
             != credential_digest(marks_of({{"authorization", "x"}}), "", 2));
}

BOOST_AUTO_TEST_CASE(the_first_field_of_a_name_counts_and_scopes_are_counted) {
  auto x = marks_of({{"scope", "1"}, {"SCOPE", "2"}, {"Baggage", "b"}});
  BOOST_TEST(x.scope_count == 2U);
  BOOST_TEST(x.baggage == "b");
}

BOOST_AUTO_TEST_SUITE_END()
