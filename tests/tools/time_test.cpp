#define BOOST_TEST_MODULE tools_time
#include "cheops/text.hpp"
#include "support/boost_test.hpp"
#include "tools/time.hpp"

using namespace cheops::tools;
using namespace std::chrono_literals;
using std::chrono::system_clock;

BOOST_AUTO_TEST_CASE(times_are_rfc_3339_in_utc_and_read_back) {
  auto x = system_clock::from_time_t(1'800'000'000) + 42ms;
  BOOST_TEST(cheops::utc_ms(x) == "2027-01-15T08:00:00.042Z");
  BOOST_TEST((from_rfc3339(cheops::utc_ms(x))
              == system_clock::from_time_t(1'800'000'000)));
  BOOST_TEST(!from_rfc3339("2027-01-15T08:00:00+01:00").has_value());
  BOOST_TEST(!from_rfc3339("").has_value());
}

BOOST_AUTO_TEST_CASE(http_dates_are_understood) {
  BOOST_TEST((from_http_date("Fri, 15 Jan 2027 08:00:00 GMT")
              == system_clock::from_time_t(1'800'000'000)));
  BOOST_TEST(!from_http_date("2027-01-15").has_value());
}

BOOST_AUTO_TEST_CASE(ages_have_two_digits_or_so) {
  BOOST_TEST(age(-1s) == "0s");
  BOOST_TEST(age(119s) == "119s");
  BOOST_TEST(age(120s) == "2m");
  BOOST_TEST(age(119min) == "119m");
  BOOST_TEST(age(47h) == "47h");
  BOOST_TEST(age(48h) == "2d");
}

BOOST_AUTO_TEST_CASE(round_trips_are_rounded_for_people) {
  BOOST_TEST(rounded(312us) == "312us");
  BOOST_TEST(rounded(1234us) == "1.2ms");
  BOOST_TEST(rounded(2'500'000us) == "2.5s");
}
