#include "cheops/site/network.hpp"
#include "support/boost_test.hpp"

using namespace cheops::site;

BOOST_AUTO_TEST_SUITE(networks)

BOOST_AUTO_TEST_CASE(a_network_contains_what_shares_its_prefix) {
  struct {
    const char* network;
    const char* inside;
    const char* outside;
  } table[] = {{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
               {"10.128.0.0/9", "10.128.0.1", "10.127.255.255"},
               {"192.0.2.4/30", "192.0.2.7", "192.0.2.8"},
               {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
               {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
               {"0.0.0.0/0", "255.1.2.3", "::1"},
               {"fd00::/8", "fdff::1", "fe00::"},
               {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
               {"::1", "::1", "::2"},
               {"::/0", "ffff::", "localhost"}};
  for (const auto& x : table) {
    BOOST_TEST_CONTEXT(x.network) {
      BOOST_TEST(contains({x.network}, x.inside));
      BOOST_TEST(!contains({x.network}, x.outside));
    }
  }
}

BOOST_AUTO_TEST_CASE(ipv4_within_ipv6_is_the_same_address) {
  BOOST_TEST(contains({"10.0.0.0/8"}, "::ffff:10.1.2.3"));
  BOOST_TEST((to_ip("::ffff:127.0.0.1") == to_ip("127.0.0.1")));
  BOOST_TEST(is_loopback("::ffff:127.0.0.1"));
}

BOOST_AUTO_TEST_CASE(what_is_no_network_is_refused) {
  for (auto x : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                 "10.0.0.1/8", "10.0.0/8", "::/129", "fd00::1/8", "host",
                 "10.0.0.0/8 ", "10.0.0.0/08x", "256.0.0.0/8", "[::1]"})
    BOOST_TEST(!to_network(x), x);
}

BOOST_AUTO_TEST_CASE(none_of_no_networks_contains_anything) {
  BOOST_TEST(!contains({}, "127.0.0.1"));
  BOOST_TEST(!contains({"10.0.0.0/8"}, "a.dns.name"));
  BOOST_TEST(contains({"10.0.0.0/8", "::1"}, "::1"));
}

BOOST_AUTO_TEST_CASE(loopback_is_known_in_all_its_forms) {
  for (auto x : {"127.0.0.1", "127.255.0.9", "::1", "localhost", "LOCALHOST"})
    BOOST_TEST(is_loopback(x), x);
  for (auto x : {"", "0.0.0.0", "::", "128.0.0.1", "localhost.example"})
    BOOST_TEST(!is_loopback(x), x);
}

BOOST_AUTO_TEST_CASE(a_host_is_an_address_or_a_dns_name) {
  for (auto x : {"::1", "1.2.3.4", "a.example", "node-1", "a_b"})
    BOOST_TEST(is_host(x), x);
  for (auto x : {"", "a b", "a/b", "a:b", "[::1]", "a%20b", "a\n"})
    BOOST_TEST(!is_host(x), x);
  BOOST_TEST(!is_host(std::string(254, 'a')));
}

BOOST_AUTO_TEST_SUITE_END()
