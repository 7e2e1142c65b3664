#include "cheops/site/name.hpp"
#include "support/boost_test.hpp"

#include <string>

using namespace cheops::site;

BOOST_AUTO_TEST_SUITE(names_of_sites)

BOOST_AUTO_TEST_CASE(a_name_can_stand_wherever_names_stand) {
  for (const auto* x : {"Site1", "New York", "Zürich", "a.b-c_d", "...", "a*"})
    BOOST_TEST(is_name(x), x);
  for (const auto* x : {"", "*", ".", "..", "a/b", "../evil", "/etc", " a",
                        "a ", "a\nb", "a\tb", "\x7f"})
    BOOST_TEST(!is_name(x), x);
  BOOST_TEST(!is_name(std::string_view{"a\0b", 3}));
  BOOST_TEST(is_name(std::string(name_bytes_max, 'x')));
  BOOST_TEST(!is_name(std::string(name_bytes_max + 1, 'x')));
}

BOOST_AUTO_TEST_SUITE_END()
