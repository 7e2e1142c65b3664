#define BOOST_TEST_MODULE tools_admin
#include "tools/admin.hpp"
#include "tools/asked_node.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace cheops::test;
using namespace std::chrono_literals;

namespace json = boost::json;

namespace {

struct running : asked_node {
  running() { start(); }

  json::value get(const std::string& target) {
    auto answer = ask("GET", target);
    BOOST_TEST(answer.status == 200U);
    BOOST_TEST(answer.get("Content-Type") == "application/json");
    return json::parse(answer.body);
  }

  http::client_response explain(const std::string& body) {
    return ask("POST", "/v1/scope:explain", body);
  }

  /// The problem that a PUT of these faults is answered with.
  std::string refused(const std::string& faults) {
    auto answer = ask("PUT", "/v1/faults", faults);
    BOOST_TEST(answer.status == 400U);
    BOOST_TEST(answer.get("Content-Type") == "application/problem+json");
    return json::value_to<std::string>(json::parse(answer.body).at("detail"));
  }
};

std::string text(const json::value& x, const char* name) {
  return json::value_to<std::string>(x.at(name));
}

} // namespace

BOOST_FIXTURE_TEST_CASE(liveness_is_a_word, running) {
  auto answer = ask("GET", "/livez");
  BOOST_TEST(answer.status == 200U);
  BOOST_TEST(answer.body == "ok\n");
}

BOOST_FIXTURE_TEST_CASE(peers_that_are_down_do_not_count_for_readiness,
                        running) {
  BOOST_TEST(ask("GET", "/readyz").body == "ok\n");
  auto answer = ask("GET", "/readyz?verbose");
  BOOST_TEST(answer.status == 200U);
  BOOST_TEST(answer.body
             == "[+]fronts ok\n[+]actors ok\n[+]peer Site2 ok\n"
                "[!]peer Site3 down (not counted)\nreadyz check passed\n");
}

BOOST_FIXTURE_TEST_CASE(a_broken_part_makes_the_node_not_ready, running) {
  fronts_work = false;
  auto answer = ask("GET", "/readyz");
  BOOST_TEST(answer.status == 503U);
  BOOST_TEST(answer.body.starts_with(
    "[-]fronts failed: ServiceA: port 8101 is taken\n"));
  BOOST_TEST(answer.body.ends_with("readyz check failed\n"));
}

BOOST_FIXTURE_TEST_CASE(metrics_are_prometheus_text, running) {
  auto answer = ask("GET", "/metrics");
  BOOST_TEST(answer.get("Content-Type")
             == "text/plain; version=0.0.4; charset=utf-8");
  BOOST_TEST(answer.body == "# TYPE up gauge\nup 1\n");
}

BOOST_FIXTURE_TEST_CASE(the_version_names_site_and_application, running) {
  auto x = get("/v1/version");
  BOOST_TEST(text(x, "version") == "1.2.3");
  BOOST_TEST(text(x, "site") == "Site1");
  BOOST_TEST(text(x, "application") == "demo");
  BOOST_TEST(text(x, "started") == "2027-01-15T08:00:00.000Z");
}

BOOST_FIXTURE_TEST_CASE(sites_are_the_snapshot, running) {
  auto x = get("/v1/sites");
  BOOST_TEST(text(x, "self") == "Site1");
  BOOST_TEST(x.at("version").to_number<int>() == 3);
  const auto& sites = x.at("sites").as_array();
  BOOST_TEST(sites.size() == 3U);
  BOOST_TEST(text(sites[0], "state") == "self");
  BOOST_TEST(sites[0].at("round_trips_us").at("Site2").to_number<int>()
             == 40'000);
  BOOST_TEST(text(sites[2], "state") == "down");
  BOOST_TEST(text(sites[2], "peer_front") == "127.0.0.1:7005");
}

BOOST_FIXTURE_TEST_CASE(links_are_those_to_peers, running) {
  auto x = get("/v1/links");
  const auto& links = x.at("links").as_array();
  BOOST_TEST(links.size() == 2U);
  BOOST_TEST(links[0].at("round_trip_us").to_number<int>() == 40'000);
  BOOST_TEST(links[1].at("round_trip_us").is_null());
  BOOST_TEST(text(links[1], "last_error") == "no heartbeat for 2 s");
}

BOOST_FIXTURE_TEST_CASE(fronts_say_where_this_machine_reaches_them, running) {
  auto x = get("/v1/fronts");
  BOOST_TEST(text(x.at("fronts").at(0), "url") == "http://127.0.0.1:8101");
  BOOST_TEST(text(x.at("fronts").at(1), "service") == "ServiceB");
}

BOOST_FIXTURE_TEST_CASE(the_application_comes_with_what_clients_need, running) {
  auto x = get("/v1/application");
  BOOST_TEST(text(x, "name") == "demo");
  BOOST_TEST(text(x.at("environment"), "SERVICE_A_URL") == "{url:ServiceA}");
  BOOST_TEST(x.at("services").as_array().size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(explain_answers_the_plan, running) {
  auto answer = explain(R"({"scope": "{serviceb:site2||Site3}",
                            "method": "POST", "path": "/bars"})");
  BOOST_REQUIRE_MESSAGE(answer.status == 200U, answer.body);
  auto x = json::parse(answer.body);
  BOOST_TEST(text(x, "action") == "share");
  BOOST_TEST((x.at("sites") == json::value{"Site2", "Site3"}));
  BOOST_TEST(text(x.at("request"), "service") == "ServiceB");
  BOOST_TEST(text(x.at("request"), "resource") == "bar");
  BOOST_TEST(text(x.at("request"), "verb") == "create");
  BOOST_TEST(x.at("not_built").is_null());
}

BOOST_FIXTURE_TEST_CASE(explain_says_what_this_release_does_not_run, running) {
  auto answer = explain(R"({"scope": "Site1 & Site2", "service": "ServiceB",
                            "method": "POST", "path": "/bars"})");
  BOOST_REQUIRE_MESSAGE(answer.status == 200U, answer.body);
  auto x = json::parse(answer.body);
  BOOST_TEST(text(x, "action") == "replicate");
  BOOST_TEST(!text(x, "not_built").empty());
}

BOOST_FIXTURE_TEST_CASE(a_wrong_scope_is_pointed_at, running) {
  auto answer = explain(R"({"scope": "{ServiceB: Site2 || Sitte3}"})");
  BOOST_TEST(answer.status == 400U);
  BOOST_TEST(answer.get("Cheops-Error") == "unknown-site");
  auto x = json::parse(answer.body);
  BOOST_TEST(text(x, "pointer") == "#/scope");
  BOOST_TEST(x.at("at").to_number<int>() == 20);
  BOOST_TEST(text(x, "nearest") == "Site3");
  auto caret = text(x, "caret");
  BOOST_TEST(caret.find('^') != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(bodies_that_are_wrong_are_refused, running) {
  for (const auto* body :
       {"", "{", "[]", "{}", R"({"scope": 1})", R"({"scope": "Site1", "x": 1})",
        R"({"scope": "{ServiceA: Site1}", "path": "foos"})"}) {
    auto answer = explain(body);
    BOOST_TEST(answer.status == 400U, body);
    BOOST_TEST(text(json::parse(answer.body), "code") == "bad-request", body);
  }
}

BOOST_FIXTURE_TEST_CASE(a_service_that_is_not_there_has_a_near_name, running) {
  auto answer = explain(R"({"scope": "Site1", "service": "ServiceC"})");
  BOOST_TEST(answer.status == 400U);
  auto hint = text(json::parse(answer.body), "hint");
  BOOST_TEST(hint.find("did you mean Service") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(faults_are_replaced_as_a_whole, running) {
  auto put = ask("PUT", "/v1/faults",
                 R"({"faults": [{"peer": "site2", "cut": true},
                     {"peer": "Site3", "direction": "in", "delay": "40ms",
                      "loss": 0.25}]})");
  BOOST_REQUIRE_MESSAGE(put.status == 200U, put.body);
  auto table = faults();
  BOOST_TEST(table.at(site_id{"Site2"}).in.cut);
  BOOST_TEST(table.at(site_id{"Site2"}).out.cut);
  BOOST_TEST((table.at(site_id{"Site3"}).in == mesh::fault{false, 40ms, 0.25}));
  BOOST_TEST((table.at(site_id{"Site3"}).out == mesh::fault{}));
  auto shown = get("/v1/faults").at("faults");
  BOOST_TEST(shown.as_array().size() == 3U);
  BOOST_TEST(text(shown.at(2), "delay") == "40ms");
  put = ask("PUT", "/v1/faults", R"({"faults": []})");
  BOOST_TEST(put.status == 200U);
  BOOST_TEST(faults().empty());
}

BOOST_FIXTURE_TEST_CASE(faults_that_are_wrong_change_nothing, running) {
  const std::pair<const char*, const char*> wrong[] = {
    {R"({})", "\"faults\" must be a list"},
    {R"({"faults": [1]})", "faults[0] must be an object"},
    {R"({"faults": [{}]})", "\"peer\" must be"},
    {R"({"faults": [{"peer": "Site9"}]})", "no peer \"Site9\""},
    {R"({"faults": [{"peer": "Site1"}]})", "no peer of its own"},
    {R"({"faults": [{"peer": "Site2", "loss": 1.1}]})", "\"loss\" must be"},
    {R"({"faults": [{"peer": "Site2", "loss": "x"}]})", "\"loss\" must be"},
    {R"({"faults": [{"peer": "Site2", "delay": 40}]})", "\"delay\" must be"},
    {R"({"faults": [{"peer": "Site2", "delay": "61s"}]})", "at most 60s"},
    {R"({"faults": [{"peer": "Site2", "cut": 1}]})", "\"cut\" must be"},
    {R"({"faults": [{"peer": "Site2", "direction": "up"}]})",
     "\"direction\" must be"},
    {R"({"faults": [{"peer": "Site2", "cuts": true}]})", "unknown member"},
    {R"({"faults": [{"peer": "Site2"}, {"peer": "SITE2", "direction": "in"}]})",
     "faults[1]: a second entry for Site2"},
  };
  for (const auto& [body, part] : wrong)
    BOOST_TEST(refused(body).find(part) != std::string::npos, body);
  BOOST_TEST(faults().empty());
}

BOOST_FIXTURE_TEST_CASE(every_error_has_one_shape, running) {
  http::client_request typed;
  typed.method = "PUT";
  typed.url = "http+unix://" + socket() + ":/v1/faults";
  typed.fields.emplace_back("Content-Type", "text/plain");
  typed.body = "x";
  const http::client_response all[] = {
    ask("GET", "/nothing"),
    ask("DELETE", "/v1/sites"),
    http::fetch(typed).value(),
    ask("PUT", "/v1/faults", "{"),
    explain(R"({"scope": "{"})"),
    explain("[]"),
    ask("PUT", "/v1/faults", R"({"faults": [{"peer": "Nope"}]})")};
  const unsigned statuses[] = {404, 405, 415, 400, 400, 400, 400};
  for (std::size_t i = 0; i < std::size(all); ++i) {
    BOOST_TEST(all[i].status == statuses[i], i);
    BOOST_TEST(all[i].get("Content-Type") == "application/problem+json");
    auto body = json::parse(all[i].body);
    auto code = text(body, "code");
    BOOST_TEST(text(body, "type") == "urn:cheops:error:" + code);
    BOOST_TEST(all[i].get("Cheops-Error") == code);
    for (const auto* member : {"title", "detail", "site", "step", "hint"})
      BOOST_TEST(body.as_object().contains(member), member << all[i].body);
    BOOST_TEST(text(body, "site") == "Site1", all[i].body);
    BOOST_TEST(!text(body, "step").empty(), all[i].body);
  }
  BOOST_TEST(text(json::parse(all[6].body), "detail")
             == "no peer \"Nope\" is known");
  BOOST_TEST(text(json::parse(all[6].body), "hint")
             == "its peers are Site2, Site3");
}

BOOST_AUTO_TEST_CASE(faults_need_experiments) {
  fixed_node node{false};
  node.start();
  http::client_request rq;
  rq.method = "PUT";
  rq.url = "http+unix://" + node.socket() + ":/v1/faults";
  rq.body = R"({"faults": [{"peer": "Site2", "cut": true}]})";
  auto answer = http::fetch(rq);
  BOOST_REQUIRE(answer);
  BOOST_TEST(answer->status == 403U);
  BOOST_TEST(answer->body.find("experiments: true") != std::string::npos);
  rq.body = R"({"faults": []})"; // To have none is always allowed.
  answer = http::fetch(rq);
  BOOST_REQUIRE(answer);
  BOOST_TEST(answer->status == 200U);
}

BOOST_AUTO_TEST_CASE(over_tcp_a_token_is_asked_for_and_the_host_is_checked) {
  fixed_node node;
  node.config.admin.unix_path.clear();
  node.config.admin.listen = mesh::address{"127.0.0.1", 0};
  node.config.admin.token_file =
    node.folder.write("token", "s3cret-of-many-letters\n", 0600);
  node.start();
  auto status = [&](const std::string& target, const std::string& token,
                    const std::string& host) {
    http::client_request rq;
    rq.url = "http://127.0.0.1:" + std::to_string(node.port()) + target;
    if (!token.empty())
      rq.fields.emplace_back("Authorization", "Bearer " + token);
    if (!host.empty())
      rq.fields.emplace_back("Host", host);
    auto answer = http::fetch(rq);
    BOOST_REQUIRE_MESSAGE(answer, to_string(answer.error()));
    return answer->status;
  };
  for (const auto* open : {"/livez", "/readyz"})
    BOOST_TEST(status(open, "", "") == 200U);
  for (const auto* closed :
       {"/metrics", "/openapi.json", "/v1/version", "/v1/sites", "/v1/links",
        "/v1/fronts", "/v1/application", "/v1/faults"}) {
    BOOST_TEST(status(closed, "", "") == 401U);
    BOOST_TEST(status(closed, "wrong", "") == 401U);
    BOOST_TEST(status(closed, "s3cret-of-many-letters", "") == 200U);
  }
  BOOST_TEST(status("/v1/sites", "s3cret-of-many-letters", "evil.example")
             == 403U);
}
