#include "glue/kubernetes/calls.hpp"
#include "glue/kubernetes/own_fields.hpp"
#include "glue/kubernetes/principal.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <deque>

using namespace cheops;
using namespace cheops::glue::kubernetes;
using replicant::call_end;
using replicant::finding;

namespace json = boost::json;

namespace {

const service_id service{"Kubernetes"};
const std::string maps = "/api/v1/namespaces/default/configmaps";
const std::string purple =
  R"({"kind":"ConfigMap","metadata":{"name":"purple"},"data":{"a":"1"}})";

/// An API server that answers as the test says, in order; what it was asked
/// is kept.
struct scripted_server {
  struct line {
    unsigned status;
    std::string body;
  };
  std::deque<line> answers;
  std::vector<replicant::templated> asked;
  site::config config;

  scripted_server() {
    config.name = site_id{"Site1"};
    site::front front;
    front.service = service;
    front.to.identity.token_file = "node.token";
    config.fronts.push_back(front);
  }

  glue::exchange exchange() {
    return [this](replicant::templated x) {
      asked.push_back(std::move(x));
      glue::heard out{http::client_response{}};
      if (answers.empty()) {
        out.answer =
          error{errc::broken, "no more answers", "", "read answer", ""};
        return out;
      }
      out.answer->status = answers.front().status;
      out.answer->body = answers.front().body;
      answers.pop_front();
      return out;
    };
  }

  static replicant::call a_call(std::string method, std::string target,
                                std::string body = {}) {
    replicant::call x;
    x.id = 7;
    x.operation = {1, 2, 3};
    x.service = service;
    x.kind = "object";
    x.principal = to_json({"andy", "", {"users"}, {}});
    x.request.method = std::move(method);
    x.request.target = std::move(target);
    x.request.body = std::move(body);
    x.request.fields = {{"Accept", "application/json"},
                        {"Content-Type", "application/json"}};
    return x;
  }

  ports::call_result run(const replicant::call& x) {
    return make_calls(config)->call(x, exchange());
  }
  replicant::probed look(const replicant::call& x, const std::string& at) {
    replicant::probe p;
    p.operation = x.operation;
    p.service = x.service;
    p.principal = x.principal;
    p.request.method = "GET";
    p.request.target = at;
    return make_calls(config)->probe(p, exchange());
  }
  std::string field(std::size_t i, std::string_view name) const {
    std::string out;
    for (const auto& f : asked.at(i).fields)
      if (f.name == name)
        out += (out.empty() ? "" : ", ") + f.value;
    return out;
  }
  json::value body(std::size_t i) const {
    return json::parse(asked.at(i).body);
  }
};

std::string marked(std::string_view operation, std::string_view more = {}) {
  return R"({"metadata":{"name":"purple","annotations":{"cheops/operation":")"
         + std::string{operation} + R"("})" + std::string{more} + "}}";
}

const std::string mark = to_string(replicant::operation_id{1, 2, 3});

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_calls)

BOOST_FIXTURE_TEST_CASE(a_create_is_the_users_and_says_whose_it_is,
                        scripted_server) {
  answers = {{201, purple}};
  auto got = run(a_call("POST", maps + "?fieldManager=kubectl", purple));
  BOOST_TEST(got.what.status == 201U);
  BOOST_TEST(got.what.local_id == "/default/configmaps/purple");
  BOOST_TEST(got.answer->body == purple);
  BOOST_TEST(asked.at(0).method == "POST");
  BOOST_TEST(asked.at(0).target == maps + "?fieldManager=kubectl");
  BOOST_TEST(field(0, "Impersonate-User") == "andy");
  BOOST_TEST(field(0, "Impersonate-Group") == "users");
  auto sent = body(0);
  BOOST_TEST(sent.at("metadata").at("annotations").at("cheops/operation")
             == json::value(mark));
  BOOST_TEST(sent.at("data").at("a") == json::value("1"));
}

BOOST_FIXTURE_TEST_CASE(a_name_that_its_own_earlier_call_took_is_done,
                        scripted_server) {
  answers = {{409, "{}"}, {200, marked(mark)}, {200, marked(mark)}};
  auto got = run(a_call("POST", maps, purple));
  BOOST_TEST(got.what.status == 201U);
  BOOST_TEST(got.answer->status == 201U);
  BOOST_TEST(got.answer->body == marked(mark));
  BOOST_TEST(got.what.local_id == "/default/configmaps/purple");
  BOOST_TEST(asked.at(1).target == maps + "/purple");
  BOOST_TEST(field(1, "Impersonate-User") == "andy");
}

BOOST_FIXTURE_TEST_CASE(a_name_that_somebody_else_has_is_refused,
                        scripted_server) {
  for (auto there : {marked("0-1-1"), purple}) {
    answers = {{409, "taken"}, {200, there}};
    auto got = run(a_call("POST", maps, purple));
    BOOST_TEST(got.what.status == 409U);
    BOOST_TEST(got.answer->body == "taken");
    BOOST_TEST(got.what.local_id == "");
  }
}

BOOST_FIXTURE_TEST_CASE(a_name_that_will_be_free_is_waited_for,
                        scripted_server) {
  answers = {{409, "taken"},
             {200, marked("0-1-1", R"(,"deletionTimestamp":"now")")}};
  BOOST_TEST(
    (run(a_call("POST", maps, purple)).what.how == call_end::not_sent));
}

// Nothing else of an entry reaches the API server: another site wrote it.
BOOST_FIXTURE_TEST_CASE(an_entry_brings_no_fields_of_its_own, scripted_server) {
  auto x = a_call("POST", maps, purple);
  x.request.fields.push_back({"impersonate-group", "system:masters"});
  x.request.fields.push_back({"Authorization", "Bearer x"});
  answers = {{201, purple}};
  BOOST_TEST(run(x).what.status == 201U);
  BOOST_TEST(asked.at(0).fields.size() == 4U);
  BOOST_TEST(field(0, "impersonate-group") == "");
  BOOST_TEST(field(0, "Impersonate-Group") == "users");
}

BOOST_FIXTURE_TEST_CASE(nobody_is_never_the_node_itself, scripted_server) {
  for (std::string who : {"", "andy", R"({"user":""})"}) {
    auto x = a_call("POST", maps, purple);
    x.principal = who;
    auto got = run(x);
    BOOST_TEST(got.what.status == 403U);
    BOOST_TEST(json::parse(got.answer->body).at("kind")
               == json::value("Status"));
    BOOST_TEST((look(x, maps + "/purple").what == finding::nothing));
  }
  BOOST_TEST(asked.empty());
}

BOOST_FIXTURE_TEST_CASE(another_site_brings_no_names_of_the_system,
                        scripted_server) {
  auto x = a_call("DELETE", maps + "/purple");
  x.principal = to_json({"root", "", {"system:masters"}, {}});
  x.writers = {site_id{"Site2"}, site_id{"Site3"}};
  auto got = run(x);
  BOOST_TEST(got.what.status == 403U);
  BOOST_TEST(got.answer->body.find("system:masters") != std::string::npos);
  BOOST_TEST(asked.empty());
  // All who may have written it must be trusted for it.
  site::peer two;
  two.name = site_id{"Site2"};
  two.users.emplace().roles = {"system:masters"};
  config.peers = {two};
  BOOST_TEST(run(x).what.status == 403U);
  config.default_trust.roles = {"system:masters"};
  answers = {{200, "{}"}};
  BOOST_TEST(run(x).what.status == 200U);
  BOOST_TEST(field(0, "Impersonate-Group") == "system:masters");
}

BOOST_FIXTURE_TEST_CASE(what_the_node_may_not_say_waits, scripted_server) {
  answers = {{401, "{}"}};
  BOOST_TEST(
    (run(a_call("DELETE", maps + "/purple")).what.how == call_end::not_sent));
  config.fronts[0].to.identity = {};
  BOOST_TEST(
    (run(a_call("DELETE", maps + "/purple")).what.how == call_end::not_sent));
  BOOST_TEST(asked.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_site_that_refuses_the_user_says_so, scripted_server) {
  answers = {{403, "no"}};
  auto got = run(a_call("POST", maps, purple));
  BOOST_TEST(got.what.status == 403U);
  BOOST_TEST(got.answer->body == "no");
}

BOOST_FIXTURE_TEST_CASE(a_replacement_is_written_over_what_is_here,
                        scripted_server) {
  auto version = [](std::string_view x) {
    return R"({"metadata":{"name":"purple","resourceVersion":")"
           + std::string{x} + R"("}})";
  };
  answers = {
    {200, version("5")}, {409, "{}"}, {200, version("6")}, {200, "{}"}};
  auto got = run(a_call("PUT", maps + "/purple?x=y", purple));
  BOOST_TEST(got.what.status == 200U);
  BOOST_TEST(asked.at(0).target == maps + "/purple");
  BOOST_TEST(body(1).at("metadata").at("resourceVersion") == json::value("5"));
  BOOST_TEST(asked.at(1).target == maps + "/purple?x=y");
  BOOST_TEST(body(3).at("metadata").at("resourceVersion") == json::value("6"));
  BOOST_TEST(body(3).at("data").at("a") == json::value("1"));
}

BOOST_FIXTURE_TEST_CASE(a_replacement_is_begun_anew_so_often_and_no_more,
                        scripted_server) {
  for (unsigned i = 0; i < tries_max; ++i) {
    answers.push_back({200, R"({"metadata":{"resourceVersion":"5"}})"});
    answers.push_back({409, "{}"});
  }
  auto got = run(a_call("PUT", maps + "/purple", purple));
  BOOST_TEST((got.what.how == call_end::not_sent));
  BOOST_TEST(asked.size() == 2 * tries_max);
}

BOOST_FIXTURE_TEST_CASE(a_patch_goes_as_it_came, scripted_server) {
  auto x = a_call("PATCH", maps + "/purple", R"({"data":{"a":"2"}})");
  x.request.fields[1].value = "application/merge-patch+json";
  answers = {{409, "{}"}, {200, "{}"}};
  BOOST_TEST(run(x).what.status == 200U);
  BOOST_TEST(asked.at(1).body == x.request.body);
  BOOST_TEST(field(1, "Content-Type") == "application/merge-patch+json");
  // Another owner of a field: no matter how often.
  x.request.fields[1].value = "application/apply-patch+yaml";
  answers = {{409, "{}"}};
  BOOST_TEST(run(x).what.status == 409U);
}

BOOST_FIXTURE_TEST_CASE(what_goes_already_is_removed, scripted_server) {
  answers = {{409, "{}"}, {200, R"({"metadata":{"deletionTimestamp":"now"}})"}};
  BOOST_TEST(run(a_call("DELETE", "/api/v1/namespaces/x")).what.status == 200U);
  answers = {{409, "stays"}, {200, R"({"metadata":{}})"}};
  BOOST_TEST(run(a_call("DELETE", "/api/v1/namespaces/x")).what.status == 409U);
  answers = {{404, "{}"}};
  BOOST_TEST(run(a_call("DELETE", maps + "/purple")).what.status == 404U);
}

BOOST_FIXTURE_TEST_CASE(a_probe_finds_what_that_operation_made,
                        scripted_server) {
  auto x = a_call("POST", maps, purple);
  auto at = maps + "/purple";
  answers = {{200, marked(mark)}};
  auto got = look(x, at);
  BOOST_TEST((got.what == finding::found));
  BOOST_TEST(got.local_id == "/default/configmaps/purple");
  BOOST_TEST(field(0, "Impersonate-User") == "andy");
  answers = {{200, marked("0-1-1")}};
  BOOST_TEST((look(x, at).what == finding::absent));
  answers = {{404, "{}"}};
  BOOST_TEST((look(x, at).what == finding::absent));
  answers = {{500, "{}"}, {403, "{}"}};
  BOOST_TEST((look(x, at).what == finding::nothing));
  BOOST_TEST((look(x, at).what == finding::nothing));
}

namespace {

std::string replaced(const object_name& of, std::string_view own,
                     std::string_view words) {
  auto out = json::parse(words);
  keep_own_fields(of, json::parse(own), out);
  return json::serialize(out);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_site_keeps_what_only_it_can_mean) {
  BOOST_TEST(
    replaced({"", "d", "services", "web"},
             R"({"metadata":{"resourceVersion":"5"},)"
             R"("spec":{"clusterIP":"10.1.0.1","clusterIPs":["10.1.0.1"]}})",
             R"({"spec":{"ports":[80]}})")
    == R"({"spec":{"ports":[80],"clusterIP":"10.1.0.1",)"
       R"("clusterIPs":["10.1.0.1"]},"metadata":{"resourceVersion":"5"}})");
  // The user's own words stay.
  BOOST_TEST(replaced({"", "d", "services", "web"},
                      R"({"metadata":{},"spec":{"clusterIP":"10.1.0.1"}})",
                      R"({"metadata":{},"spec":{"clusterIP":"None"}})")
             == R"({"metadata":{},"spec":{"clusterIP":"None"}})");
  BOOST_TEST(
    replaced({"", "d", "pods", "p"},
             R"({"metadata":{},"spec":{"nodeName":"n1",)"
             R"("volumes":[{"name":"v"},{"name":"kube-api-access-x"}],)"
             R"("containers":[{"name":"c",)"
             R"("volumeMounts":[{"name":"kube-api-access-x"}]}]}})",
             R"({"metadata":{},"spec":{"containers":[{"name":"c"}]}})")
    == R"({"metadata":{},"spec":{"containers":[{"name":"c",)"
       R"("volumeMounts":[{"name":"kube-api-access-x"}]}],)"
       R"("nodeName":"n1","volumes":[{"name":"kube-api-access-x"}]}})");
  BOOST_TEST(
    replaced({"batch", "d", "jobs", "j"},
             R"({"metadata":{},"spec":{"selector":{"u":"1"},"template":)"
             R"({"metadata":{"labels":{"controller-uid":"1","x":"y"}}}}})",
             R"({"metadata":{"labels":{"controller-uid":"2","a":"b"}},)"
             R"("spec":{"selector":{"u":"2"},"template":)"
             R"({"metadata":{"labels":{"controller-uid":"2"}}}}})")
    == R"({"metadata":{"labels":{"a":"b"}},)"
       R"("spec":{"selector":{"u":"1"},"template":)"
       R"({"metadata":{"labels":{"controller-uid":"1"}}}}})");
}

BOOST_AUTO_TEST_CASE(whose_create_it_was_stays_true) {
  BOOST_TEST(
    replaced({"", "d", "configmaps", "x"}, marked("1-1-1"), marked("2-2-2"))
    == marked("1-1-1"));
  BOOST_TEST(replaced({"", "d", "configmaps", "x"}, R"({"metadata":{}})",
                      marked("2-2-2"))
             == R"({"metadata":{"name":"purple","annotations":{}}})");
}

BOOST_AUTO_TEST_SUITE_END()
