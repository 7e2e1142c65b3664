#include "glue/openstack/catalogue.hpp"
#include "glue/openstack/identity.hpp"
#include "glue/openstack/site_fixture.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace cheops::glue::openstack;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

const site_id paris{"Paris"};
const site_id berlin{"Berlin"};

identity member() {
  identity x;
  x.user = "u1";
  x.user_name = "bo";
  x.user_domain = "default";
  x.project = "p1";
  x.project_name = "demo";
  x.project_domain = "default";
  x.roles = {"member", "reader"};
  return x;
}

identity admin() {
  auto x = member();
  x.roles.insert(x.roles.begin(), "Admin");
  return x;
}

std::string why(const identity& x, const site::trust& rules = {}) {
  auto out = judge(x, rules, berlin, paris);
  return out ? "" : to_string(out.error());
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

constexpr auto answer = R"({"token": {
  "methods": ["password"], "expires_at": "2026-01-02T03:04:05.000000Z",
  "user": {"id": "u1", "name": "bo", "domain": {"id": "default"}},
  "project": {"id": "p1", "name": "demo", "domain": {"id": "default"}},
  "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
  "catalog": [{"type": "image", "endpoints": [{"url": "http://berlin:9292"}]}],
  "audit_ids": ["x"]}})";

} // namespace

BOOST_AUTO_TEST_SUITE(identities)

BOOST_AUTO_TEST_CASE(keystones_answer_is_read) {
  auto x = read_identity(answer);
  BOOST_REQUIRE(x);
  BOOST_TEST(x->user == "u1");
  BOOST_TEST(x->user_name == "bo");
  BOOST_TEST(x->user_domain == "default");
  BOOST_TEST(x->project == "p1");
  BOOST_TEST(x->project_name == "demo");
  BOOST_TEST(x->project_domain == "default");
  BOOST_TEST((x->roles == names{"member", "reader"}));
  BOOST_TEST(!x->beyond_project);
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
    x->expires.time_since_epoch());
  BOOST_TEST(seconds.count() == 1767323045); // date -d 2026-01-02T03:04:05Z +%s
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_of_keystone_is_said_to_be_none) {
  for (auto text :
       {"", "[]", "{}", R"({"token": 1})", R"({"token": {}})",
        R"({"token": {"user": {"id": "u"}}})",
        R"({"token": {"user": {"id": "u"}, "expires_at": "tomorrow"}})"}) {
    auto x = read_identity(text);
    BOOST_REQUIRE_MESSAGE(!x, text);
    BOOST_TEST((x.error().code == errc::broken));
  }
  for (auto time :
       {"2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "-026-01-01T00:00:00Z"})
    BOOST_TEST(!read_time(time), time);
}

BOOST_AUTO_TEST_CASE(a_token_beyond_a_project_is_known) {
  auto x = read_identity(R"({"token": {"expires_at": "2026-01-02T03:04:05Z",
    "user": {"id": "u"}, "system": {"all": true}}})");
  BOOST_REQUIRE(x);
  BOOST_TEST(x->beyond_project);
  BOOST_TEST(has(why(*x), "for a project only"));
  site::trust any;
  any.roles = {"*"};
  BOOST_TEST(why(*x, any).empty());
}

BOOST_AUTO_TEST_CASE(a_plain_user_of_a_peer_counts_with_all_roles) {
  auto x = judge(member(), {}, berlin, paris);
  BOOST_REQUIRE(x);
  BOOST_TEST((*x == names{"member", "reader"}));
}

BOOST_AUTO_TEST_CASE(an_admin_of_a_peer_is_refused_unless_the_role_is_named) {
  auto text = why(admin());
  BOOST_TEST(has(text, "Admin"), text);
  BOOST_TEST(has(text, "Berlin"), text);
  BOOST_TEST(has(text, "Paris"), text);
  site::trust rules;
  rules.roles = {"member"};
  BOOST_TEST(has(why(admin(), rules), "Admin")); // Not let in as a member.
  rules.roles = {"admin"};
  auto x = judge(admin(), rules, berlin, paris);
  BOOST_REQUIRE(x);
  BOOST_TEST((*x == names{"Admin"})); // The others do not count.
  rules.roles = {"*"};
  BOOST_TEST(judge(admin(), rules, berlin, paris)->size() == 3u);
  auto service = member();
  service.roles = {"service"};
  BOOST_TEST(has(why(service), "service"));
}

BOOST_AUTO_TEST_CASE(roles_projects_and_sites_that_do_not_count_are_refused) {
  site::trust rules;
  rules.roles = {"operator"};
  BOOST_TEST(has(why(member(), rules), "none of the user's roles"));
  rules = {};
  rules.projects = {"p2", "other"};
  BOOST_TEST(has(why(member(), rules), "demo"));
  rules.projects = {"demo"};
  BOOST_TEST(why(member(), rules).empty());
  rules.projects = {"p1"};
  BOOST_TEST(why(member(), rules).empty());
  rules = {};
  rules.tokens = false;
  BOOST_TEST(has(why(member(), rules), "not accepted"));
}

BOOST_AUTO_TEST_CASE(who_runs_a_domain_cannot_take_a_name_that_counts) {
  auto x = member();
  x.user_domain = x.project_domain = "acme";
  site::trust rules;
  rules.projects = {"demo"};
  BOOST_TEST(has(why(x, rules), "demo"));
  rules.projects = {"p1"};
  BOOST_TEST(why(x, rules).empty());
  site::config config;
  config.service_users = {"bo"};
  BOOST_TEST(!is_service(x, config));
  config.service_users = {"u1"};
  BOOST_TEST(is_service(x, config));
}

BOOST_AUTO_TEST_CASE(a_token_for_no_project_is_refused) {
  auto x = member();
  x.project.clear();
  BOOST_TEST(has(why(x), "for none"));
}

BOOST_AUTO_TEST_CASE(services_are_known_by_role_or_by_name) {
  site::config config;
  auto x = member();
  BOOST_TEST(!is_service(x, config));
  BOOST_TEST(!may_validate(x, config));
  BOOST_TEST(!is_service(admin(), config));
  BOOST_TEST(may_validate(admin(), config));
  config.service_users = {"bo"};
  BOOST_TEST(is_service(x, config));
  x.roles = {"Service"};
  config.service_users.clear();
  BOOST_TEST(is_service(x, config));
}

BOOST_AUTO_TEST_CASE(the_answer_has_the_roles_that_count_and_our_catalogue) {
  auto x = counted_answer(answer, {"Reader"}, R"([{"type": "image"}])");
  BOOST_REQUIRE(x);
  auto whole = boost::json::parse(*x);
  auto& token = whole.at("token").as_object();
  BOOST_TEST(token.at("roles").as_array().size() == 1u);
  BOOST_TEST(token.at("roles").as_array()[0].at("name").as_string()
             == "reader");
  BOOST_TEST(!has(*x, "berlin"));
  BOOST_TEST(has(*x, "audit_ids"));
  BOOST_TEST(!counted_answer("{}", {}, "[]"));
  BOOST_TEST(!counted_answer(answer, {}, "{"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(catalogues)

BOOST_AUTO_TEST_CASE(a_catalogue_is_that_of_the_answer) {
  BOOST_TEST(has(read_catalogue(answer).value(), "http://berlin:9292"));
  BOOST_TEST(read_catalogue(R"({"token": {}})").value() == "[]");
  BOOST_TEST(!read_catalogue("x"));
}

BOOST_AUTO_TEST_CASE(a_catalogue_of_one_project_is_made_that_of_another) {
  std::string one = R"([{"endpoints":[{"url":"http://h:8776/v3/p1"},)"
                    R"({"url":"http://h/v1/AUTH_p1/x"},)"
                    R"({"url":"http://p1:9292/p11","name":"p1"}]}])";
  auto two = for_project(one, "p1", "p2");
  BOOST_TEST(has(two, "http://h:8776/v3/p2"), two);
  BOOST_TEST(has(two, "http://h/v1/AUTH_p2/x"), two);
  BOOST_TEST(has(two, "http://p1:9292/p11"), two);
  BOOST_TEST(for_project(one, "", "p2") == one);
}

BOOST_AUTO_TEST_CASE(endpoints_of_backends_become_those_of_fronts) {
  auto app = openstack_site::cloud();
  site::config config;
  config.fronts.resize(3);
  config.fronts[0].service = service_id{"Glance"};
  config.fronts[0].listen = {"10.0.0.1", 19292};
  config.fronts[0].to.at = {"10.0.0.1", 9292};
  // One web server has both, as DevStack's has.
  config.fronts[1].service = service_id{"Keystone"};
  config.fronts[1].listen = {"10.0.0.1", 15000};
  config.fronts[1].to.at = {"10.0.0.1", 80};
  config.fronts[2].service = service_id{"Nova"};
  config.fronts[2].listen = {"0.0.0.0", 18774};
  config.fronts[2].tls.certificate = "x";
  config.fronts[2].to.at = {"10.0.0.1", 80};
  auto x = at_fronts(R"({"token":{"catalog":[
    {"type":"image","endpoints":[{"url":"http://10.0.0.1:9292/v2"},
      {"url":"http://10.0.0.1:9999"}, {"name":"http://10.0.0.1:9292"}]},
    {"type":"compute","endpoints":[{"url":"http://10.0.0.1/compute"}]},
    {"endpoints":[{"url":"http://10.0.0.1/identity"}],"type":"identity"},
    {"type":"load-balancer","endpoints":[{"url":"http://10.0.0.1/lb"}]},
    {"type":"network","endpoints":[{"url":"http://10.0.0.1/networking"}]}
    ]}})",
                     app, config, "cloud:15000");
  BOOST_REQUIRE(x);
  BOOST_TEST(has(*x, "\"http://10.0.0.1:19292/v2\""), *x);
  BOOST_TEST(has(*x, "\"http://10.0.0.1:9999\""), *x);
  BOOST_TEST(has(*x, "\"name\":\"http://10.0.0.1:9292\""), *x);
  BOOST_TEST(has(*x, "\"https://cloud:18774/compute\""), *x);
  BOOST_TEST(has(*x, "\"http://10.0.0.1:15000/identity\""), *x);
  BOOST_TEST(has(*x, "\"http://10.0.0.1/lb\""), *x);
  BOOST_TEST(has(*x, "\"http://10.0.0.1/networking\""), *x);
  BOOST_TEST(!at_fronts("nothing", app, config, "h"));
}

BOOST_AUTO_TEST_CASE(links_lead_to_the_front_that_was_asked) {
  site::front front;
  front.to.at = {"10.0.0.1", 80};
  std::string versions = R"({"versions":{"values":[{"links":[
    {"rel":"self","href":"http://10.0.0.1/identity/v3/"},
    {"rel":"docs","href":"https://docs.openstack.org/"}]}]}})";
  auto x = links_at_front(versions, front, "", "cloud:15000").value();
  BOOST_REQUIRE(x);
  BOOST_TEST(has(*x, "\"http://cloud:15000/identity/v3/\""), *x);
  BOOST_TEST(has(*x, "\"https://docs.openstack.org/\""), *x);
  front.tls.certificate = "x";
  x = links_at_front(versions, front, "/scope/QQ", "cloud:15000").value();
  BOOST_TEST(has(x.value(), "\"https://cloud:15000/scope/QQ/identity/v3/\""));
  // Those that lead there keep what they have.
  BOOST_TEST(!links_at_front(versions, front, "", "10.0.0.1").value());
  front.to.at.port = 5000;
  BOOST_TEST(!links_at_front(versions, front, "", "cloud:15000").value());
  BOOST_TEST(!links_at_front("nothing", front, "", "h"));
}

BOOST_AUTO_TEST_CASE(links_to_the_front_stay_under_the_prefix) {
  auto x = links_at_front(R"({"versions":{"values":[{"links":[
    {"rel":"self","href":"http://127.0.1.1:15000/v3/"},
    {"rel":"docs","href":"https://docs.openstack.org/"}]}]}})",
                          {}, "/scope/QQ", "127.0.1.1:15000")
             .value();
  BOOST_REQUIRE(x);
  BOOST_TEST(has(*x, "http://127.0.1.1:15000/scope/QQ/v3/"), *x);
  BOOST_TEST(has(*x, "\"https://docs.openstack.org/\""), *x);
}

BOOST_AUTO_TEST_SUITE_END()
