// The decider with an adapter that says what the test tells it to.
#include "cheops/scope/parse.hpp"
#include "cheops/traffic/combine.hpp"
#include "cheops/traffic/decide.hpp"
#include "support/boost_test.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::traffic;
using namespace std::chrono_literals;

namespace {

/// Nova calls Glance and Neutron; Keystone calls nobody.
application::description cloud() {
  application::description app;
  app.name = "cloud";
  for (auto name : {"Keystone", "Nova", "Glance", "Neutron"}) {
    app.services.emplace_back();
    app.services.back().name = service_id{name};
    app.services.back().authenticates = true;
  }
  app.services[1].aliases = {"compute"};
  app.services[1].calls = {service_id{"Glance"}, service_id{"Neutron"}};
  return app;
}

mesh::view sites(std::initializer_list<const char*> names) {
  mesh::view out;
  out.version = 1;
  for (auto name : names) {
    mesh::site x;
    x.name = site_id{name};
    x.state = out.sites.empty() ? mesh::reach::self : mesh::reach::up;
    out.sites.push_back(x);
  }
  out.self = out.sites.front().name;
  return out;
}

struct told_what_to_do final : adapter {
  std::vector<reading> next; ///< Given one after the other, the last for ever.
  std::vector<std::string> learned;
  result<void> fits;
  mutable std::vector<std::vector<site_id>> checked;
  std::vector<std::string> shaped; ///< The scopes that `shape` saw.

  reading read(const request_view&, const caller&, const application::service&,
               const surroundings&) override {
    BOOST_REQUIRE(!next.empty());
    auto out = next.front();
    if (next.size() > 1)
      next.erase(next.begin());
    return out;
  }
  void learn(const aside& asked, const result<small_answer>& told,
             const surroundings&) override {
    learned.push_back(asked.memo + (told ? "=" + told->body : "!"));
  }
  result<void> check(const scope::tree&, const scope::question&,
                     const std::vector<site_id>& at,
                     const site::config&) const override {
    checked.push_back(at);
    return fits;
  }
  void shape(decision& out, const request_view&, const caller&, const reading&,
             const surroundings&) override {
    shaped.push_back(out.scope);
  }
};

constexpr auto id = "req-0af76519-16cd-43dd-8448-eb211c80319c";

struct adapted_site {
  std::shared_ptr<site::config> config = std::make_shared<site::config>();
  std::shared_ptr<application::description> app =
    std::make_shared<application::description>(cloud());
  std::shared_ptr<correlation> ids =
    std::make_shared<correlation>(1600, 60s, 7);
  std::shared_ptr<told_what_to_do> plug = std::make_shared<told_what_to_do>();
  mesh::view view = sites({"Berlin", "Paris", "Rome"});
  std::unique_ptr<decider> d;
  clock::time_point now{};

  adapted_site() {
    config->name = site_id{"Berlin"};
    d = std::make_unique<decider>(config, app, ids, 42, plug);
    plug->next.resize(1);
  }
  reading& first() { return plug->next.front(); }
  /// As the adapter of an application whose requests have ids.
  void has_id(std::uint64_t owner, std::string_view given = {}) {
    first().id_field = "X-Id";
    first().id_prefix = "req-";
    first().id = given;
    first().owner = owner;
  }
  decision ask(const char* front, std::vector<field> fields = {},
               std::string_view method = "GET",
               std::string_view target = "/x") {
    return d->decide({method, target, fields},
                     {app->find(front), site_id{}, {}}, view, now);
  }
  decision ask_as_peer(std::vector<field> fields,
                       std::string_view method = "GET") {
    return d->decide({method, "/x", fields}, {nullptr, site_id{"Rome"}, {}},
                     view, now);
  }
};

std::string value_of(const std::vector<header>& in, std::string_view name) {
  auto i = std::ranges::find(in, name, &header::name);
  return i == in.end() ? "" : i->value;
}

scope::tree tree(const char* text) {
  auto x = scope::parse(text);
  BOOST_REQUIRE(x.has_value());
  return *x;
}

} // namespace

BOOST_AUTO_TEST_SUITE(combined_scopes)

BOOST_AUTO_TEST_CASE(a_part_agrees_whatever_its_order_and_aliases) {
  auto app = cloud();
  auto whole = tree("{Nova: Berlin, Glance: Paris || Rome}");
  BOOST_TEST(agrees(tree("{Glance: Paris || Rome}"), whole, app));
  BOOST_TEST(agrees(tree("{compute: Berlin}"), whole, app));
  BOOST_TEST(!agrees(tree("{Glance: Paris}"), whole, app));
  BOOST_TEST(!agrees(tree("{Neutron: Berlin}"), whole, app));
}

BOOST_AUTO_TEST_CASE(what_is_asked_wins_over_what_is_kept) {
  auto app = cloud();
  auto kept = tree("{compute: Berlin, Neutron: Paris, Keystone: Rome}");
  auto out = completed(tree("{Nova: Rome}"), kept, service_id{"Nova"}, app);
  BOOST_TEST(scope::to_string(out) == "{Nova: Rome, Neutron: Paris}");
  out = completed(tree("Rome"), kept, service_id{"Nova"}, app);
  BOOST_TEST(scope::to_string(out) == scope::to_string(tree("Rome")));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(adapted_decisions, adapted_site)

BOOST_AUTO_TEST_CASE(a_request_of_no_concern_goes_through_untouched) {
  auto x = ask("Glance");
  BOOST_TEST((x.what == verdict::local));
  BOOST_TEST(x.for_local.set.empty());
  BOOST_TEST(plug->shaped.size() == 1u);
  BOOST_TEST(plug->shaped[0].empty());
}

BOOST_AUTO_TEST_CASE(the_adapters_edits_are_those_of_the_legs) {
  first().for_local.set = {{"X-Auth-Token", "T"}};
  first().for_peer.drop = {"X-Service-Token"};
  auto x = ask("Glance", {{"Scope", "{Glance: Paris}"}});
  BOOST_TEST(value_of(x.for_local.set, "X-Auth-Token") == "T");
  BOOST_TEST(x.for_peer.drop.at(0) == "X-Service-Token");
  BOOST_TEST(plug->shaped[0] == "{Glance: Paris}");
}

BOOST_AUTO_TEST_CASE(an_aside_is_put_and_then_the_request_is_read_anew) {
  plug->next.resize(2);
  aside who{site_id{"Berlin"}, service_id{"Keystone"}, "/who", {}, "m"};
  plug->next[0].then = who;
  auto x = ask("Glance");
  BOOST_REQUIRE((x.what == verdict::ask));
  BOOST_TEST(x.ask->target == "/who");
  d->learn(*x.ask, small_answer{200, {}, "you"}, view, {});
  BOOST_TEST(plug->learned.at(0) == "m=you");
  BOOST_TEST((ask("Glance").what == verdict::local));
}

BOOST_AUTO_TEST_CASE(an_answer_and_a_refusal_of_the_adapter_end_it) {
  first().then = small_answer{404, {}, "no"};
  auto x = ask("Keystone");
  BOOST_REQUIRE((x.what == verdict::answer));
  BOOST_TEST(x.answer->status == 404u);
  first().then = error{errc::forbidden, "no such mark", "", "", ""};
  x = ask("Keystone", {{"Scope", "{Keystone: Paris}"}});
  BOOST_REQUIRE((x.what == verdict::refuse));
  BOOST_TEST(x.refusal.site == "Berlin");
}

BOOST_AUTO_TEST_CASE(a_scope_by_token_may_name_services_of_other_calls) {
  first().scope = "{Nova: Berlin, Glance: Paris}";
  auto x = ask("Glance");
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(x.candidates.at(0).value == "Paris");
  BOOST_TEST((ask("Neutron").candidates.at(0).value == "Berlin"));
}

BOOST_AUTO_TEST_CASE(header_and_prefix_come_before_the_token) {
  first().scope = "{Glance: Paris}";
  BOOST_TEST(ask("Glance", {{"Scope", "{Glance: Rome}"}}).candidates[0].value
             == "Rome");
}

BOOST_AUTO_TEST_CASE(a_prefix_names_other_services_only_for_a_session) {
  // {Nova: Berlin, Glance: Paris}
  auto at = "/scope/e05vdmE6IEJlcmxpbiwgR2xhbmNlOiBQYXJpc30/v3";
  BOOST_TEST((ask("Keystone", {}, "GET", at).what == verdict::refuse));
  first().is_session = true;
  auto x = ask("Keystone", {}, "GET", at);
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(x.candidates[0].value == "Berlin");
  BOOST_TEST(x.target == "/v3");
  BOOST_TEST(x.scope == "{Nova: Berlin, Glance: Paris}");
}

BOOST_AUTO_TEST_CASE(sites_that_do_not_go_together_are_refused) {
  plug->fits = error{errc::bad_scope, "no", "", "", "name one"};
  BOOST_TEST(
    (ask("Nova", {{"Scope", "{Nova: Paris}"}}).what == verdict::refuse));
  BOOST_TEST((plug->checked.at(0) == std::vector{site_id{"Paris"}}));
  BOOST_TEST((ask_as_peer({{"Cheops-Service", "Nova"},
                           {"Cheops-Hops", "1"},
                           {"Cheops-Scope", "{Nova: Berlin}"}})
                .what
              == verdict::refuse));
  BOOST_TEST((plug->checked.at(1) == std::vector{site_id{"Berlin"}}));
}

BOOST_AUTO_TEST_CASE(a_scoped_request_gets_an_id_that_its_calls_bring_back) {
  has_id(1);
  auto outer = ask("Nova", {{"Scope", "{Nova: Berlin, Glance: Paris}"}});
  auto given = value_of(outer.set, "X-Id");
  BOOST_TEST(given.size() == 40u, given);
  BOOST_TEST(given.starts_with("req-"));
  BOOST_REQUIRE(static_cast<bool>(outer.ticket));
  has_id(1, given);
  first().live = ids->find({given, 0}, now);
  auto inner = ask("Glance");
  BOOST_REQUIRE((inner.what == verdict::run));
  BOOST_TEST(inner.candidates[0].value == "Paris");
  BOOST_TEST(inner.blame->trace == given);
  BOOST_TEST(value_of(inner.set, "X-Id").empty());
  BOOST_TEST(value_of(inner.set_for_peer, "Cheops-Path")
             == "Berlin/Nova > Berlin/Glance");
}

BOOST_AUTO_TEST_CASE(calls_after_the_answer_join_the_entry) {
  has_id(1, id);
  { auto outer = ask("Nova", {{"Scope", "{Nova: Berlin, Neutron: Paris}"}}); }
  first().live = ids->find({id, 0}, now);
  BOOST_REQUIRE(first().live.has_value());
  BOOST_TEST(!first().live->held);
  first().owner = 2; // The service's own credential: the adapter let it in.
  auto later = ask("Neutron");
  BOOST_REQUIRE((later.what == verdict::run));
  BOOST_TEST(later.candidates[0].value == "Paris");
  BOOST_TEST(static_cast<bool>(later.ticket));
  BOOST_TEST(ids->size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_id_that_is_live_with_another_scope_is_refused) {
  has_id(1, id);
  auto outer = ask("Nova", {{"Scope", "{Nova: Berlin, Glance: Paris}"}});
  first().live = ids->find({id, 0}, now);
  auto other = ask("Glance", {{"Scope", "{Glance: Rome}"}});
  BOOST_REQUIRE((other.what == verdict::refuse));
  BOOST_TEST((other.refusal.code == errc::forbidden));
  // Said again in part it is the same scope.
  auto same = ask("Glance", {{"Scope", "{Glance: Paris}"}});
  BOOST_TEST((same.what == verdict::run));
}

BOOST_AUTO_TEST_CASE(an_id_that_another_took_meanwhile_is_refused) {
  has_id(1, id);
  auto mine = ask("Nova", {{"Scope", "{Nova: Paris}"}});
  has_id(2, id); // `live` was looked up before `mine` opened it.
  auto other = ask("Nova", {{"Scope", "{Nova: Paris}"}});
  BOOST_TEST((other.what == verdict::refuse));
}

BOOST_AUTO_TEST_CASE(what_peers_bring_under_one_id_gets_ids_of_its_own) {
  has_id(1, id);
  std::vector<field> fields{{"Cheops-Service", "Nova"},
                            {"Cheops-Hops", "1"},
                            {"Cheops-Scope", "{Nova: Berlin}"}};
  auto first_call = ask_as_peer(fields);
  BOOST_TEST(value_of(first_call.set, "X-Id").empty());
  has_id(2, id);
  auto second = ask_as_peer(fields);
  BOOST_REQUIRE((second.what == verdict::run));
  BOOST_TEST(value_of(second.set, "X-Id").starts_with("req-"));
  BOOST_TEST(value_of(second.set, "X-Id") != id);
}

BOOST_AUTO_TEST_CASE(without_a_credential_there_is_nothing_to_remember) {
  has_id(0);
  auto x = ask("Nova", {{"Scope", "{Nova: Paris}"}});
  BOOST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(value_of(x.set, "X-Id").empty());
  BOOST_TEST(ids->size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_resource_keeps_its_scope_for_later_requests) {
  has_id(1);
  first().kept = "{Nova: Berlin, Neutron: Paris}";
  auto plain = ask("Nova");
  BOOST_TEST(plain.scope == "{Nova: Berlin, Neutron: Paris}");
  auto scoped = ask("Nova", {{"Scope", "{Glance: Rome}"}});
  BOOST_TEST(scoped.scope == "{Glance: Rome, Nova: Berlin, Neutron: Paris}");
  auto peers = ask_as_peer({{"Cheops-Service", "Nova"},
                            {"Cheops-Hops", "1"},
                            {"Cheops-Scope", "{Nova: Berlin}"}});
  BOOST_TEST(peers.scope == "{Nova: Berlin, Neutron: Paris}");
}

BOOST_AUTO_TEST_SUITE_END()
