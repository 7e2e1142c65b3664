#include "glue/quantity.hpp"
#include "support/boost_test.hpp"

using namespace cheops::glue;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(quantity)

BOOST_AUTO_TEST_CASE(durations_have_a_unit) {
  BOOST_TEST((to_duration("250us") == 250us));
  BOOST_TEST((to_duration("50ms") == 50ms));
  BOOST_TEST((to_duration("1.5s") == 1500ms));
  BOOST_TEST((to_duration("2m") == 2min));
  BOOST_TEST((to_duration("2 m") == 2min));
  BOOST_TEST((to_duration("0s") == 0s));
  for (auto x : {"", "5", "s", "-1s", "1  s", "1 ", "1d", "1e3s", "1..5s", ".",
                 "999999999999999h", "1sx"})
    BOOST_TEST(!to_duration(x), x);
}

BOOST_AUTO_TEST_CASE(sizes_have_binary_units_or_none) {
  BOOST_TEST((to_size("0") == 0U));
  BOOST_TEST((to_size("512") == 512U));
  BOOST_TEST((to_size("17B") == 17U));
  BOOST_TEST((to_size("64KiB") == 65536U));
  BOOST_TEST((to_size("64 KiB") == 65536U));
  BOOST_TEST((to_size("3MiB") == 3U << 20));
  for (auto x : {"", "KiB", "-1", "1KB", "1  KiB", "1.5KiB",
                 "18446744073709551616", "18446744073709551615GiB"})
    BOOST_TEST(!to_size(x), x);
}

BOOST_AUTO_TEST_CASE(the_printed_form_reads_back) {
  for (auto x : {0us, 1us, 1000us, 1500us, 60'000'000us, 7'200'000'000us})
    BOOST_TEST((to_duration(to_text(x)) == x), to_text(x));
  for (auto x : {0ULL, 1ULL, 1024ULL, 1025ULL, 3ULL << 20, 1ULL << 40})
    BOOST_TEST((to_size(size_text(x)) == x), size_text(x));
  BOOST_TEST(to_text(60s) == "1m");
  BOOST_TEST(size_text(65536) == "64KiB");
}

BOOST_AUTO_TEST_SUITE_END()
