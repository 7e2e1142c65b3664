#define BOOST_TEST_MODULE mesh
#include "cheops/mesh/view.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(an_address_round_trips) {
  for (auto text : {"127.0.0.1:80", "[::1]:8080", "node.example:65535"}) {
    auto x = mesh::to_address(text);
    BOOST_REQUIRE(x);
    BOOST_TEST(mesh::to_string(*x) == text);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_an_address_is_refused) {
  for (auto text : {"", ":", ":80", "host", "host:", "host:65536", "host:-1",
                    "::1:80", "a b:80", "host:80x", "[]:80"})
    BOOST_TEST(!mesh::to_address(text), text);
}

BOOST_AUTO_TEST_CASE(a_round_trip_is_the_larger_of_both_measurements) {
  mesh::view v;
  site_id a{"A"}, b{"B"}, c{"C"};
  v.self = a;
  v.sites.resize(2);
  v.sites[0].name = a;
  v.sites[0].round_trips[b] = 10ms;
  v.sites[1].name = b;
  v.sites[1].round_trips[a] = 12ms;
  BOOST_TEST((v.round_trip(a, b) == 12ms));
  BOOST_TEST((v.round_trip(b, a) == 12ms));
  BOOST_TEST((v.round_trip(a, a) == 0ms));
  BOOST_TEST(!v.round_trip(a, c));
}
