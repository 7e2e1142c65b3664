#include "cheops/traffic/copies.hpp"
#include "cheops/traffic/decide.hpp"
#include "support/boost_test.hpp"
#include "support/fake_replication.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::traffic;
using namespace std::chrono_literals;
using application::verb;

namespace {

application::description shop() {
  application::description app;
  app.services.resize(2);
  auto& a = app.services[0];
  a.name = service_id{"A"};
  a.calls = {service_id{"B"}};
  application::resource foo;
  foo.kind = "foo";
  foo.operations = {{"POST", "/foos", verb::create},
                    {"GET", "/foos", verb::list},
                    {"GET", "/foos/{id}", verb::read},
                    {"PUT", "/foos/{id}", verb::update},
                    {"DELETE", "/foos/{id}", verb::remove}};
  a.resources = {foo};
  app.services[1].name = service_id{"B"};
  app.services[1].authenticates = true;
  foo.kind = "bar";
  app.services[1].resources = {foo};
  app.carry = {true, true, true};
  return app;
}

mesh::view three_sites() {
  mesh::view out;
  out.self = site_id{"S1"};
  out.version = 1;
  for (auto name : {"S1", "S2", "S 3"}) {
    mesh::site x;
    x.name = site_id{name};
    x.state = x.name == out.self ? mesh::reach::self : mesh::reach::up;
    out.sites.push_back(x);
  }
  return out;
}

/// Site S1, where foo 7 is replicated.
struct site_fixture {
  std::shared_ptr<site::config> config = std::make_shared<site::config>();
  std::shared_ptr<application::description> app =
    std::make_shared<application::description>(shop());
  std::shared_ptr<correlation> traces =
    std::make_shared<correlation>(1600, 60s, 7);
  std::shared_ptr<testing::fake_replication> replicas =
    std::make_shared<testing::fake_replication>();
  mesh::view view = three_sites();
  std::unique_ptr<decider> d;
  replicant::meta_id meta = replicant::random_meta(1, 2);

  site_fixture() {
    config->name = site_id{"S1"};
    config->default_allow = {{service_id{"A"}, {}}};
    replicas->copies[{"foo", "7"}] = {meta, 5, replicant::site_state::ok};
    d = std::make_unique<decider>(config, app, traces, 42, nullptr, replicas);
  }

  decision ask(std::string_view method, std::string_view target,
               std::string_view scope = {}, std::size_t front = 0,
               std::vector<field> fields = {}) {
    if (!scope.empty())
      fields.push_back({"Scope", scope});
    return d->decide({method, target, fields},
                     {&app->services[front], site_id{}, {}}, view, {});
  }

  decision ask_as_peer(std::string_view method, std::string_view target,
                       std::vector<field> fields = {}) {
    fields.insert(fields.end(),
                  {{"Cheops-Service", "A"}, {"Cheops-Hops", "1"}});
    return d->decide({method, target, fields}, {nullptr, site_id{"S2"}, {}},
                     view, {});
  }
};

std::string told(const decision& x) {
  switch (x.what) {
  case verdict::refuse:
    return std::string{describe(x.refusal.code).slug};
  case verdict::local:
    return x.copies ? "local copy" : "local";
  case verdict::replicate:
    return x.copies->linearizable ? "strict read"
           : x.copies->found      ? "change"
                             : "create at " + listed_sites(x.copies->sites);
  default:
    return "run at " + listed_sites(x.candidates)
           + (x.copies ? ", a copy" : "");
  }
}

std::string value_of(const std::vector<header>& in, std::string_view name) {
  auto i = std::ranges::find(in, name, &header::name);
  return i == in.end() ? "" : i->value;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(copies_of_resources, site_fixture)

BOOST_AUTO_TEST_CASE(without_a_scope_a_local_id_says_that_there_are_copies) {
  BOOST_TEST(told(ask("GET", "/foos/7")) == "local copy");
  BOOST_TEST(told(ask("GET", "/foos/8")) == "local");
  BOOST_TEST(told(ask("GET", "/foos")) == "local");
  BOOST_TEST(told(ask("POST", "/foos")) == "local");
  BOOST_TEST(told(ask("PUT", "/foos/8")) == "local");
  auto x = ask("PUT", "/foos/7");
  BOOST_TEST(told(x) == "change");
  BOOST_TEST((x.copies->found->meta == meta));
  BOOST_TEST(x.copies->sites.empty());
  BOOST_TEST(told(ask("DELETE", "/foos/%37")) == "change");
  // Not described, and it may change it all the same.
  BOOST_TEST(told(ask("PATCH", "/foos/7")) == "change");
  // Another service's resource of that id is none of them.
  BOOST_TEST(told(ask("PUT", "/foos/7", "", 1)) == "local");
}

BOOST_AUTO_TEST_CASE(an_unknown_id_may_be_of_a_copy_that_is_being_made) {
  BOOST_TEST(!ask("PUT", "/foos/8").unsettled);
  replicas->open["foo"] = {3, 5};
  for (auto method : {"PUT", "PATCH", "DELETE"}) {
    auto x = ask(method, "/foos/8");
    BOOST_REQUIRE(x.unsettled);
    BOOST_TEST(x.unsettled->oldest == 3U);
    BOOST_TEST(x.unsettled->newest == 5U);
    BOOST_TEST(told(x) == "local");
  }
  // Also where a scope says that it is a copy, and where a peer asks.
  BOOST_TEST(ask("PUT", "/foos/8", "{A: S1 & S2}").unsettled.has_value());
  BOOST_TEST(ask_as_peer("PUT", "/foos/8").unsettled.has_value());
  // What is known, only read, made, or somewhere else is none of it.
  BOOST_TEST(!ask("PUT", "/foos/7").unsettled);
  BOOST_TEST(!ask("GET", "/foos/8").unsettled);
  BOOST_TEST(!ask("POST", "/foos").unsettled);
  BOOST_TEST(!ask("PUT", "/foos/8", "{A: S2}").unsettled);
  BOOST_TEST(!ask("PUT", "/foos/8", "", 1).unsettled);
}

BOOST_AUTO_TEST_CASE(where_ids_are_names_creates_of_other_names_do_not_matter) {
  std::vector<std::string> asked;
  replicas->on_creating = [&](std::string_view name) {
    asked.emplace_back(name);
    return std::optional<ports::open_creates>{};
  };
  (void) ask("PUT", "/foos/8");
  auto named = std::make_shared<application::description>(shop());
  auto& foo = named->services[0].resources[0];
  foo.id_pointer = foo.name_pointer = "/name";
  foo.unique_name = true;
  app = named;
  d = std::make_unique<decider>(config, app, traces, 42, nullptr, replicas);
  (void) ask("PUT", "/foos/8");
  BOOST_TEST(asked == (std::vector<std::string>{"", "8"}));
}

BOOST_AUTO_TEST_CASE(a_create_with_and_is_replicated_where_this_site_is_one) {
  auto x = ask("POST", "/foos", "{A: S2 & s1}");
  BOOST_TEST(told(x) == "create at S2 & S1");
  BOOST_TEST(x.scope == "{A: S2 & S1}");
  BOOST_TEST(x.plan == "replicate");
  BOOST_TEST(traces->size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_site_that_has_no_part_passes_it_on) {
  auto x = ask("POST", "/foos", "{A: S2 & \"S 3\"}", 0,
               {{"Cheops-Wait", "all"}, {"Cheops-Replicate", "S1"}});
  BOOST_TEST(told(x) == "run at S2 & \"S 3\"");
  BOOST_TEST(value_of(x.set_for_peer, "Cheops-Replicate") == "S2 & \"S 3\"");
  BOOST_TEST(value_of(x.set_for_peer, "Cheops-Wait") == "all");
  // An id is that of the site named first.
  BOOST_TEST(told(ask("PUT", "/foos/7", "{A: S2 & \"S 3\"}")) == "run at S2");
  BOOST_TEST(told(ask("GET", "/foos", "{A: S2 & \"S 3\"}"))
             == "run at S2 & \"S 3\"");
}

BOOST_AUTO_TEST_CASE(what_is_there_is_read_here_and_changed_everywhere) {
  auto scope = "{A: S1 & S2}";
  BOOST_TEST(told(ask("GET", "/foos/7", scope)) == "run at S1, a copy");
  BOOST_TEST(told(ask("GET", "/foos/8", scope)) == "run at S1");
  BOOST_TEST(told(ask("GET", "/foos", scope)) == "run at S1");
  auto x = ask("PUT", "/foos/7", scope);
  BOOST_TEST(told(x) == "change");
  BOOST_TEST(listed_sites(x.copies->sites) == "S1 & S2");
  BOOST_TEST(told(ask("PUT", "/foos/8", scope)) == "not-found");
}

BOOST_AUTO_TEST_CASE(a_scope_of_one_site_changes_every_copy_of_what_is_there) {
  BOOST_TEST(told(ask("PUT", "/foos/7", "{A: S1}")) == "change");
  BOOST_TEST(told(ask("PUT", "/foos/7", "{B: S2}")) == "change");
  BOOST_TEST(told(ask("GET", "/foos/7", "{A: S1}")) == "run at S1, a copy");
  BOOST_TEST(told(ask("PUT", "/foos/7", "{A: S2}")) == "run at S2");
  // This site is no second choice for it: the copy must not change alone.
  BOOST_TEST(told(ask("PUT", "/foos/7", "{A: S2 || S1}")) == "run at S2");
  BOOST_TEST(told(ask("GET", "/foos/7", "{A: S2 || S1}"))
             == "run at S2 & S1, a copy");
}

BOOST_AUTO_TEST_CASE(a_strict_read_waits_for_the_others) {
  std::vector<field> strict{{"Cheops-Consistency", "linearizable"}};
  auto read = [&](std::string_view target, std::string_view scope = {}) {
    return told(ask("GET", target, scope, 0, strict));
  };
  BOOST_TEST(read("/foos/7") == "strict read");
  BOOST_TEST(read("/foos/7", "{A: S1 & S2}") == "strict read");
  // What is at one site is always the latest.
  BOOST_TEST(read("/foos/8") == "local");
  BOOST_TEST(
    told(ask("GET", "/foos/7", "", 0, {{"Cheops-Consistency", "very"}}))
    == "bad-request");
}

BOOST_AUTO_TEST_CASE(only_one_resource_can_be_replicated) {
  BOOST_TEST(told(ask("POST", "/login", "{A: S1 & S2}")) == "not-built");
  BOOST_TEST(told(ask("DELETE", "/foos", "{A: S1 & S2}")) == "not-built");
  BOOST_TEST(told(ask("GET", "/health", "{A: S1 & S2}")) == "run at S1");
}

BOOST_AUTO_TEST_CASE(what_checks_its_users_is_not_replicated) {
  auto x = ask("POST", "/foos", "{B: S1 & S2}", 1);
  BOOST_TEST(told(x) == "not-built");
  BOOST_TEST(x.refusal.what
             == "B checks its users itself, and nothing can act in a user's "
                "name at another site yet");
  BOOST_TEST(told(ask("GET", "/foos/7", "{B: S1 & S2}", 1)) == "run at S1");
}

BOOST_AUTO_TEST_CASE(a_node_that_replicates_nothing_says_so) {
  decider none{config, app, traces, 42};
  std::vector<field> fields{{"Scope", "{A: S1 & S2}"}};
  auto x = none.decide({"POST", "/foos", fields},
                       {&app->services[0], site_id{}, {}}, view, {});
  BOOST_TEST(told(x) == "not-built");
}

BOOST_AUTO_TEST_CASE(a_peer_says_where_copies_are_to_be) {
  auto x = ask_as_peer("POST", "/foos", {{"Cheops-Replicate", "S1 & S2"}});
  BOOST_TEST(told(x) == "create at S1 & S2");
  BOOST_TEST(told(ask_as_peer("POST", "/foos")) == "run at S1");
  BOOST_TEST(told(ask_as_peer("PUT", "/foos/7")) == "change");
  BOOST_TEST(told(ask_as_peer("GET", "/foos/7")) == "run at S1, a copy");
  BOOST_TEST(
    told(ask_as_peer("POST", "/foos", {{"Cheops-Replicate", "S2 & \"S 3\""}}))
    == "loop");
  BOOST_TEST(
    told(ask_as_peer("POST", "/foos", {{"Cheops-Replicate", "S1 & S9"}}))
    == "unknown-site");
}

BOOST_AUTO_TEST_CASE(an_operation_is_looked_at_where_it_was_asked_for) {
  replicant::operation_name name{meta, {1, 2, 3}};
  auto here = replicant::path_of(site_id{"S1"}, name);
  auto x = ask("GET", here + "?x");
  BOOST_REQUIRE((x.what == verdict::look));
  BOOST_TEST((*x.look == name));
  auto far = ask("GET", replicant::path_of(site_id{"S 3"}, name));
  BOOST_TEST(told(far) == "run at \"S 3\"");
  BOOST_TEST(value_of(far.set_for_peer, "Cheops-Service") == "A");
  BOOST_TEST((ask_as_peer("GET", here).what == verdict::look));
  BOOST_TEST(told(ask_as_peer("GET", replicant::path_of(site_id{"S2"}, name)))
             == "not-found");
  BOOST_TEST(told(ask("GET", replicant::path_of(site_id{"S9"}, name)))
             == "not-found");
  BOOST_TEST(told(ask("DELETE", here)) == "not-found");
  BOOST_TEST(told(ask("GET", "/.well-known/cheops/operations/S1/x"))
             == "not-found");
  // What is not ours is the application's.
  BOOST_TEST(told(ask("GET", "/.well-known/cheops")) == "local");
}

BOOST_AUTO_TEST_CASE(a_user_cannot_say_what_only_a_peer_may) {
  BOOST_TEST(told(ask("POST", "/foos", "", 0, {{"Cheops-Replicate", "S1"}}))
             == "local");
}

BOOST_AUTO_TEST_SUITE_END()
