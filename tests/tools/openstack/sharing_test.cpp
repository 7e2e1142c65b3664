// The thesis' headline on sockets: Nova at Berlin, Glance at Paris.
#define BOOST_TEST_MODULE tools_openstack
#include "cheops/traffic/carriers.hpp"
#include "support/boost_test.hpp"
#include "tools/openstack/small_cloud.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <thread>

using namespace small_cloud;
using namespace std::chrono_literals;

namespace {

constexpr auto headline = "{Nova: Berlin, Glance: Paris}";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// As `openstack --scope` does: the scope rides in the URL of Keystone, and
/// the token that comes back is used from then on.
std::string log_in(cloud_site& at, const std::string& user,
                   const std::string& scope) {
  auto prefix = scope.empty() ? "" : traffic::make_prefix(scope);
  auto told = ask("POST", at.front(keystone) + prefix + "/v3/auth/tokens", {},
                  R"({"auth": {"user": ")" + user + R"("}})");
  BOOST_REQUIRE_EQUAL(told.status, 201u);
  return std::string{told.get("X-Subject-Token")};
}

http::client_response create(cloud_site& at, const std::string& token,
                             const std::string& image, fields more = {}) {
  more.emplace_back("X-Auth-Token", token);
  return ask("POST", at.front(nova) + "/v2.1/servers", std::move(more),
             R"({"server": {"imageRef": ")" + image + R"("}})");
}

std::string text_at(const std::string& body, std::string_view key) {
  auto whole = boost::json::parse(body);
  auto& x = whole.at("server").at(key).as_string();
  return {x.data(), x.size()};
}

struct foreign_admins_allowed : three_sites {
  foreign_admins_allowed() {
    for (auto* x : {&berlin, &paris, &rome}) {
      x->config->default_trust.roles = {"*"};
      x->start();
    }
    publish();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(headline_of_the_thesis, three_sites)

BOOST_AUTO_TEST_CASE(nova_at_berlin_boots_from_glance_at_paris) {
  auto told = create(berlin, log_in(berlin, "andy", headline), "paris-only");
  BOOST_REQUIRE_EQUAL(told.status, 202u);
  BOOST_TEST(text_at(told.body, "image_of") == "Paris");
  BOOST_TEST(text_at(told.body, "network_of") == "Berlin");
  BOOST_TEST(text_at(told.body, "user") == "andy");
  auto seen = paris.calls(glance);
  BOOST_REQUIRE_EQUAL(seen.size(), 1u);
  BOOST_TEST(seen[0].line == "GET /v2/images/paris-only");
  BOOST_TEST(seen[0].service_token.empty());
  BOOST_TEST(berlin.calls(glance).empty());
  BOOST_TEST(paris.calls(nova).empty());
  for (auto* x : {&berlin, &paris})
    for (const auto& one : x->calls(keystone))
      BOOST_TEST(!has(one.token, "!"), one.line + " " + one.token);
}

BOOST_AUTO_TEST_CASE(the_same_typed_at_rome_ends_at_the_same_sites) {
  auto told = create(rome, log_in(rome, "bo", headline), "paris-only");
  BOOST_REQUIRE_MESSAGE(told.status == 202u, told.body);
  BOOST_TEST(text_at(told.body, "image_of") == "Paris");
  BOOST_TEST(text_at(told.body, "network_of") == "Berlin");
  BOOST_TEST(text_at(told.body, "user") == "bo");
  BOOST_TEST(berlin.calls(nova).size() == 1u);
  BOOST_TEST(rome.calls(nova).empty());
  // Both ask Rome, which issued the token; nobody else can tell.
  BOOST_TEST(rome.calls(keystone).size() >= 2u);
  auto there = berlin.calls(keystone);
  BOOST_TEST(std::ranges::none_of(
    there, [](const call& x) { return x.token.starts_with("Rome."); }));
}

BOOST_AUTO_TEST_CASE(a_token_for_another_keeps_the_scope) {
  auto first = log_in(berlin, "andy", headline);
  auto told =
    ask("POST", berlin.front(keystone) + "/v3/auth/tokens", {},
        R"({"auth": {"identity": {"token": {"id": ")" + first + R"("}}}})");
  BOOST_REQUIRE_MESSAGE(told.status == 201u, told.body);
  BOOST_TEST(told.get("X-Subject-Token") == first);
  BOOST_TEST(create(berlin, first, "paris-only").status == 202u);
}

BOOST_AUTO_TEST_CASE(without_a_scope_it_fails_as_it_always_did) {
  auto told = create(berlin, log_in(berlin, "andy", ""), "paris-only");
  BOOST_TEST(told.status == 400u);
  BOOST_TEST(has(told.body, "Can not find requested image"));
  BOOST_TEST(told.get("Cheops-Error").empty());
  BOOST_TEST(paris.calls(glance).empty());
}

BOOST_AUTO_TEST_CASE(otherwise_goes_to_the_next_site) {
  rome.images.insert("both");
  publish({"Paris"});
  auto token = log_in(berlin, "andy", "{Nova: Berlin, Glance: Paris || Rome}");
  auto told = create(berlin, token, "both");
  BOOST_REQUIRE_MESSAGE(told.status == 202u, told.body);
  BOOST_TEST(text_at(told.body, "image_of") == "Rome");
}

BOOST_AUTO_TEST_CASE(a_site_that_is_cut_off_is_named_and_not_novas_500) {
  auto token = log_in(berlin, "andy", headline);
  publish({"Paris"});
  auto told = create(berlin, token, "paris-only");
  BOOST_TEST(told.status == 502u);
  auto text = boost::json::parse(told.body).at("error").at("message");
  BOOST_TEST(has(boost::json::serialize(text), "Paris"), told.body);
  BOOST_TEST(told.get("Cheops-Site") == "Paris");
  BOOST_TEST(berlin.calls(nova).size() == 1u);
  // Local commands go on.
  BOOST_TEST(create(berlin, log_in(berlin, "andy", ""), "none").status == 400u);
  // Typed at Rome, the cause goes all the way.
  told = create(rome, log_in(rome, "bo", headline), "paris-only");
  BOOST_TEST(told.status == 502u, told.body);
  BOOST_TEST(told.get("Cheops-Site") == "Paris");
  BOOST_TEST(has(told.body, "Paris"), told.body);
}

BOOST_AUTO_TEST_CASE(an_issuer_that_is_cut_off_from_the_last_site_is_named) {
  auto token = log_in(rome, "bo", headline);
  // Paris does not reach Rome, which it has to ask.
  auto view = std::make_shared<mesh::view>();
  view->self = paris.config->name;
  view->version = 1000;
  view->sites.resize(3);
  view->sites[0].name = berlin.config->name;
  view->sites[0].peer_front = berlin.peer_front();
  view->sites[0].state = mesh::reach::up;
  view->sites[1].name = paris.config->name;
  view->sites[1].state = mesh::reach::self;
  view->sites[2].name = rome.config->name;
  view->sites[2].state = mesh::reach::down;
  paris.publish(view);
  auto told = create(rome, token, "paris-only");
  BOOST_TEST(told.status == 502u, told.body);
  BOOST_TEST(has(told.body, "Keystone of Rome"), told.body);
}

BOOST_AUTO_TEST_CASE(placement_and_networks_of_other_sites_are_refused) {
  auto told = create(berlin, "Berlin.andy", "x",
                     {{"Scope", "{Nova: Berlin, Placement: Paris}"}});
  BOOST_TEST(told.status == 400u);
  BOOST_TEST(has(told.body, "Placement"), told.body);
  told = create(berlin, "Berlin.andy", "x",
                {{"Scope", "{Nova: Berlin, Neutron: Paris}"}});
  BOOST_TEST(told.status == 400u);
  BOOST_TEST(has(told.body, "knows_hosts"), told.body);
  BOOST_TEST(berlin.calls(nova).empty());
}

BOOST_AUTO_TEST_CASE(a_network_of_another_site_needs_its_trust_in_services) {
  berlin.config->peers.push_back({site_id{"Paris"}, {}, {}, {}, true});
  berlin.images = {"x"};
  berlin.start();
  publish();
  auto token = log_in(berlin, "andy", "{Nova: Berlin, Neutron: Paris}");
  auto told = create(berlin, token, "x");
  // Nova asks it with its own token, and that is a service's of Berlin.
  BOOST_TEST(told.status == 403u, told.body);
  BOOST_TEST(has(told.body, "admin"), told.body);
  BOOST_TEST(told.get("Cheops-Site") == "Paris");
  paris.config->default_trust.roles = {"*"};
  paris.start();
  publish();
  told = create(berlin, token, "x");
  BOOST_REQUIRE_MESSAGE(told.status == 202u, told.body);
  BOOST_TEST(text_at(told.body, "network_of") == "Paris");
}

BOOST_AUTO_TEST_CASE(after_a_restart_of_the_nodes_a_session_goes_on) {
  auto token = log_in(rome, "bo", headline);
  BOOST_TEST(create(rome, token, "paris-only").status == 202u);
  for (auto* x : {&berlin, &paris, &rome})
    x->start();
  publish();
  auto told = create(rome, token, "paris-only");
  BOOST_TEST(told.status == 202u, told.body);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(forged_and_stale, three_sites)

BOOST_AUTO_TEST_CASE(a_mark_of_a_clients_own_is_refused) {
  auto forged = "Paris.andy!o." + traffic::base64url("Paris")
                + ".ffffffff.AAAAAAAAAAAAAAAAAAAAAA";
  for (auto which : {glance, neutron, nova}) {
    auto path = which == glance    ? "/v2/images/paris-only"
                : which == neutron ? "/v2.0/networks"
                                   : "/v2.1/servers/x";
    auto told =
      ask("GET", berlin.front(which) + path, {{"X-Auth-Token", forged}});
    BOOST_TEST(told.status == 403u, told.body);
    BOOST_TEST(berlin.calls(which).empty());
  }
  auto told =
    ask("GET", berlin.front(keystone) + "/v3/auth/tokens",
        {{"X-Auth-Token", "Berlin.glance"}, {"X-Subject-Token", forged}});
  BOOST_TEST(told.status == 403u);
  BOOST_TEST(berlin.calls(keystone).empty());
  BOOST_TEST(paris.calls(keystone).empty());
}

BOOST_AUTO_TEST_CASE(
  a_token_is_good_where_it_was_issued_unless_a_node_brings_it) {
  auto told = ask("GET", paris.front(glance) + "/v2/images/paris-only",
                  {{"X-Auth-Token", "Berlin.andy"}});
  BOOST_TEST(told.status == 401u);
  BOOST_TEST(berlin.calls(keystone).empty());
  // Fields that only peers may say are not believed from a client.
  told = ask("GET", paris.front(glance) + "/v2/images/paris-only",
             {{"X-Auth-Token", "Berlin.andy"},
              {"Cheops-From", "Berlin"},
              {"Cheops-Token-Issuer", "Berlin"}});
  BOOST_TEST(told.status == 401u);
}

BOOST_AUTO_TEST_CASE(a_foreign_admin_is_refused_and_told_so) {
  auto token = log_in(berlin, "admin", headline);
  auto told = create(berlin, token, "paris-only");
  BOOST_TEST(told.status == 403u, told.body);
  BOOST_TEST(has(told.body, "admin"), told.body);
  BOOST_TEST(has(told.body, "Paris"), told.body);
  told = ask("GET", berlin.front(glance) + "/v2/images/paris-only",
             {{"X-Auth-Token", token}});
  BOOST_TEST(told.status == 403u, told.body);
  BOOST_TEST(has(told.body, "admin"), told.body);
}

BOOST_AUTO_TEST_CASE(a_disabled_user_is_out_within_the_bound) {
  for (auto* x : {&berlin, &paris}) {
    x->config->times.validation = 10ms;
    x->start();
  }
  publish();
  auto token = log_in(berlin, "andy", headline);
  auto show = [&] {
    return ask("GET", berlin.front(glance) + "/v2/images/paris-only",
               {{"X-Auth-Token", token}});
  };
  BOOST_TEST(show().status == 200u);
  berlin.disable("andy");
  while (show().status == 200u)
    std::this_thread::yield(); // The test's time limit is the only clock.
  BOOST_TEST(show().status == 401u);
}

BOOST_AUTO_TEST_CASE(another_user_with_the_id_is_refused) {
  constexpr auto id = "req-0af76519-16cd-43dd-8448-eb211c80319c";
  berlin.images = {"x"};
  auto first = create(berlin, log_in(berlin, "andy", headline), "paris-only",
                      {{"X-Openstack-Request-Id", id}});
  BOOST_REQUIRE_EQUAL(first.status, 202u);
  (void) paris.calls(glance);
  (void) berlin.calls(glance);
  for (fields scope : {fields{}, fields{{"Scope", "{Glance: Rome}"}}}) {
    scope.emplace_back("X-Auth-Token", "Berlin.eve");
    scope.emplace_back("X-Openstack-Request-Id", id);
    auto told = ask("GET", berlin.front(glance) + "/v2/images/x", scope);
    BOOST_TEST(told.status == 403u, told.body);
    BOOST_TEST(has(told.body, id), told.body);
  }
  auto other = ask("GET", berlin.front(glance) + "/v2/images/x",
                   {{"X-Auth-Token", "Berlin.andy"},
                    {"Scope", "{Glance: Rome}"},
                    {"X-Openstack-Request-Id", id}});
  BOOST_TEST(other.status == 403u, other.body);
  for (auto* x : {&berlin, &paris, &rome})
    BOOST_TEST(x->calls(glance).empty());
}

BOOST_FIXTURE_TEST_CASE(an_admin_passes_where_the_sites_allow_it,
                        foreign_admins_allowed) {
  auto told = create(rome, log_in(rome, "admin", headline), "paris-only");
  BOOST_REQUIRE_MESSAGE(told.status == 202u, told.body);
  BOOST_TEST(text_at(told.body, "user") == "admin");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_CASE(sixty_servers_of_eight_clients_end_where_they_should,
                        three_sites) {
  struct wish {
    const char* scope;
    const char* image;
    const char* image_of;
  };
  const std::vector<wish> wishes{
    {headline, "paris-only", "Paris"},
    {"{Nova: Berlin, Glance: Rome}", "rome-only", "Rome"},
    {"{Nova: Paris, Glance: Rome}", "rome-only", "Rome"},
    {"{Nova: Rome, Glance: Paris}", "paris-only", "Paris"},
    {"{Nova: Paris}", "paris-only", "Paris"}};
  std::mutex guard;
  std::vector<std::string> wrong;
  std::atomic<int> next{0};
  std::vector<std::thread> clients;
  for (int n = 0; n < 8; ++n)
    clients.emplace_back([&, n] {
      auto user = "user" + std::to_string(n);
      auto& at = n % 3 == 0 ? berlin : n % 3 == 1 ? paris : rome;
      for (int i = next++; i < 60; i = next++) {
        const auto& x = wishes[static_cast<std::size_t>(i) % wishes.size()];
        std::string nova_of{std::string_view{x.scope}.substr(7, 5)};
        auto prefix = traffic::make_prefix(x.scope);
        auto session =
          ask("POST", at.front(keystone) + prefix + "/v3/auth/tokens", {},
              R"({"auth": {"user": ")" + user + R"("}})");
        auto told =
          create(at, std::string{session.get("X-Subject-Token")}, x.image);
        std::lock_guard lock{guard};
        if (told.status != 202 || text_at(told.body, "image_of") != x.image_of
            || text_at(told.body, "user") != user
            || !text_at(told.body, "network_of")
                  .starts_with(nova_of.substr(0, 4)))
          wrong.push_back(std::string{x.scope} + " at " + at.name + ": "
                          + told.body);
      }
    });
  for (auto& x : clients)
    x.join();
  for (const auto& x : wrong)
    BOOST_ERROR(x);
  // 5 wishes take turns.
  BOOST_TEST(berlin.calls(nova).size() == 24u);
  BOOST_TEST(paris.calls(nova).size() == 24u);
  BOOST_TEST(rome.calls(nova).size() == 12u);
}
