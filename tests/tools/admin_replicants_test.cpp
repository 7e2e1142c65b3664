#define BOOST_TEST_MODULE tools_admin_replicants
#include "tools/admin.hpp"
#include "tools/asked_node.hpp"
#include "tools/sample_replication.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace cheops::test;

namespace json = boost::json;

namespace {

struct running : asked_node {
  std::string meta;

  running() {
    replication = sample_replication();
    meta = to_string(replication->views.begin()->first);
    start();
  }

  json::value get(const std::string& target) {
    auto answer = ask("GET", target);
    BOOST_TEST(answer.status == 200U, answer.body);
    return json::parse(answer.body);
  }
  std::size_t listed(const std::string& query) {
    return get("/v1/replicants" + query).at("replicants").as_array().size();
  }
  http::client_response post(const std::string& what,
                             const std::string& body = {}) {
    return ask("POST", "/v1/replicants/" + meta + "/" + what, body);
  }
  std::string detail(const http::client_response& x) {
    return json::value_to<std::string>(json::parse(x.body).at("detail"));
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(replicants_are_listed_by_page_and_filter, running) {
  BOOST_TEST(listed("") == 2U);
  BOOST_TEST(listed("?kind=bar") == 1U);
  BOOST_TEST(listed("?service=b") == 1U);
  BOOST_TEST(listed("?state=diverged") == 1U);
  BOOST_TEST(listed("?state=uncertain") == 0U);
  auto page = get("/v1/replicants?limit=1");
  auto next = json::value_to<std::string>(page.at("next"));
  BOOST_TEST(page.at("replicants").at(0).at("replicant").as_string() == next);
  for (auto bad :
       {"?state=fine", "?service=C", "?site=Nowhere", "?limit=x", "?after=x"})
    BOOST_TEST(ask("GET", std::string{"/v1/replicants"} + bad).status == 400U,
               bad);
}

BOOST_FIXTURE_TEST_CASE(one_is_described_in_full, running) {
  auto x = get("/v1/replicants/" + meta);
  BOOST_TEST(x.at("leader").as_string() == "Site2");
  BOOST_TEST(x.at("sites").at(1).at("local_id").as_string() == "17");
  BOOST_TEST(x.at("troubles").at(0).at("status").to_number<int>() == 409);
  auto none = ask("GET", "/v1/replicants/" + meta + "7");
  BOOST_TEST(none.status == 404U);
  BOOST_TEST(none.get("Cheops-Error") == "not-found");
  BOOST_TEST(ask("GET", "/v1/replicants/x").status == 400U);
}

BOOST_FIXTURE_TEST_CASE(an_operation_says_what_became_of_it, running) {
  auto name = replication->operations.begin()->first;
  auto x = get("/v1/operations/" + name);
  BOOST_TEST(x.at("fate").as_string() == "stands");
  BOOST_TEST(x.at("sites").at(0).at("state").as_string() == "diverged");
  BOOST_TEST(
    ask("GET", "/v1/operations/" + meta + "_0000000000000001-1-1").status
    == 404U);
  BOOST_TEST(ask("GET", "/v1/operations/1").status == 400U);
}

BOOST_FIXTURE_TEST_CASE(sites_are_changed_by_a_scope, running) {
  std::vector<site_id> asked;
  auto removes = false;
  replication->on_scale = [&](const auto& of, const auto& to, bool remove,
                              auto done) {
    asked = to.sites;
    removes = remove;
    ports::write_answer out;
    out.meta = of;
    out.how.how = replicant::ending::settled;
    done(out);
  };
  auto answer = post("scale", R"({"scope": "{ServiceB: site2 & Site3}"})");
  BOOST_TEST(answer.status == 200U, answer.body);
  BOOST_TEST((asked == std::vector{site_id{"Site2"}, site_id{"Site3"}}));
  BOOST_TEST(removes);
  BOOST_TEST(post("scale", R"({"scope": "Site1", "remove": false})").status
             == 200U);
  BOOST_TEST((asked == std::vector{site_id{"Site1"}}));
  BOOST_TEST(!removes);
  for (auto bad : {R"({"scope": "Site1 || Site2"})", R"({"scope": "Site9"})",
                   R"({"scope": 1})", R"({"scop": "Site1"})", "1"})
    BOOST_TEST(post("scale", bad).status == 400U, bad);
}

BOOST_FIXTURE_TEST_CASE(what_is_refused_has_the_status_of_the_rules, running) {
  replication->on_scale = [](const auto& of, const auto&, bool, auto done) {
    ports::write_answer out;
    out.meta = of;
    out.how.how = replicant::ending::refused;
    out.how.why = replicant::refusal::not_member;
    done(out);
  };
  auto answer = post("scale", R"({"scope": "Site1"})");
  BOOST_TEST(answer.status == 421U);
  BOOST_TEST(json::parse(answer.body).at("site").as_string() == "Site1");
}

BOOST_FIXTURE_TEST_CASE(a_person_settles_what_troubles_a_site, running) {
  replicant::resolve_asked asked;
  replication->on_resolve = [&](const auto& of, const auto& how, auto done) {
    asked = how;
    ports::write_answer out;
    out.meta = of;
    out.how.how = replicant::ending::settled;
    done(out);
  };
  BOOST_TEST(post("retry").status == 200U);
  BOOST_TEST((asked.how == replicant::resolution::retry));
  BOOST_TEST(asked.index == 9U); // The oldest that troubles it.
  BOOST_TEST(post("abandon", R"({"index": 4})").status == 200U);
  BOOST_TEST((asked.how == replicant::resolution::abandon));
  BOOST_TEST(asked.index == 4U);
  BOOST_TEST(post("settle", R"({"local_id": "41"})").status == 200U);
  BOOST_TEST((asked.how == replicant::resolution::exists));
  BOOST_TEST(asked.local_id == "41");
  BOOST_TEST(post("settle").status == 400U);
  replication->views.begin()->second.troubles.clear();
  auto none = post("retry");
  BOOST_TEST(none.status == 404U);
  BOOST_TEST(detail(none).starts_with("nothing troubles replicant"));
}

BOOST_FIXTURE_TEST_CASE(events_come_by_page, running) {
  auto all = get("/v1/events");
  BOOST_TEST(all.at("events").as_array().size() == 2U);
  BOOST_TEST(all.at("events").at(1).at("event").as_string() == "diverged");
  BOOST_TEST(all.at("next").to_number<int>() == 2);
  BOOST_TEST(get("/v1/events?after=1").at("events").as_array().size() == 1U);
  BOOST_TEST(
    get("/v1/events?replicant=" + meta + "7").at("events").as_array().empty());
}

BOOST_FIXTURE_TEST_CASE(events_are_followed_as_they_come, running) {
  auto routes = tools::admin_routes(context());
  auto route = std::ranges::find(routes, "/v1/events", &http::route::path);
  BOOST_REQUIRE(route != routes.end());
  auto watch = [&](const std::string& after, const std::string& last) {
    http::service_request rq;
    rq.query = {{"watch", ""}};
    if (!after.empty())
      rq.query["after"] = after;
    if (!last.empty())
      rq.fields.emplace_back("Last-Event-ID", last);
    auto answer = route->run(rq);
    BOOST_TEST(answer.type == "text/event-stream");
    std::string all, piece;
    for (int i = 0; i < 3; ++i, piece.clear()) {
      BOOST_REQUIRE(answer.stream(piece));
      all += piece;
    }
    return all;
  };
  // From now on, unless told otherwise.
  BOOST_TEST(watch("", "") == ": events behind 2\n\n");
  auto both = watch("0", "");
  BOOST_TEST(both.find("id: 1\nevent: decided\ndata: {\"sequence\":1,")
             != std::string::npos);
  BOOST_TEST(both.find("id: 2\nevent: diverged\n") != std::string::npos);
  auto rest = watch("0", "1");
  BOOST_TEST(rest.find("id: 1\n") == std::string::npos);
  BOOST_TEST(rest.find("id: 2\n") != std::string::npos);
}
