// The decider with OpenStack's adapter: one site, and what it is asked by
// users, by its own services and by peers.
#include "cheops/scope/parse.hpp"
#include "cheops/traffic/carriers.hpp"
#include "cheops/traffic/decide.hpp"
#include "glue/openstack/adapter.hpp"
#include "glue/openstack/digest.hpp"
#include "glue/openstack/token.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>

#include <algorithm>

using namespace cheops;
using namespace cheops::traffic;
using namespace cheops::glue;
using namespace std::chrono_literals;

namespace {

constexpr auto id = "req-0af76519-16cd-43dd-8448-eb211c80319c";
constexpr auto headline = "{Nova: Berlin, Glance: Paris}";

application::description cloud() {
  application::description app;
  app.name = "openstack";
  app.adapter = "openstack";
  auto add = [&](const char* name, const char* type,
                 std::vector<const char*> calls) {
    app.services.emplace_back();
    auto& x = app.services.back();
    x.name = service_id{name};
    x.aliases = {type};
    x.authenticates = true;
    for (const auto* other : calls)
      x.calls.emplace_back(other);
  };
  add("Keystone", "identity", {});
  add("Glance", "image", {});
  add("Neutron", "network", {});
  add("Placement", "placement", {});
  add("Nova", "compute", {"Glance", "Neutron", "Placement"});
  return app;
}

std::string keystone_says(const std::string& user, const std::string& roles,
                          const std::string& catalogue = "[]",
                          const std::string& expires = "2026-01-01T01:00:00Z") {
  return R"({"token":{"user":{"id":"id-)" + user + R"(","name":")" + user
         + R"("},"project":{"id":"p-)" + user + R"(","name":"demo"},"roles":)"
         + roles + R"(,"catalog":)" + catalogue + R"(,"expires_at":")" + expires
         + R"("}})";
}

const std::string member = R"([{"name":"member"}])";
const std::string service_role = R"([{"name":"admin"},{"name":"service"}])";
const std::string our_catalogue =
  R"([{"endpoints":[{"url":"http://berlin:19292/p-nova"}]}])";

std::string value_of(const std::vector<header>& in, std::string_view name) {
  auto i = std::ranges::find(in, name, &header::name);
  return i == in.end() ? "" : i->value;
}

bool drops(const edits& in, std::string_view name) {
  return std::ranges::find(in.drop, name) != in.drop.end();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Berlin's node.
struct berlin {
  std::shared_ptr<site::config> config = std::make_shared<site::config>();
  std::shared_ptr<application::description> app =
    std::make_shared<application::description>(cloud());
  std::shared_ptr<correlation> ids =
    std::make_shared<correlation>(16000, 600s, 7);
  std::shared_ptr<adapter> plug;
  std::unique_ptr<decider> d;
  mesh::view view;
  clock::time_point now = clock::time_point{} + 1000h;
  std::chrono::system_clock::time_point wall =
    std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

  berlin() {
    config->name = site_id{"Berlin"};
    for (auto name : {"Berlin", "Paris", "Rome"}) {
      view.sites.emplace_back();
      view.sites.back().name = site_id{name};
    }
    view.self = config->name;
    start();
  }
  /// Anew, as after a restart: with another key and empty tables.
  void start(std::uint64_t key = 1) {
    plug = make_adapter(app, *config, fake_digest(key));
    d = std::make_unique<decider>(config, app, ids, 42, plug);
  }
  void pass(std::chrono::seconds time) {
    now += time;
    wall += time;
  }

  decision ask(const char* front, const std::vector<field>& fields,
               std::string_view method = "GET",
               std::string_view target = "/x") {
    return d->decide({method, target, fields},
                     {app->find(front), site_id{}, {}}, view, now, wall);
  }
  decision ask_as(const char* peer, std::vector<field> fields,
                  std::string_view method = "GET",
                  std::string_view target = "/x") {
    fields.push_back({"Cheops-Hops", "1"});
    return d->decide({method, target, fields}, {nullptr, site_id{peer}, {}},
                     view, now, wall);
  }
  void tell(const decision& asked, unsigned status, const std::string& body) {
    BOOST_REQUIRE((asked.what == verdict::ask));
    d->learn(*asked.ask, small_answer{status, {}, body}, view, {now, wall});
  }
  void tell(const decision& asked, const error& why) {
    BOOST_REQUIRE((asked.what == verdict::ask));
    d->learn(*asked.ask, why, view, {now, wall});
  }
  moment at() const { return {now, wall}; }

  /// A token as this node passes it to the services here, for `peer`.
  std::string marked(const char* token, const char* peer = "Rome",
                     const char* scope = "{Glance: Berlin}",
                     std::vector<field> more = {}) {
    more.push_back({"Cheops-Service", "Glance"});
    more.push_back({"Cheops-Scope", scope});
    more.push_back({"X-Auth-Token", token});
    auto x = ask_as(peer, more);
    BOOST_REQUIRE((x.what == verdict::run));
    return value_of(x.for_local.set, "X-Auth-Token");
  }
  decision validate(const std::string& subject, std::string_view asker = "G",
                    std::string_view method = "GET") {
    return ask("Keystone",
               {{"X-Auth-Token", asker}, {"X-Subject-Token", subject}}, method,
               "/v3/auth/tokens");
  }
  /// Up to the answer of the issuer.
  decision validated(const std::string& subject, const std::string& told,
                     unsigned status = 200) {
    auto x = validate(subject);
    if (x.what == verdict::ask && x.ask->site == config->name) {
      tell(x, 200, keystone_says("nova", service_role, our_catalogue));
      x = validate(subject);
    }
    tell(x, status, told);
    return validate(subject);
  }
};

} // namespace

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

BOOST_AUTO_TEST_CASE(a_scope_that_names_nobody_is_refused_with_the_token) {
  auto x =
    ask("Keystone", {}, "POST",
        make_prefix("{Nova: Berlin, Glanze: Paris}") + "/v3/auth/tokens");
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST(has(to_string(x.refusal), "Glance"));
}

BOOST_AUTO_TEST_CASE(links_under_a_prefix_keep_it) {
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
  BOOST_TEST(x.for_local.set.empty());
  auto given = value_of(x.set, "X-Openstack-Request-Id");
  BOOST_TEST(given.starts_with("req-"));
  BOOST_TEST(given.size() == std::string_view{id}.size());
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
  BOOST_TEST(outer.unavailable_as == 0u);
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
