// What becomes of a request about Kubernetes objects: whom the node asks, and
// which operation comes out.
#include "cheops/traffic/decide.hpp"
#include "glue/kubernetes/adapter.hpp"
#include "glue/kubernetes/asking.hpp"
#include "glue/kubernetes/body.hpp"
#include "glue/kubernetes/taking.hpp"
#include "glue/openstack/digest.hpp"
#include "support/boost_test.hpp"
#include "support/fake_replication.hpp"

using namespace cheops;
using namespace cheops::traffic;
using namespace cheops::glue::kubernetes;
using namespace std::chrono_literals;
using application::verb;
using replicant::change;
using replicant::settling;

namespace {

constexpr auto maps = "/api/v1/namespaces/default/configmaps";
constexpr auto purple = "/api/v1/namespaces/default/configmaps/purple";

std::string value_of(const std::vector<header>& in, std::string_view name) {
  for (const auto& x : in)
    if (x.name == name)
      return x.value;
  return {};
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Site1 of Site1 and Site2, where purple is replicated.
struct site_fixture {
  std::shared_ptr<site::config> config = std::make_shared<site::config>();
  std::shared_ptr<application::description> app =
    std::make_shared<application::description>();
  std::shared_ptr<correlation> ids = std::make_shared<correlation>(16, 60s, 7);
  std::shared_ptr<testing::fake_replication> port =
    std::make_shared<testing::fake_replication>();
  std::shared_ptr<adapter> plug;
  std::unique_ptr<decider> d;
  mesh::view view;
  replicant::meta_id meta = replicant::random_meta(1, 2);
  clock::time_point now = clock::time_point{} + 1000h;

  // Of the request that is taken in.
  std::vector<field> fields{{"Authorization", "Bearer T"}};
  copies about;
  replicant::wishes asks;
  replicant::lookups at;
  site_id peer;
  std::unique_ptr<taking> runs;
  std::string target;

  site_fixture() {
    config->name = site_id{"Site1"};
    config->fronts.resize(1);
    config->fronts[0].service = service_id{"Kubernetes"};
    config->fronts[0].to.identity.token_file = "x";
    app->adapter = "kubernetes";
    app->services.resize(1);
    auto& k = app->services[0];
    k.name = service_id{"Kubernetes"};
    k.authenticates = true;
    k.resources.resize(1);
    k.resources[0].kind = object_kind;
    for (auto name : {"Site1", "Site2", "Site3"}) {
      view.sites.emplace_back();
      view.sites.back().name = site_id{name};
    }
    view.self = config->name;
    port->copies[{std::string{object_kind}, "/default/configmaps/purple"}] = {
      meta, 5, replicant::site_state::ok};
    plug = make(app, *config, fake_digest(1));
    d = std::make_unique<decider>(config, app, ids, 42, plug, port);
    about.sites = {site_id{"Site1"}, site_id{"Site2"}};
    at.by_name = [this](const replicant::natural_key& x) {
      return port->find(x);
    };
  }

  decision ask(std::string_view method, std::string_view path,
               std::string_view scope = {},
               std::optional<std::string_view> body = {}) {
    auto all = fields;
    if (!scope.empty())
      all.push_back({"Scope", scope});
    return d->decide({method, path, all}, {&app->services[0], site_id{}, {}},
                     view, now, {}, body);
  }

  /// The copy that the request is about is here.
  void found() {
    about.sites.clear();
    about.found = ports::local_replica{meta, 5, replicant::site_state::ok};
  }

  taking::step take(std::string_view method, std::string path,
                    std::string body = {}) {
    target = std::move(path);
    runs = plug->take({{method, target, fields},
                       target,
                       std::move(body),
                       about,
                       app->services[0],
                       peer,
                       asks,
                       at,
                       3'000'000});
    return runs->begin(d->around(view, {now, {}}));
  }
  taking::step tell(unsigned status, std::string body = "{}") {
    return runs->told(small_answer{status, {}, std::move(body)},
                      d->around(view, {now, {}}));
  }
  taking::step tell_who(std::string_view user = "andy",
                        std::string_view groups = R"(["dev"])") {
    return tell(201, R"({"status":{"authenticated":true,"user":{"username":")"
                       + std::string{user} + R"(","uid":"u1","groups":)"
                       + std::string{groups} + R"(,"extra":{"k":["v"]}}}})");
  }
  /// Up to the dry run's answer.
  taking::step take_as_andy(std::string_view method, std::string path,
                            std::string body = {}, unsigned dry_run = 200) {
    auto step = take(method, std::move(path), std::move(body));
    if (!user_known)
      step = tell_who();
    user_known = true;
    BOOST_REQUIRE(std::holds_alternative<aside>(step));
    BOOST_REQUIRE(has(std::get<aside>(step).target, "dryRun=All"));
    return tell(dry_run);
  }
  bool user_known = false;
};

aside asked(const taking::step& x) {
  BOOST_REQUIRE(std::holds_alternative<aside>(x));
  return std::get<aside>(x);
}
small_answer answered(const taking::step& x) {
  BOOST_REQUIRE(std::holds_alternative<small_answer>(x));
  return std::get<small_answer>(x);
}
replicant::taken taken(const taking::step& x) {
  if (const auto* why = std::get_if<error>(&x))
    BOOST_FAIL(why->what);
  BOOST_REQUIRE(std::holds_alternative<replicant::taken>(x));
  return std::get<replicant::taken>(x);
}
error refused(const taking::step& x) {
  BOOST_REQUIRE(std::holds_alternative<error>(x));
  return std::get<error>(x);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(takings, site_fixture)

BOOST_AUTO_TEST_CASE(what_a_path_names_is_found_without_a_scope) {
  for (auto method : {"PUT", "PATCH", "DELETE"}) {
    auto x = ask(method, purple);
    BOOST_TEST((x.what == verdict::replicate), method);
  }
  auto x = ask("GET", purple);
  BOOST_TEST((x.what == verdict::local));
  BOOST_REQUIRE(x.copies);
  BOOST_TEST(x.copies->found->done == 5U);
  BOOST_TEST((ask("PUT", std::string{purple} + "x").what == verdict::local));
  BOOST_TEST(
    (ask("PUT", std::string{purple} + "/scale").what == verdict::replicate));
}

BOOST_AUTO_TEST_CASE(what_means_something_at_one_site_stays_there) {
  constexpr auto both = "Site1 & Site2";
  for (auto path :
       {"/api/v1/namespaces/default/configmaps/purple/status",
        "/api/v1/namespaces/default/configmaps/purple?dryRun=All"}) {
    BOOST_TEST((ask("PUT", path).what == verdict::local), path);
    auto x = ask("PUT", path, both);
    BOOST_TEST((x.what == verdict::run), path);
    BOOST_TEST((x.candidates == std::vector{site_id{"Site1"}}), path);
  }
  for (auto path : {"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                    "/api/v1/namespaces/d/serviceaccounts/x/token",
                    "/api/v1/namespaces/d/pods/p/exec"})
    BOOST_TEST((ask("POST", path, both).what == verdict::run), path);
}

BOOST_AUTO_TEST_CASE(what_each_cluster_makes_itself_is_refused) {
  for (auto path : {"/api/v1/nodes", "/api/v1/namespaces/d/events",
                    "/apis/coordination.k8s.io/v1/namespaces/d/leases",
                    "/api/v1/namespaces/d/pods/p/eviction"}) {
    auto x = ask("POST", path, "Site1 & Site2");
    BOOST_TEST((x.what == verdict::refuse), path);
    BOOST_TEST((x.refusal.code == errc::bad_request), path);
  }
  BOOST_TEST(
    (ask("DELETE", maps, "Site1 & Site2").refusal.code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(without_an_identity_nothing_is_done_for_users) {
  config->fronts[0].to.identity = {};
  auto x = ask("POST", maps, "Site1 & Site2");
  BOOST_TEST((x.refusal.code == errc::not_built));
  BOOST_TEST(has(x.refusal.hint, "backend.identity"));
  BOOST_TEST((ask("DELETE", purple).refusal.code == errc::not_built));
  // Another site does it all: that one needs it.
  BOOST_TEST((ask("POST", maps, "Site2 & Site3").what == verdict::run));
}

BOOST_AUTO_TEST_CASE(a_scope_may_stand_on_the_object) {
  constexpr std::string_view with =
    R"({"metadata":{"name":"n","annotations":{"cheops/scope":"Site2"}}})";
  BOOST_TEST((ask("POST", maps).what == verdict::gather));
  BOOST_TEST((ask("GET", maps).what == verdict::local));
  BOOST_TEST((ask("PUT", std::string{purple} + "x").what == verdict::local));
  BOOST_TEST(
    (ask("POST", "/api/v1/namespaces/d/pods/p/exec").what == verdict::local));
  auto x = ask("POST", maps, {}, with);
  BOOST_TEST((x.what == verdict::run));
  BOOST_TEST((x.candidates == std::vector{site_id{"Site2"}}));
  // A scope of the request's own wins.
  BOOST_TEST(
    (ask("POST", maps, "Site3").candidates == std::vector{site_id{"Site3"}}));
  for (std::string_view body :
       {R"({"metadata":{"name":"n"}})", "", "garbage cheops/scope",
        R"({"metadata":{"annotations":{"cheops/scope":"Site2"},
            "ownerReferences":[{"controller":true}]}})"})
    BOOST_TEST((ask("POST", maps, {}, body).what == verdict::local), body);
  BOOST_TEST((ask("POST", maps, {},
                  R"({"metadata":{"annotations":{"cheops/scope":"Nix"}}})")
                .what
              == verdict::refuse));
}

BOOST_AUTO_TEST_CASE(a_create_asks_who_it_is_and_then_for_a_dry_run) {
  auto first = asked(take("POST", maps, R"({"metadata":{"name":"violet",
    "uid":"x"},"data":{"a":"b"}})"));
  BOOST_TEST(first.as_node);
  BOOST_TEST(first.target == "/apis/authentication.k8s.io/v1/tokenreviews");
  BOOST_TEST(value_of(first.fields, "Authorization") == "");
  BOOST_TEST(has(first.body, R"("token":"T")"));

  auto second = asked(tell_who());
  BOOST_TEST(!second.as_node);
  BOOST_TEST(second.target == std::string{maps} + "?dryRun=All");
  BOOST_TEST(value_of(second.fields, "Authorization") == "Bearer T");

  auto out = taken(tell(201));
  BOOST_TEST((out.what.does == change::create));
  BOOST_TEST(out.what.what.target == maps);
  BOOST_TEST(out.what.what.body
             == R"({"metadata":{"name":"violet"},"data":{"a":"b"}})");
  BOOST_TEST(out.what.principal
             == to_json({"andy", "u1", {"dev"}, {{"k", {"v"}}}}));
  BOOST_REQUIRE(out.key);
  BOOST_TEST(
    (out.key->path
     == std::vector<std::string>{"", "default", "configmaps", "violet"}));
  BOOST_TEST((out.what.settle == settling::probe));
  BOOST_TEST(out.what.probe->target == std::string{maps} + "/violet");
  BOOST_TEST(out.read_target == std::string{maps} + "/violet");
  for (const auto& f : out.what.what.fields)
    BOOST_TEST(f.name != "Authorization");
}

BOOST_AUTO_TEST_CASE(a_user_is_known_for_a_while_only) {
  (void) take_as_andy("POST", maps, R"({"metadata":{"name":"a"}})", 201);
  BOOST_TEST(
    !asked(take("POST", maps, R"({"metadata":{"name":"b"}})")).as_node);
  now += 11s;
  BOOST_TEST(asked(take("POST", maps, R"({"metadata":{"name":"b"}})")).as_node);
}

BOOST_AUTO_TEST_CASE(who_is_not_known_changes_nothing) {
  (void) take("POST", maps, "{}");
  BOOST_TEST(answered(tell(201, R"({"status":{"authenticated":false}})")).status
             == 401U);
  (void) take("POST", maps, "{}");
  BOOST_TEST((refused(tell(403)).code == errc::broken));
  fields.clear();
  BOOST_TEST(answered(take("POST", maps, "{}")).status == 401U);
  fields = {{"Authorization", "Basic x"}};
  BOOST_TEST(answered(take("POST", maps, "{}")).status == 401U);
}

BOOST_AUTO_TEST_CASE(what_the_dry_run_refuses_is_the_answer) {
  auto out = take_as_andy("POST", maps, R"({"metadata":{"name":"a"}})", 409);
  BOOST_TEST(answered(out).status == 409U);
}

BOOST_AUTO_TEST_CASE(a_generated_name_is_one_everywhere) {
  (void) take("POST", maps, R"({"metadata":{"generateName":"v-"}})");
  auto dry = asked(tell_who());
  auto out = taken(tell(201));
  auto name = out.key->path.back();
  BOOST_TEST(name.size() == 7U);
  BOOST_TEST(name.starts_with("v-"));
  auto wanted = R"("name":")" + name;
  BOOST_TEST(has(dry.body, wanted));
  BOOST_TEST(has(out.what.what.body, wanted));
  (void) take("POST", maps, R"({"metadata":{"generateName":"v-"}})");
  BOOST_TEST(taken(tell(201)).key->path.back() != name);
}

BOOST_AUTO_TEST_CASE(what_a_user_read_becomes_an_index) {
  found();
  auto out = taken(take_as_andy(
    "PUT", purple, R"({"metadata":{"name":"purple","resourceVersion":"7"}})"));
  BOOST_TEST((out.what.does == change::replace));
  BOOST_TEST(*out.what.read_at == 5U);
  BOOST_TEST(out.what.stale_status == 409U);
  BOOST_TEST(!has(out.what.what.body, "resourceVersion"));

  out = taken(take_as_andy("PUT", purple, R"({"metadata":{"name":"purple"}})"));
  BOOST_TEST(!out.what.read_at);

  fields.push_back({"Content-Type", "application/json-patch+json"});
  out = taken(take_as_andy("PATCH", purple,
                           R"([{"op":"test","path":"/metadata/uid",
                             "value":"u"},{"op":"add","path":"/data/a",
                             "value":"1"}])"));
  BOOST_TEST(*out.what.read_at == 5U);
  BOOST_TEST((out.what.does == change::patch));
  BOOST_TEST((out.what.settle == settling::none));
}

BOOST_AUTO_TEST_CASE(a_delete_says_in_its_body_that_it_is_dry) {
  found();
  (void) take("DELETE", purple,
              R"({"preconditions":{"uid":"u"},"propagationPolicy":"Orphan"})");
  auto dry = asked(tell_who());
  BOOST_TEST(has(dry.body, R"("dryRun":["All"])"));
  BOOST_TEST(has(dry.body, "preconditions"));
  auto out = taken(tell(200));
  BOOST_TEST((out.what.does == change::remove));
  BOOST_TEST(out.what.what.body == R"({"propagationPolicy":"Orphan"})");
  BOOST_TEST(*out.what.read_at == 5U);
  BOOST_TEST((out.what.settle == settling::repeat));
  // What is gone here is removed elsewhere all the same.
  (void) take("DELETE", purple);
  (void) taken(tell(404));
}

BOOST_AUTO_TEST_CASE(a_dry_delete_is_this_sites_alone) {
  found();
  auto body = R"({"dryRun":["All"]})";
  auto own = asked(take("DELETE", purple, body));
  BOOST_TEST(own.body == body);
  BOOST_TEST(!own.as_node);
  BOOST_TEST(answered(tell(200)).status == 200U);
}

BOOST_AUTO_TEST_CASE(an_apply_makes_what_is_not_there) {
  fields.push_back({"Content-Type", "application/apply-patch+yaml"});
  auto x = ask("PATCH", "/api/v1/namespaces/d/configmaps/new", "Site1 & Site2");
  BOOST_TEST((x.what == verdict::replicate));
  auto out = taken(take_as_andy("PATCH",
                                "/api/v1/namespaces/default/"
                                "configmaps/new?force=true&dryRun=",
                                R"({"metadata":{"name":"new"}})", 201));
  BOOST_TEST((out.what.does == change::create));
  BOOST_TEST((out.what.settle == settling::repeat));
  BOOST_TEST(out.what.what.target
             == "/api/v1/namespaces/default/configmaps/new?force=true");
  BOOST_TEST(out.key->path.back() == "new");
  // It is at this site alone: nobody asked to put it on others.
  BOOST_TEST(
    (refused(take_as_andy("PATCH", "/api/v1/namespaces/default/configmaps/old",
                          R"({"metadata":{"name":"old"}})", 200))
       .code
     == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(who_impersonates_must_be_allowed_to) {
  fields.push_back({"Impersonate-User", "bo"});
  fields.push_back({"Impersonate-Group", "ops"});
  (void) take("POST", maps, R"({"metadata":{"name":"a"}})");
  auto first = asked(tell_who());
  BOOST_TEST(first.as_node);
  BOOST_TEST(has(first.target, "/subjectaccessreviews"));
  BOOST_TEST(has(first.body, R"("user":"andy")"));
  BOOST_TEST(has(first.body, R"("resource":"groups")"));
  auto second = asked(tell(201, R"({"status":{"allowed":true}})"));
  BOOST_TEST(has(second.body, R"("resource":"users")"));
  auto dry = asked(tell(201, R"({"status":{"allowed":true}})"));
  BOOST_TEST(value_of(dry.fields, "Impersonate-User") == "bo");
  auto out = taken(tell(201));
  BOOST_TEST(out.what.principal == to_json({"bo", "", {"ops"}, {}}));

  (void) take("POST", maps, R"({"metadata":{"name":"a"}})");
  BOOST_TEST(answered(tell(201, R"({"status":{"allowed":false}})")).status
             == 403U);
}

BOOST_AUTO_TEST_CASE(half_an_impersonation_is_none) {
  fields.push_back({"Impersonate-Group", "system:masters"});
  (void) take("POST", maps, "{}");
  BOOST_TEST((refused(tell_who()).code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(a_service_account_is_impersonated_as_one) {
  auto x =
    claims_of({"system:serviceaccount:ns:robot", "", {}, {{"k", {"v"}}}});
  BOOST_REQUIRE(x.size() == 2U);
  BOOST_TEST(x[0].resource == "serviceaccounts");
  BOOST_TEST(x[0].ns == "ns");
  BOOST_TEST(x[0].name == "robot");
  BOOST_TEST(x[1].resource == "userextras");
  BOOST_TEST(x[1].subresource == "k");
}

BOOST_AUTO_TEST_CASE(names_of_another_sites_cluster_count_only_where_trusted) {
  peer = site_id{"Site3"};
  (void) take("POST", maps, R"({"metadata":{"name":"a"}})");
  auto why = refused(tell_who("root", R"(["system:masters"])"));
  BOOST_TEST((why.code == errc::forbidden));
  config->default_trust.roles = {"system:masters"};
  (void) asked(take("POST", maps, R"({"metadata":{"name":"a"}})"));
}

BOOST_AUTO_TEST_CASE(names_that_count_at_one_site_alone_never_enter_the_log) {
  (void) take("POST", maps, R"({"metadata":{"name":"a"}})");
  BOOST_TEST((refused(tell_who("root", R"(["system:masters"])")).code
              == errc::forbidden));
  about.sites = {site_id{"Site1"}};
  (void) asked(take("POST", maps, R"({"metadata":{"name":"a"}})"));
}

BOOST_AUTO_TEST_CASE(many_are_removed_at_once_where_no_other_site_has_one) {
  BOOST_TEST((ask("DELETE", maps).what == verdict::replicate));
  at.by_id = [this](const service_id& s, std::string_view kind,
                    std::string_view id) { return port->find(s, kind, id); };
  about.sites.clear();
  auto path = std::string{maps} + "?labelSelector=a%3Db";
  auto first = asked(take("DELETE", path));
  BOOST_TEST(first.method == "GET");
  BOOST_TEST(first.target == path + "&limit=100");
  auto second = asked(tell(200, R"({"metadata":{"continue":"c/1"},"items":[
      {"metadata":{"name":"violet","namespace":"default"}}]})"));
  BOOST_TEST(second.target == path + "&limit=100&continue=c%2F1");
  auto last = asked(tell(200, R"({"metadata":{},"items":null})"));
  BOOST_TEST(last.method == "DELETE");
  BOOST_TEST(last.target == path);
  BOOST_TEST(answered(tell(200)).status == 200U);

  (void) asked(take("DELETE", maps));
  auto why = refused(tell(200, R"({"items":[
      {"metadata":{"name":"purple","namespace":"default"}}]})"));
  BOOST_TEST((why.code == errc::not_built));
  BOOST_TEST(has(why.what, "purple"));
  (void) asked(take("DELETE", maps));
  BOOST_TEST(answered(tell(403)).status == 403U);
}

BOOST_AUTO_TEST_CASE(what_controllers_make_is_not_for_several_sites) {
  BOOST_TEST((refused(take("POST", "/api/v1/namespaces/d/pods",
                           R"({"metadata":{"name":"p","ownerReferences":
                             [{"controller":true}]}})"))
                .code
              == errc::bad_request));
  BOOST_TEST((refused(take("POST", "/api/v1/namespaces/d/secrets",
                           R"({"metadata":{"name":"s"},
                             "type":"kubernetes.io/service-account-token"})"))
                .code
              == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(what_is_missing_at_a_site_is_said_before_it_is_made) {
  constexpr auto pods = "/api/v1/namespaces/violet/pods";
  auto body = R"({"metadata":{"name":"p"},"spec":{"volumes":[
    {"configMap":{"name":"settings"}},
    {"secret":{"secretName":"maybe","optional":true}}]}})";
  auto first = asked(take_as_andy("POST", pods, body, 201));
  BOOST_TEST(first.target == "/api/v1/namespaces/violet");
  BOOST_TEST(first.site.value == "Site1");
  BOOST_TEST(asked(tell(200)).site.value == "Site2");
  auto third = asked(tell(404));
  BOOST_TEST(third.target == "/api/v1/namespaces/violet/configmaps/settings");
  (void) asked(tell(200));
  auto out = answered(tell(403)); // Nobody knows.
  BOOST_TEST(out.status == 422U);
  BOOST_TEST(has(out.body, "namespaces \\\"violet\\\" is missing at Site2"));
  BOOST_TEST(!has(out.body, "settings"));
}

BOOST_AUTO_TEST_CASE(what_is_replicated_is_waited_for) {
  auto ns = replicant::random_meta(3, 4);
  port->named["violet"] = {ns, 7, replicant::site_state::ok};
  auto out = taken(take_as_andy("POST", "/api/v1/namespaces/violet/configmaps",
                                R"({"metadata":{"name":"p"}})", 201));
  BOOST_TEST((out.what.after == std::vector{replicant::dependency{ns, 7}}));
  BOOST_TEST((out.by_name == std::vector{ns}));
}

BOOST_AUTO_TEST_CASE(a_custom_resource_needs_its_definition) {
  auto x =
    asked(take_as_andy("POST", "/apis/shop.example/v1/namespaces/default/bars",
                       R"({"metadata":{"name":"b"}})", 201));
  BOOST_TEST(x.target
             == "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
                "bars.shop.example");
}

BOOST_AUTO_TEST_CASE(a_body_that_cannot_be_read_is_refused) {
  BOOST_TEST((refused(take("POST", maps, "no")).code == errc::bad_request));
  fields.push_back({"Content-Encoding", "gzip"});
  BOOST_TEST((refused(take("POST", maps, "{}")).code == errc::bad_request));
}

BOOST_AUTO_TEST_SUITE_END()
