// What peers bring: tokens that other sites issued.
#include "glue/openstack/site_fixture.hpp"

using namespace openstack_site;

BOOST_FIXTURE_TEST_SUITE(openstack_peers, berlin)

BOOST_AUTO_TEST_CASE(what_a_peer_brings_is_marked_for_the_services_here) {
  auto sent = *openstack::with_scope("gAAA", "{Glance: Berlin}");
  auto text = marked(sent.c_str());
  auto x = openstack::read_token(text);
  BOOST_REQUIRE(x);
  BOOST_TEST(x->issuer == "Rome");
  BOOST_TEST(x->plain == sent);
  // For a while it is the same text, so that services need not ask anew.
  pass(60s);
  BOOST_TEST(marked(sent.c_str()) == text);
}

BOOST_AUTO_TEST_CASE(service_tokens_and_marks_do_not_cross_the_border) {
  auto x = ask_as("Rome", {{"Cheops-Service", "Glance"},
                           {"X-Auth-Token", "gAAA"},
                           {"X-Service-Token", "S"}});
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(drops(x.for_local, "X-Service-Token"));
  auto text = marked("gAAA");
  x = ask_as("Rome", {{"Cheops-Service", "Glance"}, {"X-Auth-Token", text}});
  BOOST_TEST((x.what == verdict::refuse));
  // Nova here passes it on to Paris: without the mark, with its issuer.
  x = ask("Glance", {{"X-Auth-Token", text}, {"Scope", "{Glance: Paris}"}});
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(value_of(x.for_peer.set, "X-Auth-Token") == "gAAA");
  BOOST_TEST(value_of(x.for_peer.set, "Cheops-Token-Issuer") == "Rome");
  BOOST_TEST(value_of(x.for_local.set, "X-Auth-Token").empty());
}

BOOST_AUTO_TEST_CASE(a_peer_may_bring_what_it_is_trusted_with) {
  auto bring = [&](const char* peer, const char* issuer) {
    return ask_as(peer, {{"Cheops-Service", "Glance"},
                         {"X-Auth-Token", "gAAA"},
                         {"Cheops-Token-Issuer", issuer}});
  };
  auto x = bring("Paris", "Rome");
  BOOST_REQUIRE((x.what == verdict::run));
  auto text = value_of(x.for_local.set, "X-Auth-Token");
  BOOST_TEST(openstack::read_token(text)->issuer == "Rome");
  // Our own token comes home: it needs no mark.
  BOOST_TEST(bring("Paris", "Berlin").for_local.set.empty());
  BOOST_TEST((bring("Paris", "Oslo").what == verdict::refuse));
  site::trust nobodys;
  nobodys.brings.emplace();
  config->peers.push_back({site_id{"Paris"}, {}, {}, nobodys, false});
  BOOST_TEST((bring("Paris", "Rome").what == verdict::refuse));
  BOOST_TEST((bring("Paris", "Paris").what == verdict::run));
  site::trust none;
  none.tokens = false;
  config->peers[0].users = none;
  BOOST_TEST((bring("Paris", "Paris").what == verdict::refuse));
}

BOOST_AUTO_TEST_CASE(keystone_here_gets_bare_tokens_from_peers_too) {
  auto token = *openstack::with_scope("gAAA", headline);
  auto x = ask_as("Paris",
                  {{"Cheops-Service", "Keystone"},
                   {"X-Auth-Token", token},
                   {"X-Subject-Token", token}},
                  "GET", "/v3/auth/tokens");
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(value_of(x.for_local.set, "X-Auth-Token") == "gAAA");
  BOOST_TEST(value_of(x.for_local.set, "X-Subject-Token") == "gAAA");
  BOOST_TEST(ids->size() == 0u);
}

BOOST_AUTO_TEST_CASE(each_site_has_keystone_below_a_base_of_its_own) {
  auto asked_by_paris = [&](const char* target) {
    auto x = ask_as("Paris", {{"Cheops-Service", "Keystone"}}, "GET", target);
    return x.for_local.target;
  };
  BOOST_TEST(asked_by_paris("/v3/auth/tokens?nocatalog").empty());
  // A service's question is how a node that was started anew learns it.
  auto x = ask("Keystone", {{"X-Auth-Token", "G"}, {"X-Subject-Token", "gAAA"}},
               "GET", "/identity/v3/auth/tokens");
  BOOST_REQUIRE(x.follow);
  BOOST_TEST(x.follow->on_head(404, {}, true, at()).has_value());
  BOOST_TEST(asked_by_paris("/v3/auth/tokens").empty());
  BOOST_TEST(x.follow->on_head(200, {}, true, at()).has_value());
  BOOST_TEST(asked_by_paris("/v3/auth/tokens?nocatalog")
             == "/identity/v3/auth/tokens?nocatalog");
  BOOST_TEST(asked_by_paris("/identity/v3/auth/tokens").empty());
  BOOST_TEST(asked_by_paris("/v3/users").empty());
}

BOOST_AUTO_TEST_CASE(a_foreign_token_is_judged_by_the_site_that_issued_it) {
  auto text = marked("gAAA");
  auto x = validate(text);
  BOOST_REQUIRE((x.what == verdict::ask)); // Who asks?
  BOOST_TEST(x.ask->site.value == "Berlin");
  BOOST_TEST(value_of(x.ask->fields, "X-Auth-Token") == "G");
  tell(x, 200, keystone_says("nova", service_role, our_catalogue));
  x = validate(text);
  BOOST_REQUIRE((x.what == verdict::ask)); // Is it valid?
  BOOST_TEST(x.ask->site.value == "Rome");
  BOOST_TEST(x.ask->service.value == "Keystone");
  BOOST_TEST(value_of(x.ask->fields, "X-Auth-Token") == "gAAA");
  BOOST_TEST(value_of(x.ask->fields, "X-Subject-Token") == "gAAA");
  BOOST_TEST(value_of(x.ask->fields, "Cheops-Service") == "Keystone");
  BOOST_TEST(value_of(x.ask->fields, "Cheops-Hops") == "1");
  tell(x, 200, keystone_says("bo", member));
  x = validate(text);
  BOOST_REQUIRE((x.what == verdict::answer));
  BOOST_TEST(x.answer->status == 200u);
  BOOST_TEST(value_of(x.answer->fields, "X-Subject-Token") == text);
  BOOST_TEST(has(x.answer->body, "id-bo"));
  BOOST_TEST(has(x.answer->body, "http://berlin:19292/p-bo"), x.answer->body);
  BOOST_TEST((validate(text, "G", "HEAD").what == verdict::answer));
}

BOOST_AUTO_TEST_CASE(answers_are_kept_for_the_bound_or_the_rest_of_life) {
  auto text = marked("gAAA");
  (void) validated(text, keystone_says("bo", member));
  pass(59s);
  BOOST_TEST((validate(text).what == verdict::answer));
  pass(2s);
  auto x = validate(text);
  BOOST_REQUIRE((x.what == verdict::ask));
  tell(x, 200, keystone_says("nova", service_role, our_catalogue));
  // Valid for another 10 s, by the issuer's word.
  tell(validate(text), 200,
       keystone_says("bo", member, "[]", "2026-01-01T00:01:11Z"));
  BOOST_TEST((validate(text).what == verdict::answer));
  pass(9s);
  BOOST_TEST((validate(text).what == verdict::answer));
  pass(1s);
  BOOST_TEST((validate(text).what == verdict::ask));
}

BOOST_AUTO_TEST_CASE(what_its_issuer_does_not_know_is_not_valid) {
  auto x = validated(marked("gAAA"), "", 404);
  BOOST_REQUIRE((x.what == verdict::answer));
  BOOST_TEST(x.answer->status == 404u);
  // One that has expired on the way is not either.
  x = validated(marked("gBBB"),
                keystone_says("bo", member, "[]", "2025-12-31T23:59:59Z"));
  BOOST_TEST(x.answer->status == 404u);
}

BOOST_AUTO_TEST_CASE(a_foreign_admin_is_refused_and_the_user_is_told_why) {
  auto text = marked("gAAA");
  auto x = validated(text, keystone_says("root", service_role));
  BOOST_REQUIRE((x.what == verdict::answer));
  BOOST_TEST(x.answer->status == 404u);
  BOOST_TEST(has(x.answer->body, "admin"), x.answer->body);
  // The service makes a 401 of it; the exchange with the token knows better.
  auto call =
    ask_as("Rome", {{"Cheops-Service", "Glance"}, {"X-Auth-Token", "gAAA"}});
  BOOST_REQUIRE(call.follow);
  auto told = call.follow->on_head(401, {}, true, at());
  BOOST_REQUIRE(!told);
  BOOST_TEST((told.error().code == errc::forbidden));
  BOOST_TEST(has(told.error().what, "admin"));
  BOOST_TEST(call.follow->on_head(404, {}, true, at()).has_value());
  // Where the site's configuration allows it, the same token is good.
  site::trust all;
  all.roles = {"*"};
  config->default_trust = all;
  BOOST_TEST(validate(text).answer->status == 200u);
  BOOST_TEST(call.follow->on_head(401, {}, true, at()).has_value());
}

BOOST_AUTO_TEST_CASE(an_issuer_that_cannot_be_asked_is_named) {
  auto text = marked("gAAA");
  tell(validate(text), 200, keystone_says("nova", service_role));
  tell(validate(text), {errc::unreachable, "cut off", "Rome", "", ""});
  auto x = validate(text);
  BOOST_REQUIRE((x.what == verdict::answer));
  BOOST_TEST(x.answer->status == 503u);
  BOOST_TEST(has(x.answer->body, "Rome"));
  auto call =
    ask_as("Rome", {{"Cheops-Service", "Glance"}, {"X-Auth-Token", "gAAA"}});
  auto told = call.follow->on_head(503, {}, true, at());
  BOOST_REQUIRE(!told);
  BOOST_TEST((told.error().code == errc::unreachable));
  BOOST_TEST(told.error().site == "Rome");
  // A second later it may be back.
  pass(2s);
  BOOST_TEST((validate(text).what == verdict::ask));
}

BOOST_AUTO_TEST_CASE(only_who_may_ask_is_answered) {
  auto text = marked("gAAA");
  tell(validate(text, "gBBB"), 200, keystone_says("bo", member));
  BOOST_TEST(validate(text, "gBBB").answer->status == 403u);
  tell(validate(text, "old"), 404, "");
  BOOST_TEST(validate(text, "old").answer->status == 401u);
  BOOST_TEST(validate(text, "").answer->status == 401u);
  // A token may always ask about itself.
  auto itself = validate(text, text);
  BOOST_REQUIRE((itself.what == verdict::ask));
  BOOST_TEST(itself.ask->site.value == "Rome");
}

BOOST_AUTO_TEST_CASE(keystone_here_does_nothing_else_with_a_foreign_token) {
  auto text = marked("gAAA");
  auto x = ask("Keystone", {{"X-Auth-Token", text}}, "GET", "/v3/users");
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST(has(to_string(x.refusal), "Rome"));
  x = ask("Keystone", {{"X-Auth-Token", "G"}, {"X-Subject-Token", text}},
          "DELETE", "/v3/auth/tokens");
  BOOST_TEST((x.what == verdict::refuse));
}

BOOST_AUTO_TEST_CASE(a_scope_chooses_sites_but_never_an_issuer) {
  // Berlin's user names Paris for Keystone: his token is still Berlin's.
  auto token = *openstack::with_scope("gAAA", "{Keystone: Paris}");
  auto x = validate(token);
  BOOST_TEST((x.what == verdict::local));
  BOOST_TEST(value_of(x.for_local.set, "X-Subject-Token") == "gAAA");
}

BOOST_AUTO_TEST_CASE(a_restart_ends_the_marks) {
  auto text = marked("gAAA");
  start(2);
  auto x = ask("Glance", {{"X-Auth-Token", text}});
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST((x.refusal.code == errc::forbidden));
}

BOOST_AUTO_TEST_SUITE_END()
