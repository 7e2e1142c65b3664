#include "glue/registry.hpp"
#include "support/boost_test.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::application;

namespace {

const description& openstack() {
  static const auto x = glue::load_description(
    CHEOPS_SOURCE_DIR "/glue/applications/openstack.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  return *x;
}

/// A request as clients and services of Zed send it, and what it is about.
struct sent {
  std::string_view service;
  std::string_view method;
  std::string_view target;
  std::string_view kind; ///< Empty: no resource.
  verb does;
  std::string_view id;
};

constexpr std::string_view server = "d4cf2dba-2d26-4b0c-a4c0-9d3a3c2fbd8f";

const sent requests[] = {
  // What `openstack server create` makes the services say.
  {"identity", "POST", "/v3/auth/tokens", "token", verb::create, ""},
  {"Keystone", "GET", "/v3/auth/tokens", "token", verb::read, ""},
  {"Keystone", "GET", "/v3/auth/tokens?nocatalog", "token", verb::read, ""},
  {"Keystone", "POST", "/identity/v3/auth/tokens", "token", verb::create, ""},
  {"compute", "POST", "/v2.1/servers", "server", verb::create, ""},
  {"Nova", "GET", "/v2.1/servers/d4cf2dba-2d26-4b0c-a4c0-9d3a3c2fbd8f",
   "server", verb::read, server},
  {"Nova", "GET", "/v2.1/flavors/m1.nano", "flavor", verb::read, "m1.nano"},
  {"Nova", "GET", "/v2.1/flavors?is_public=None", "flavor", verb::list, ""},
  {"Glance", "GET", "/v2/images/6b2e", "image", verb::read, "6b2e"},
  {"image", "GET", "/v2/images?name=cirros", "image", verb::list, ""},
  {"Glance", "GET", "/v2/schemas/image", "schema", verb::read, "image"},
  {"Glance", "GET", "/", "", verb::read, ""},
  {"Glance", "GET", "/v2/schemas", "", verb::read, ""},
  {"network", "GET", "/v2.0/networks?id=7c", "network", verb::list, ""},
  {"Neutron", "GET", "/v2.0/networks/7c?fields=segments", "network", verb::read,
   "7c"},
  {"Neutron", "GET", "/v2.0/quotas/5a", "quota", verb::read, "5a"},
  {"Neutron", "GET", "/v2.0/ports?tenant_id=5a&fields=id", "port", verb::list,
   ""},
  {"Neutron", "POST", "/v2.0/ports", "port", verb::create, ""},
  {"Neutron", "PUT", "/v2.0/ports/91", "port", verb::update, "91"},
  {"Neutron", "GET", "/v2.0/extensions", "extension", verb::list, ""},
  {"placement", "GET", "/allocation_candidates?limit=1000&resources=VCPU%3A1",
   "candidate", verb::list, ""},
  {"Placement", "PUT", "/allocations/d4cf2dba-2d26-4b0c-a4c0-9d3a3c2fbd8f",
   "allocation", verb::update, server},
  {"Placement", "GET", "/resource_providers?in_tree=8f", "resource-provider",
   verb::list, ""},
  {"Placement", "GET", "/placement/resource_providers/8f/inventories",
   "resource-provider", verb::read, "8f"},
  // Other things that users do.
  {"Nova", "POST", "/v2.1/servers/ab/action", "server", verb::update, "ab"},
  {"Nova", "DELETE", "/v2.1/servers/ab", "server", verb::remove, "ab"},
  {"Nova", "GET", "/v2.1/5a/servers/detail?limit=3", "server", verb::list, ""},
  {"Nova", "PUT", "/v2.1/5a/servers/ab", "server", verb::update, "ab"},
  {"Nova", "GET", "/compute/v2.1/servers/ab", "server", verb::read, "ab"},
  {"Nova", "POST", "/v2.1/servers/ab/os-volume_attachments",
   "volume-attachment", verb::create, ""},
  {"Nova", "GET", "/v2.1/os-keypairs/my%2Fkey", "keypair", verb::read,
   "my/key"},
  {"Nova", "GET", "/v2.1/", "", verb::read, ""},
  {"Glance", "PUT", "/v2/images/6b2e/file", "image", verb::update, "6b2e"},
  {"Glance", "HEAD", "/v2/images/6b2e/file", "image", verb::read, "6b2e"},
  {"Glance", "PUT", "/v2/images/6b2e/tags/new", "image", verb::update, "6b2e"},
  {"Glance", "POST", "/v2/images/6b2e/members", "member", verb::create, ""},
  {"Keystone", "POST", "/v3/users/u1/application_credentials",
   "application-credential", verb::create, ""},
  {"Keystone", "PUT", "/v3/projects/p1/users/u1/roles/r1", "role-assignment",
   verb::other, ""},
  {"Neutron", "PUT", "/v2.0/routers/r1/add_router_interface", "router",
   verb::update, "r1"},
  {"volume", "POST", "/v3/5a/volumes", "volume", verb::create, ""},
  {"volumev3", "GET", "/v3/volumes/v1", "volume", verb::read, "v1"},
  {"Cinder", "POST", "/v3/5a/volumes/v1/action", "volume", verb::update, "v1"},
  {"Cinder", "GET", "/v3/5a/types/fast", "volume-type", verb::read, "fast"},
  {"orchestration", "POST", "/v1/5a/stacks", "stack", verb::create, ""},
  {"Heat", "GET", "/v1/5a/stacks/web", "stack", verb::read, "web"},
  {"Heat", "GET", "/v1/5a/stacks/web/77", "stack", verb::read, "77"},
  {"Heat", "DELETE", "/v1/5a/stacks/web/77", "stack", verb::remove, "77"},
  {"Heat", "GET", "/v1/5a/stacks/web/77/resources", "resource", verb::list, ""},
  {"Heat", "GET", "/v1/5a/stacks/web/resources", "resource", verb::list, ""},
  {"Heat", "GET", "/v1/5a/stacks/detail", "stack", verb::list, ""},
};

/// The references of a kind, as "KIND SERVICE/RESOURCE".
std::vector<std::string> references_of(std::string_view service,
                                       std::string_view kind) {
  std::vector<std::string> out;
  const auto& all = openstack().find(service)->resources;
  auto i = std::ranges::find(all, kind, &resource::kind);
  BOOST_REQUIRE((i != all.end()));
  for (const auto& x : i->references)
    out.push_back(std::string{to_string(x.kind)} + " " + x.service.value + "/"
                  + x.resource);
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(openstack_yaml)

BOOST_AUTO_TEST_CASE(requests_are_what_the_api_reference_says) {
  for (const auto& x : requests) {
    BOOST_TEST_CONTEXT(x.method << " " << x.target << " of " << x.service) {
      const auto* service = openstack().find(x.service);
      BOOST_REQUIRE(service);
      auto got = classify(*service, x.method, x.target);
      BOOST_TEST((got.about ? got.about->kind : "") == x.kind);
      BOOST_TEST(to_string(got.does) == to_string(x.does));
      BOOST_TEST(got.id == x.id);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_server_needs_what_it_boots_from_and_lives_with) {
  const std::vector<std::string> want{"requires Glance/image",
                                      "requires Nova/flavor",
                                      "relies_on Neutron/network",
                                      "relies_on Neutron/port",
                                      "relies_on Neutron/security-group",
                                      "relies_on Nova/keypair",
                                      "relies_on Cinder/volume",
                                      "relies_on Nova/server-group"};
  auto got = references_of("Nova", "server");
  BOOST_TEST(got == want, boost::test_tools::per_element());
  BOOST_TEST(references_of("Heat", "stack").at(0)
             == "composed_of Heat/resource");
}

BOOST_AUTO_TEST_CASE(a_scope_may_name_what_a_service_calls) {
  auto reaches = [](const char* from, const char* to) {
    return openstack().reaches(openstack().find(from)->name,
                               openstack().find(to)->name);
  };
  for (const auto* to : {"Glance", "Neutron", "Placement", "Keystone"})
    BOOST_TEST(reaches("Nova", to), to);
  BOOST_TEST(reaches("Heat", "Glance"));
  BOOST_TEST(!reaches("Glance", "Neutron"));
  BOOST_TEST(!reaches("Keystone", "Nova"));
}

BOOST_AUTO_TEST_CASE(what_holds_passwords_and_tokens_is_secret) {
  for (auto [service, kind] : {std::pair{"Keystone", "token"},
                               {"Keystone", "user"},
                               {"Keystone", "application-credential"},
                               {"Nova", "server"},
                               {"Nova", "keypair"}}) {
    const auto& all = openstack().find(service)->resources;
    auto i = std::ranges::find(all, std::string_view{kind}, &resource::kind);
    BOOST_TEST((i != all.end() && i->secret), kind);
  }
}

BOOST_AUTO_TEST_SUITE_END()
