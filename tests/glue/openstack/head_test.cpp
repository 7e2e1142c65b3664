#include "glue/openstack/head.hpp"
#include "support/boost_test.hpp"

#include <vector>

using namespace cheops;
using namespace cheops::glue::openstack;

namespace {

constexpr auto id = "req-0af76519-16cd-43dd-8448-eb211c80319c";

seen look_at(const std::vector<traffic::field>& fields) {
  return look({"GET", "/", fields});
}

} // namespace

BOOST_AUTO_TEST_SUITE(heads)

BOOST_AUTO_TEST_CASE(the_fields_that_matter_are_found_in_any_case) {
  auto x = look_at({{"host", "h"},
                    {"x-auth-token", "a"},
                    {"X-SUBJECT-TOKEN", "s"},
                    {"X-Service-Token", "v"},
                    {"X-OpenStack-Request-ID", id}});
  BOOST_TEST(x.host == "h");
  BOOST_TEST(x.auth == "a");
  BOOST_TEST(x.subject == "s");
  BOOST_TEST(x.has_service);
  BOOST_TEST(x.id == id);
  BOOST_TEST(!x.twice);
}

BOOST_AUTO_TEST_CASE(a_token_or_id_given_twice_is_noticed) {
  BOOST_TEST(look_at({{"X-Auth-Token", "a"}, {"x-auth-token", "a"}}).twice);
  BOOST_TEST(look_at({{"X-Subject-Token", ""}, {"X-Subject-Token", ""}}).twice);
  BOOST_TEST(
    look_at({{"X-Openstack-Request-Id", "x"}, {"X-Openstack-Request-Id", "y"}})
      .twice);
  BOOST_TEST(!look_at({{"Accept", "a"}, {"Accept", "b"}}).twice);
}

BOOST_AUTO_TEST_CASE(only_ids_that_services_keep_count) {
  BOOST_TEST(is_request_id(id));
  for (auto x : {"", "req-", "0af76519-16cd-43dd-8448-eb211c80319c",
                 "req-0af76519-16cd-43dd-8448-eb211c80319", //
                 "req-0AF76519-16cd-43dd-8448-eb211c80319c",
                 "req-0af7651916cd-43dd-8448-eb211c80319ca",
                 "req-0af76519-16cd-43dd-8448-eb211c80319c "})
    BOOST_TEST(!is_request_id(x), x);
  BOOST_TEST(look_at({{"X-Openstack-Request-Id", "mine"}}).id.empty());
}

BOOST_AUTO_TEST_CASE(the_paths_of_tokens_are_known_below_any_base) {
  BOOST_TEST((base_of_tokens("/v3/auth/tokens").data() != nullptr));
  BOOST_TEST(base_of_tokens("/identity/v3/auth/tokens/?nocatalog")
             == "/identity");
  BOOST_TEST((base_of_tokens("/v3/auth/tokens/x").data() == nullptr));
  BOOST_TEST((base_of_tokens("/v3/auth/token").data() == nullptr));
}

BOOST_AUTO_TEST_CASE(servers_and_their_makers_are_known) {
  BOOST_TEST(server_of("/v2.1/servers/abc/action?x=/servers/no") == "abc");
  BOOST_TEST(server_of("/compute/v2.1/servers/abc") == "abc");
  BOOST_TEST(server_of("/v2.1/servers").empty());
  BOOST_TEST(server_of("/v2.1/os-servers/abc").empty());
  BOOST_TEST(makes_server("POST", "/v2.1/servers"));
  BOOST_TEST(makes_server("POST", "/v2.1/os-volumes_boot/"));
  BOOST_TEST(!makes_server("GET", "/v2.1/servers"));
  BOOST_TEST(!makes_server("POST", "/v2.1/servers/abc/action"));
  BOOST_TEST(device_of("/v2.0/ports?fields=id&device_id=abc&x") == "abc");
  BOOST_TEST(device_of("/v2.0/ports?not_device_id=abc").empty());
  BOOST_TEST(device_of("/v2.0/ports").empty());
}

BOOST_AUTO_TEST_CASE(clients_look_for_links_at_roots_and_versions) {
  for (auto x : {"", "/", "/v3/", "/v2.1", "/identity", "/identity/",
                 "/identity/v3", "/volume/v3/?x"})
    BOOST_TEST(is_discovery("GET", x), x);
  BOOST_TEST(!is_discovery("POST", "/v3"));
  for (auto x : {"/v3/users", "/identity/v3/users", "/v3/users/v3", "/a/vms"})
    BOOST_TEST(!is_discovery("GET", x), x);
}

BOOST_AUTO_TEST_SUITE_END()
