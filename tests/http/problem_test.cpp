#include "cheops/percent.hpp"
#include "http/problem.hpp"
#include "http/text.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>

using namespace cheops;
using application::error_shape;

namespace {

const error cut_off{errc::unreachable, "no answer within 1 s", "Site2",
                    "connect", "see: cheops get links"};

std::string field(const http::problem& x, std::string_view name) {
  for (auto& [key, value] : x.fields)
    if (key == name)
      return value;
  return "(none)";
}

} // namespace

BOOST_AUTO_TEST_SUITE(problem)

BOOST_AUTO_TEST_CASE(plain_rest_reads_rfc_9457) {
  auto x = http::to_problem(cut_off, error_shape::problem, "Site1");
  BOOST_TEST(x.status == 503U);
  BOOST_TEST(x.type == "application/problem+json");
  std::string expected =
    R"x({"type":"urn:cheops:error:unreachable",)x"
    R"x("title":"A site cannot be reached","status":503,)x"
    R"x("detail":"no answer within 1 s","code":"unreachable",)x"
    R"x("site":"Site2","step":"connect","hint":"see: cheops get links"})x"
    "\n";
  BOOST_TEST(x.body == expected);
}

BOOST_AUTO_TEST_CASE(openstack_clients_read_all_of_it_in_the_message) {
  auto x = http::to_problem(cut_off, error_shape::openstack, "Site1");
  BOOST_TEST(x.type == "application/json");
  std::string expected =
    R"x({"error":{"code":503,"message":"site Site2, connect: )x"
    R"x(no answer within 1 s (see: cheops get links)",)x"
    R"x("title":"Service Unavailable"}})x"
    "\n";
  BOOST_TEST(x.body == expected);
}

BOOST_AUTO_TEST_CASE(kubernetes_clients_read_a_status_object) {
  auto x = http::to_problem(cut_off, error_shape::kubernetes, "Site1");
  BOOST_TEST(x.type == "application/json");
  // A raw string within a macro's arguments confuses g++ 12.
  std::string expected =
    R"x({"kind":"Status","apiVersion":"v1","metadata":{},)x"
    R"x("status":"Failure","message":"site Site2, connect: )x"
    R"x(no answer within 1 s (see: cheops get links)",)x"
    R"x("reason":"ServiceUnavailable","details":{"name":"Site2",)x"
    R"x("kind":"site","causes":[{"reason":"Cheops:unreachable",)x"
    R"x("message":"no answer within 1 s","field":"connect"}],)x"
    R"x("retryAfterSeconds":1},"code":503})x"
    "\n";
  BOOST_TEST(x.body == expected);
}

BOOST_AUTO_TEST_CASE(kubernetes_reasons_are_those_of_its_own_servers) {
  struct row {
    errc code;
    std::string_view reason;
  };
  for (auto& x :
       {row{errc::bad_scope, "BadRequest"}, row{errc::forbidden, "Forbidden"},
        row{errc::too_large, "RequestEntityTooLarge"},
        row{errc::timed_out, "Timeout"},
        row{errc::overloaded, "ServiceUnavailable"},
        row{errc::not_built, "InternalError"},
        row{errc::broken, "InternalError"}}) {
    auto p =
      http::to_problem({x.code, "x", "", "", ""}, error_shape::kubernetes, "S");
    auto body = boost::json::parse(p.body).as_object();
    BOOST_TEST(std::string_view{body["reason"].as_string()} == x.reason);
  }
}

BOOST_AUTO_TEST_CASE(fields_tell_our_errors_from_the_applications) {
  auto x = http::to_problem(cut_off, error_shape::problem, "Site1");
  BOOST_TEST(field(x, "Cheops-Error") == "unreachable");
  BOOST_TEST(field(x, "Cheops-Site") == "Site2");
  BOOST_TEST(field(x, "Cache-Control") == "no-store");
  BOOST_TEST(field(x, "Retry-After") == "1");
  auto y = http::to_problem({errc::bad_scope, "x", "", "", ""},
                            error_shape::problem, "Site1");
  BOOST_TEST(field(y, "Cheops-Site") == "Site1");
  BOOST_TEST(field(y, "Retry-After") == "(none)");
}

BOOST_AUTO_TEST_CASE(a_status_of_its_own_brings_its_own_title) {
  auto x = http::to_problem(431, {errc::too_large, "head", "", "", ""},
                            error_shape::problem, "Site1");
  BOOST_TEST(x.status == 431U);
  auto body = boost::json::parse(x.body).as_object();
  BOOST_TEST(std::string_view{body["title"].as_string()}
             == "Request Header Fields Too Large");
  BOOST_TEST(std::string_view{body["code"].as_string()} == "too-large");
}

BOOST_AUTO_TEST_CASE(what_strangers_wrote_cannot_break_body_or_head) {
  error x{errc::bad_scope,
          "quote \" backslash \\ line\r\nnul" + std::string(1, '\0')
            + " bad \xff\xc0\xaf" + std::string(1'000'000, 'a'),
          "S\r\nSet-Cookie: x=1", "s\x01tep", std::string(100'000, '\xff')};
  for (auto as : {error_shape::problem, error_shape::openstack,
                  error_shape::kubernetes}) {
    auto p = http::to_problem(x, as, "Site1");
    BOOST_TEST(p.body.size() < 16'384U);
    boost::system::error_code ec;
    (void) boost::json::parse(p.body, ec); // Refuses what is not UTF-8.
    BOOST_TEST(!ec);
    BOOST_TEST(field(p, "Cheops-Site") == "S??Set-Cookie: x=1");
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(cleaned_text_is_utf8_within_its_bound) {
  BOOST_TEST(http::clean_utf8("héllo", 100) == "héllo");
  BOOST_TEST(http::clean_utf8("a\xff"
                              "b",
                              100)
             == "a\xEF\xBF\xBD"
                "b");
  BOOST_TEST(http::clean_utf8("\xC0\xAF", 100) // Overlong '/'.
             == "\xEF\xBF\xBD\xEF\xBF\xBD");
  BOOST_TEST(http::clean_utf8("abcdef", 6) == "abcdef");
  BOOST_TEST(http::clean_utf8("abcdefg", 6) == "abc…");
  BOOST_TEST(http::clean_utf8("ab€", 4) == "a…");
  BOOST_TEST(http::clean_utf8("abc", 0) == "");
}

BOOST_AUTO_TEST_CASE(percent_encoding_round_trips) {
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  BOOST_TEST((percent_decoded(percent_encoded(all)) == all));
  BOOST_TEST(percent_encoded("New York/1") == "New%20York%2F1");
  for (auto bad : {"%", "%1", "%zz", "a%2"})
    BOOST_TEST(!percent_decoded(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()
