// The decider with OpenStack's adapter: one site, asked by users and by its
// own services.
#include "cheops/scope/parse.hpp"
#include "cheops/traffic/carriers.hpp"
#include "glue/openstack/site_fixture.hpp"

using namespace openstack_site;

BOOST_FIXTURE_TEST_SUITE(openstack_users, berlin)

BOOST_AUTO_TEST_CASE(without_a_scope_nothing_is_touched) {
  for (auto front : {"Keystone", "Glance", "Nova", "Neutron", "Placement"}) {
    auto x = ask(front, {{"X-Auth-Token", "gAAA"},
                         {"X-Service-Token", "gBBB"},
                         {"X-Openstack-Request-Id", id}});
    BOOST_TEST((x.what == verdict::local));
    BOOST_TEST(x.set.empty());
    BOOST_TEST(x.for_local.set.empty());
    BOOST_TEST(x.for_local.drop.empty());
    BOOST_TEST(x.for_local.target.empty());
    BOOST_TEST(!x.follow);
  }
}

BOOST_AUTO_TEST_CASE(keystone_gives_out_tokens_with_the_scope_of_the_prefix) {
  auto prefix = make_prefix(headline);
  auto x = ask("Keystone", {{"Host", "h"}}, "POST", prefix + "/v3/auth/tokens");
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(x.candidates[0].value == "Berlin");
  BOOST_TEST(x.target == "/v3/auth/tokens");
  BOOST_REQUIRE(x.follow);
  std::vector<field> fields{{"X-Subject-Token", "gAAA"}};
  auto wish = x.follow->on_head(201, fields, true, at());
  BOOST_REQUIRE(wish);
  BOOST_TEST(!wish->body);
  auto text = value_of(wish->set, "X-Subject-Token");
  auto given = openstack::read_token(text);
  BOOST_REQUIRE(given);
  BOOST_TEST(given->bare == "gAAA");
  BOOST_TEST(given->scope == headline);
  BOOST_TEST(x.follow->on_head(401, {}, true, at())->set.empty());
}

BOOST_AUTO_TEST_CASE(a_token_in_a_body_is_bare_and_its_scope_goes_on) {
  auto shown = [](const std::string& token) {
    return R"({"auth":{"identity":{"methods":["token"],"token":{"id":")" + token
           + R"("}},"scope":"unscoped"}})";
  };
  auto x = ask("Keystone", {}, "POST", "/v3/auth/tokens");
  BOOST_REQUIRE((x.what == verdict::local));
  BOOST_REQUIRE(x.follow);
  BOOST_TEST(x.follow->wants_request());
  for (auto same : {std::string{"{"}, std::string{R"({"auth":{"identity":1}})"},
                    shown("gAAA")})
    BOOST_TEST(!x.follow->on_request(same, at()).value().has_value());
  auto scoped = *openstack::with_scope("gAAA", headline);
  BOOST_TEST(x.follow->on_request(shown(scoped), at()).value().value()
             == shown("gAAA"));
  std::vector<field> fields{{"X-Subject-Token", "gBBB"}};
  auto wish = x.follow->on_head(201, fields, true, at());
  BOOST_TEST(value_of(wish->set, "X-Subject-Token")
             == *openstack::with_scope("gBBB", headline));
  // A prefix comes first, and a mark is good for nothing here.
  x = ask("Keystone", {}, "POST",
          make_prefix("{Glance: Rome}") + "/v3/auth/tokens");
  BOOST_TEST(x.follow->on_request(shown(scoped), at()).has_value());
  wish = x.follow->on_head(201, fields, true, at());
  BOOST_TEST(value_of(wish->set, "X-Subject-Token")
             == *openstack::with_scope("gBBB", "{Glance: Rome}"));
  auto text = marked("gAAA");
  BOOST_TEST(!x.follow->on_request(shown(text), at()));
  BOOST_TEST(!x.follow->on_request(shown("gAAA!s."), at()));
}

BOOST_AUTO_TEST_CASE(a_catalogue_of_backends_is_rewritten_where_it_is_wished) {
  add_fronts();
  auto asks = [&](const char* method, const char* target) {
    return ask("Keystone", {{"Host", "h"}}, method, target);
  };
  BOOST_TEST(!asks("GET", "/v3/auth/catalog").follow);
  config->rewrite_catalogue = true;
  for (auto [method, target] : {std::pair{"POST", "/v3/auth/tokens"},
                                {"GET", "/v3/auth/tokens"},
                                {"GET", "/v3/auth/catalog"}}) {
    auto x = asks(method, target);
    BOOST_REQUIRE(x.follow);
    BOOST_TEST(drops(x.for_local, "Accept-Encoding"));
    auto wish = x.follow->on_head(200, {}, true, at());
    BOOST_TEST((wish->body && wish->needed));
    BOOST_TEST(!x.follow->on_head(401, {}, true, at())->body);
    auto body = x.follow->on_body(
      R"({"catalog":[{"type":"image","endpoints":[
        {"url":"http://10.0.0.1/image"}]}]})",
      at());
    BOOST_TEST(has(body->value(), "http://10.0.0.1:15001/image"),
               body->value());
    BOOST_TEST(!x.follow->on_body("not JSON", at()));
  }
  BOOST_TEST(!asks("GET", "/v3/users").follow);
}

BOOST_AUTO_TEST_CASE(a_scope_that_names_nobody_is_refused_with_the_token) {
  auto x =
    ask("Keystone", {}, "POST",
        make_prefix("{Nova: Berlin, Glanze: Paris}") + "/v3/auth/tokens");
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST(has(to_string(x.refusal), "Glance"));
}

BOOST_AUTO_TEST_CASE(all_of_a_session_is_not_the_keystone_that_gives_it) {
  for (auto target : {"/v3/auth/tokens", "/v3/", "/v3/auth/projects"}) {
    auto x = ask("Keystone", {}, "GET", make_prefix("Paris") + target);
    BOOST_REQUIRE((x.what == verdict::run));
    BOOST_TEST(x.candidates == std::vector{site_id{"Berlin"}});
  }
  auto token = *openstack::with_scope("gAAA", "Paris");
  BOOST_TEST(ask("Glance", {{"X-Auth-Token", token}}).candidates.at(0).value
             == "Paris");
  // Whoever names it, or asks for one thing, means it.
  auto x =
    ask("Keystone", {}, "GET", make_prefix("{Keystone: Paris}") + "/v3/users");
  BOOST_TEST(x.candidates.at(0).value == "Paris");
  x = ask("Keystone", {{"Scope", "Paris"}}, "GET", "/v3/users");
  BOOST_TEST(x.candidates.at(0).value == "Paris");
}

BOOST_AUTO_TEST_CASE(links_to_the_backend_lead_to_the_front) {
  add_fronts();
  for (auto [front, target] : {std::pair{"Keystone", "/identity/v3/"},
                               {"Keystone", "/"},
                               {"Glance", "/image"},
                               {"Nova", "/compute/v2.1"}}) {
    auto x = ask(front, {{"Host", "h:1"}}, "GET", target);
    BOOST_TEST((x.what == verdict::local));
    BOOST_REQUIRE(x.follow);
    BOOST_TEST(drops(x.for_local, "Accept-Encoding"));
    for (auto status : {200U, 300U}) {
      auto wish = x.follow->on_head(status, {}, true, at());
      BOOST_TEST((wish->body && !wish->needed));
    }
    auto body = x.follow->on_body(R"({"href":"http://10.0.0.1/v3"})", at());
    BOOST_TEST(has(body->value(), "http://h:1/v3"));
    for (auto same : {R"({"href":"http://h:1/v3"})", "not JSON"})
      BOOST_TEST(!x.follow->on_body(same, at())->has_value());
  }
  BOOST_TEST(!ask("Glance", {{"Host", "h:1"}}, "GET", "/v2/images").follow);
}

BOOST_AUTO_TEST_CASE(links_under_a_prefix_keep_it) {
  add_fronts();
  auto prefix = make_prefix(headline);
  auto x = ask("Keystone", {{"Host", "h:15000"}}, "GET", prefix + "/v3/");
  BOOST_REQUIRE(x.follow);
  BOOST_TEST(drops(x.for_local, "Accept-Encoding"));
  auto wish = x.follow->on_head(200, {}, true, at());
  BOOST_TEST(wish->body);
  BOOST_TEST(!wish->needed);
  auto body = x.follow->on_body(R"({"href":"http://h:15000/v3/"})", at());
  BOOST_REQUIRE(body);
  BOOST_TEST(has(body->value(), "http://h:15000" + prefix + "/v3/"));
}

BOOST_AUTO_TEST_CASE(the_token_is_the_scope_of_every_front) {
  auto token = *openstack::with_scope("gAAA", headline);
  auto x = ask("Glance", {{"X-Auth-Token", token}, {"X-Service-Token", "S"}});
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(x.candidates[0].value == "Paris");
  BOOST_TEST(drops(x.for_peer, "X-Service-Token"));
  BOOST_TEST(value_of(x.for_peer.set, "X-Auth-Token").empty()); // It goes on.
  x = ask("Nova", {{"X-Auth-Token", token}});
  BOOST_TEST(x.candidates[0].value == "Berlin");
  BOOST_TEST(x.for_local.set.empty()); // It is there.
  auto given = value_of(x.set, "X-Openstack-Request-Id");
  BOOST_TEST(given.starts_with("req-"));
  BOOST_TEST(given.size() == std::string_view{id}.size());
}

BOOST_AUTO_TEST_CASE(services_here_pass_the_scope_on_with_the_token) {
  auto given = [&](const decision& x) {
    return value_of(x.for_local.set, "X-Auth-Token");
  };
  auto token = *openstack::with_scope("gAAA", headline);
  auto x = ask("Nova", {{"X-Auth-Token", "gAAA"}, {"Scope", headline}});
  BOOST_TEST(given(x) == token);
  // One that calls nobody has no use for it, nor has Keystone.
  for (auto front : {"Glance", "Keystone"})
    BOOST_TEST(
      given(ask(front, {{"X-Auth-Token", "gAAA"},
                        {"Scope", std::string{"{"} + front + ": Berlin}"}}))
        .empty());
  BOOST_TEST(given(ask("Nova", {{"X-Auth-Token", "gAAA"}})).empty());
  BOOST_TEST(given(ask("Nova", {{"Scope", headline}})).empty());
  x = ask("Nova", {{"X-Auth-Token", "gAAA"}, {"Scope", "{Nova: Paris}"}});
  BOOST_TEST(given(x).empty());
  // What a peer brings has its mark behind it.
  x = ask_as("Rome", {{"Cheops-Service", "Nova"},
                      {"Cheops-Scope", headline},
                      {"X-Auth-Token", "gAAA"}});
  auto sent = given(x);
  auto both = openstack::read_token(sent);
  BOOST_REQUIRE(both);
  BOOST_TEST(both->plain == token);
  BOOST_TEST(both->issuer == "Rome");
  x = ask("Glance", {{"X-Auth-Token", sent}});
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(x.candidates[0].value == "Paris");
}

BOOST_AUTO_TEST_CASE(keystone_never_sees_a_suffix) {
  auto token = *openstack::with_scope("gAAA", headline);
  auto x = ask("Keystone", {{"X-Auth-Token", "G"}, {"X-Subject-Token", token}},
               "GET", "/v3/auth/tokens");
  BOOST_TEST((x.what == verdict::local));
  BOOST_TEST(value_of(x.for_local.set, "X-Subject-Token") == "gAAA");
  BOOST_TEST(value_of(x.for_local.set, "X-Auth-Token").empty());
  BOOST_REQUIRE(x.follow); // Whoever asks sees the token that he asked about.
  auto wish = x.follow->on_head(200, {}, true, at());
  BOOST_TEST(value_of(wish->set, "X-Subject-Token") == token);
  x = ask("Keystone", {{"X-Auth-Token", token}}, "GET", "/v3/users");
  BOOST_TEST((x.what == verdict::run));
  BOOST_TEST(value_of(x.for_local.set, "X-Auth-Token") == "gAAA");
  x =
    ask("Keystone", {{"X-Auth-Token", token}}, "GET", "/v2.0/tokens/" + token);
  BOOST_TEST(x.for_local.target == "/v2.0/tokens/gAAA");
}

BOOST_AUTO_TEST_CASE(tokens_and_ids_given_twice_are_refused) {
  auto x = ask("Glance", {{"X-Auth-Token", "a"}, {"X-Auth-Token", "b"}});
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST((x.refusal.code == errc::bad_request));
  x = ask("Glance", {{"X-Auth-Token", "a!s."}});
  BOOST_TEST((x.what == verdict::refuse));
}

BOOST_AUTO_TEST_CASE(a_mark_written_by_a_client_is_refused_everywhere) {
  auto forged =
    openstack::marker{fake_digest(666)}.mark("gAAA", "Paris", 10'000'000);
  for (auto front : {"Keystone", "Glance", "Nova", "Neutron"}) {
    auto x = ask(front, {{"X-Auth-Token", forged}});
    BOOST_REQUIRE((x.what == verdict::refuse));
    BOOST_TEST((x.refusal.code == errc::forbidden));
  }
  BOOST_TEST((validate(forged).what == verdict::refuse));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(openstack_correlation, berlin)

BOOST_AUTO_TEST_CASE(calls_with_the_users_token_belong_to_the_request) {
  auto token = *openstack::with_scope("gAAA", headline);
  auto outer =
    ask("Nova", {{"X-Auth-Token", token}, {"X-Openstack-Request-Id", id}},
        "POST", "/v2.1/servers");
  BOOST_REQUIRE((outer.what == verdict::run));
  BOOST_TEST(outer.cause_from == 400u);
  BOOST_TEST(outer.unavailable_as == 502u);
  BOOST_TEST(ask("Nova", {{"X-Auth-Token", "gAAA"}}).unavailable_as == 0u);
  for (const auto& sent : {token, std::string{"gAAA"}}) {
    auto inner =
      ask("Glance", {{"X-Auth-Token", sent}, {"X-Openstack-Request-Id", id}});
    BOOST_REQUIRE((inner.what == verdict::run));
    BOOST_TEST(inner.candidates[0].value == "Paris");
    BOOST_REQUIRE(inner.blame.has_value());
    BOOST_TEST(inner.blame->trace == id);
    BOOST_TEST(inner.unavailable_as == 502u);
  }
}

BOOST_AUTO_TEST_CASE(a_service_belongs_to_it_once_keystone_knows_it) {
  auto outer = ask("Nova", {{"X-Auth-Token", "gAAA"},
                            {"Scope", "{Nova: Berlin, Neutron: Paris}"},
                            {"X-Openstack-Request-Id", id}});
  BOOST_REQUIRE((outer.what == verdict::run));
  std::vector<field> call{{"X-Auth-Token", "nova's"},
                          {"X-Openstack-Request-Id", id}};
  auto asked = ask("Neutron", call);
  BOOST_REQUIRE((asked.what == verdict::ask));
  BOOST_TEST(asked.ask->site.value == "Berlin");
  BOOST_TEST(asked.ask->service.value == "Keystone");
  BOOST_TEST(asked.ask->target == "/v3/auth/tokens");
  BOOST_TEST(value_of(asked.ask->fields, "X-Auth-Token") == "nova's");
  BOOST_TEST(value_of(asked.ask->fields, "X-Subject-Token") == "nova's");
  tell(asked, 200, keystone_says("nova", service_role));
  auto inner = ask("Neutron", call);
  BOOST_REQUIRE((inner.what == verdict::run));
  BOOST_TEST(inner.candidates[0].value == "Paris");
  // It is known for a while, and then asked about again.
  BOOST_TEST((ask("Placement", call).what == verdict::run));
  pass(61s);
  BOOST_TEST((ask("Placement", call).what == verdict::ask));
}

BOOST_AUTO_TEST_CASE(another_users_call_with_the_id_is_refused) {
  auto outer = ask("Nova", {{"X-Auth-Token", "gAAA"},
                            {"Scope", headline},
                            {"X-Openstack-Request-Id", id}});
  std::vector<field> call{{"X-Auth-Token", "gBBB"},
                          {"X-Openstack-Request-Id", id}};
  tell(ask("Glance", call), 200, keystone_says("bo", member));
  auto x = ask("Glance", call);
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST((x.refusal.code == errc::forbidden));
  // One that Keystone does not know is no better.
  call[0].value = "gCCC";
  tell(ask("Glance", call), 404, "");
  BOOST_TEST((ask("Glance", call).what == verdict::refuse));
  // And where Keystone cannot be asked, that is said.
  call[0].value = "gDDD";
  tell(ask("Glance", call), {errc::unreachable, "gone", "Berlin", "", ""});
  x = ask("Glance", call);
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST((x.refusal.code == errc::unreachable));
}

BOOST_AUTO_TEST_CASE(the_id_with_another_scope_is_refused) {
  auto outer = ask("Nova", {{"X-Auth-Token", "gAAA"},
                            {"Scope", headline},
                            {"X-Openstack-Request-Id", id}});
  auto other = *openstack::with_scope("gAAA", "{Glance: Rome}");
  auto x =
    ask("Glance", {{"X-Auth-Token", other}, {"X-Openstack-Request-Id", id}});
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST((x.refusal.code == errc::forbidden));
}

BOOST_AUTO_TEST_CASE(after_a_restart_the_token_still_says_it) {
  auto token = *openstack::with_scope("gAAA", headline);
  {
    auto outer =
      ask("Nova", {{"X-Auth-Token", token}, {"X-Openstack-Request-Id", id}});
  }
  ids = std::make_shared<correlation>(16000, 600s, 8);
  start(2);
  auto x =
    ask("Glance", {{"X-Auth-Token", token}, {"X-Openstack-Request-Id", id}});
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(x.candidates[0].value == "Paris");
  // A service's call with the id has nothing left to belong to.
  x = ask("Neutron", {{"X-Auth-Token", "nova's"},
                      {"X-Openstack-Request-Id",
                       "req-1af76519-16cd-43dd-8448-eb211c80319c"}});
  BOOST_TEST((x.what == verdict::local));
}

BOOST_AUTO_TEST_CASE(a_server_keeps_its_scope) {
  config->peers.push_back({site_id{"Paris"}, {}, {}, {}, true});
  auto scope = "{Nova: Berlin, Neutron: Paris}";
  auto made = ask("Nova", {{"X-Auth-Token", "gAAA"}, {"Scope", scope}}, "POST",
                  "/v2.1/servers");
  BOOST_REQUIRE((made.what == verdict::run));
  BOOST_REQUIRE(made.follow);
  BOOST_TEST(drops(made.for_local, "Accept-Encoding"));
  BOOST_TEST(made.follow->on_head(202, {}, true, at())->body);
  BOOST_TEST(!made.follow->on_head(400, {}, true, at())->body);
  BOOST_TEST(!made.follow->on_head(202, {}, false, at())->body);
  BOOST_TEST(
    !made.follow->on_body(R"({"server":{"id":"vm1"}})", at())->has_value());
  auto later =
    ask("Nova", {{"X-Auth-Token", "gBBB"}}, "DELETE", "/v2.1/servers/vm1");
  BOOST_TEST(later.scope == scope);
  BOOST_TEST(ask("Nova", {}, "DELETE", "/v2.1/servers/vm2").scope.empty());
  // Nova's own round: its first call names the server, the others follow.
  std::vector<field> round{{"X-Auth-Token", "nova's"},
                           {"X-Openstack-Request-Id", id}};
  auto ports = ask("Neutron", round, "GET", "/v2.0/ports?device_id=vm1");
  BOOST_TEST(ports.candidates.at(0).value == "Paris");
  BOOST_TEST(
    ask("Neutron", round, "GET", "/v2.0/networks").candidates.at(0).value
    == "Paris");
  // The same round about a server without a scope goes its own way.
  auto other = ask("Neutron", round, "GET", "/v2.0/ports?device_id=vm2");
  BOOST_TEST((other.what == verdict::local));
  pass(25h);
  BOOST_TEST(ask("Nova", {}, "DELETE", "/v2.1/servers/vm1").scope.empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(openstack_sites, berlin)

BOOST_AUTO_TEST_CASE(placement_of_another_site_is_refused) {
  auto refused = [&](const char* scope, const char* front = "Nova") {
    auto x = ask(front, {{"Scope", scope}}, "POST", "/v2.1/servers");
    return x.what == verdict::refuse ? to_string(x.refusal) : "";
  };
  BOOST_TEST(has(refused("{Nova: Berlin, Placement: Paris}"), "Placement"));
  BOOST_TEST(has(refused("{Placement: Paris}"), "Placement"));
  BOOST_TEST(
    has(refused("{Nova: Paris || Berlin, Placement: Paris}"), "Placement"));
  BOOST_TEST(refused("{Nova: Paris, placement: paris}").empty());
  BOOST_TEST(refused("{Placement: Berlin}").empty());
  BOOST_TEST(refused("{Placement: Paris}", "Placement").empty());
}

BOOST_AUTO_TEST_CASE(a_network_where_the_hosts_are_unknown_is_refused) {
  auto asked = [&](const char* scope, const char* method) {
    auto x = ask("Nova", {{"Scope", scope}}, method, "/v2.1/servers");
    return x.what == verdict::refuse ? to_string(x.refusal) : "";
  };
  auto text = asked("{Nova: Berlin, Neutron: Paris}", "POST");
  BOOST_TEST(has(text, "Paris does not know the compute hosts of Berlin"),
             text);
  BOOST_TEST(has(text, "knows_hosts"), text);
  BOOST_TEST(!asked("{Neutron: Berlin || Paris}", "POST").empty());
  BOOST_TEST(asked("{Nova: Berlin, Neutron: Paris}", "GET").empty());
  // What runs elsewhere is judged there.
  BOOST_TEST(asked("{Nova: Paris, Neutron: Rome}", "POST").empty());
  auto x = ask_as("Rome",
                  {{"Cheops-Service", "Nova"},
                   {"Cheops-Scope", "{Nova: Berlin, Neutron: Paris}"}},
                  "POST", "/v2.1/servers");
  BOOST_TEST((x.what == verdict::refuse));
  config->peers.push_back({site_id{"Paris"}, {}, {}, {}, true});
  d->configure(config);
  BOOST_TEST(asked("{Nova: Berlin, Neutron: Paris}", "POST").empty());
}

BOOST_AUTO_TEST_CASE(what_openstack_needs_of_a_description) {
  auto other = cloud();
  BOOST_TEST(adapter_fault("openstack", other).empty());
  other.services[0].aliases.clear();
  BOOST_TEST(has(adapter_fault("openstack", other), "identity"));
  other.adapter.clear();
  BOOST_TEST((make_adapter(std::make_shared<application::description>(other),
                           *config, fake_digest(1))
              == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
