#define BOOST_TEST_MODULE connector
#include "glue/connector.hpp"
#include "support/boost_test.hpp"
#include "support/raw_listener.hpp"

#include <algorithm>
#include <future>

using namespace cheops;
using namespace std::chrono_literals;
using replicant::call_end;
using replicant::finding;

namespace {

const service_id things{"Things"};

/// The connector of an application that the test plays.
struct played_application {
  raw_listener server;
  glue::connector_plan plan;

  played_application() {
    application::description app;
    application::service s;
    s.name = things;
    application::resource r;
    r.kind = "thing";
    r.id_pointer = "/id";
    r.name_pointer = "/name";
    r.copies.probe = "/things?name={name}";
    s.resources.push_back(r);
    app.services.push_back(s);
    plan.app = std::make_shared<application::description>(app);
    plan.backends[things].at = {"127.0.0.1", server.port()};
    plan.timeout = 10s;
  }

  static replicant::call a_call(std::string method, std::string target) {
    replicant::call x;
    x.id = 7;
    x.operation = {1, 2, 3};
    x.service = things;
    x.kind = "thing";
    x.request.method = std::move(method);
    x.request.target = std::move(target);
    return x;
  }

  std::future<ports::call_result> call(ports::connector& c, replicant::call x) {
    auto out = std::make_shared<std::promise<ports::call_result>>();
    c.call(std::move(x), [out](auto r) { out->set_value(std::move(r)); });
    return out->get_future();
  }
};

std::string answer_of(std::string_view status, std::string_view body,
                      std::string_view fields = {}) {
  return "HTTP/1.1 " + std::string{status}
         + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"
         + std::string{fields} + "\r\n" + std::string{body};
}

} // namespace

BOOST_FIXTURE_TEST_CASE(the_answer_is_the_applications_own,
                        played_application) {
  auto c = glue::make_connector(plan);
  auto x = a_call("POST", "/things?a=b");
  x.request.fields = {{"Content-Type", "application/json"},
                      {"Connection", "close"},
                      {"Transfer-Encoding", "chunked"}};
  x.request.body = R"({"name":"lamp"})";
  auto got = call(*c, x);
  auto peer = server.accept();
  auto head = peer.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("POST /things?a=b HTTP/1.1\r\n"));
  BOOST_TEST(head.find("Content-Type: application/json") != head.npos);
  BOOST_TEST(head.find("Content-Length: 15") != head.npos);
  BOOST_TEST(head.find("chunked") == head.npos);
  BOOST_TEST(peer.read_bytes(15) == x.request.body);
  peer.write(answer_of("201 Created", R"({"id":"x1"})",
                       "X-Own: 1\r\nConnection: close\r\n"));
  auto r = got.get();
  BOOST_TEST(r.what.call == 7U);
  BOOST_TEST((r.what.how == call_end::answered));
  BOOST_TEST(r.what.status == 201U);
  BOOST_TEST(r.what.local_id == "x1");
  BOOST_TEST((r.what.answer == replicant::digest_of(R"({"id":"x1"})")));
  BOOST_REQUIRE(r.answer);
  BOOST_TEST(r.answer->body == R"({"id":"x1"})");
  BOOST_TEST(r.answer->whole);
  auto has = [&](std::string_view name) {
    return std::ranges::any_of(r.answer->fields,
                               [&](const auto& f) { return f.name == name; });
  };
  BOOST_TEST(has("X-Own"));
  BOOST_TEST(!has("Connection"));
}

BOOST_FIXTURE_TEST_CASE(a_call_that_never_went_out_is_not_sent,
                        played_application) {
  plan.backends[things].at.port = 1; // Nobody listens there.
  auto c = glue::make_connector(plan);
  auto r = call(*c, a_call("POST", "/things")).get();
  BOOST_TEST((r.what.how == call_end::not_sent));
}

BOOST_FIXTURE_TEST_CASE(a_call_without_an_answer_is_cut, played_application) {
  auto c = glue::make_connector(plan);
  auto got = call(*c, a_call("POST", "/things"));
  {
    auto peer = server.accept();
    peer.read_until("\r\n\r\n");
  }
  auto r = got.get();
  BOOST_TEST((r.what.how == call_end::cut));
  BOOST_TEST(!r.answer);
  // In the midst of its body, too.
  got = call(*c, a_call("POST", "/things"));
  {
    auto peer = server.accept();
    peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{");
  }
  BOOST_TEST((got.get().what.how == call_end::cut));
}

BOOST_FIXTURE_TEST_CASE(each_call_has_a_connection_of_its_own,
                        played_application) {
  auto c = glue::make_connector(plan);
  for (int i = 0; i < 2; ++i) {
    auto got = call(*c, a_call("PUT", "/things/x1"));
    auto peer = server.accept();
    peer.read_until("\r\n\r\n");
    peer.write(answer_of("200 OK", "{}"));
    BOOST_TEST(got.get().what.status == 200U);
  }
}

BOOST_FIXTURE_TEST_CASE(an_answer_over_the_bound_is_left_out,
                        played_application) {
  plan.answer_bytes_max = 10;
  auto c = glue::make_connector(plan);
  auto got = call(*c, a_call("POST", "/things"));
  auto peer = server.accept();
  peer.read_until("\r\n\r\n");
  peer.write(answer_of("201 Created", R"({"id":"0123456789"})",
                       "Location: /things/x9\r\n"));
  auto r = got.get();
  BOOST_TEST(r.what.status == 201U);
  BOOST_TEST(r.what.local_id == "x9");
  BOOST_TEST(!r.answer->whole);
  BOOST_TEST(r.answer->body.empty());
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_sent_is_refused_for_good,
                        played_application) {
  auto c = glue::make_connector(plan);
  auto x = a_call("POST", "/things");
  x.request.fields.push_back({"Bad", "a\r\nb"});
  auto r = call(*c, x).get();
  BOOST_TEST((r.what.how == call_end::answered));
  BOOST_TEST(r.what.status == 400U);
  x = a_call("POST", "/things");
  x.service = service_id{"Others"};
  r = call(*c, x).get();
  BOOST_TEST(r.what.status == 404U);
}

BOOST_FIXTURE_TEST_CASE(the_applications_key_goes_with_a_call,
                        played_application) {
  plan.key_field = [](const service_id&, std::string_view kind) {
    return kind == "thing" ? std::string{"Idempotency-Key"} : std::string{};
  };
  auto c = glue::make_connector(plan);
  auto x = a_call("POST", "/things");
  auto got = call(*c, x);
  auto peer = server.accept();
  auto head = peer.read_until("\r\n\r\n");
  BOOST_TEST(head.find("Idempotency-Key: " + to_string(x.operation) + "-POST")
             != head.npos);
  peer.write(answer_of("200 OK", "{}"));
  BOOST_TEST(got.get().what.status == 200U);
}

/// Asks before it acts.
struct careful_calls final : glue::application_calls {
  ports::call_result call(const replicant::call& what,
                          const glue::exchange& send) const override {
    replicant::templated look;
    look.method = "GET";
    look.target = "/may?who=" + what.principal;
    auto may = send(look);
    return glue::told(what.id, may.answer ? send(what.request) : may);
  }
  replicant::probed probe(const replicant::probe&,
                          const glue::exchange&) const override {
    replicant::probed out;
    out.what = finding::absent;
    return out;
  }
};

BOOST_FIXTURE_TEST_CASE(an_application_may_need_more_than_one_request,
                        played_application) {
  plan.calls = std::make_shared<careful_calls>();
  auto c = glue::make_connector(plan);
  auto x = a_call("POST", "/things");
  x.principal = "andy";
  auto got = call(*c, x);
  for (std::string_view begins : {"GET /may?who=andy ", "POST /things "}) {
    auto peer = server.accept();
    BOOST_TEST(peer.read_until("\r\n\r\n").starts_with(begins));
    peer.write(answer_of("200 OK", "{}"));
  }
  BOOST_TEST(got.get().what.status == 200U);
  replicant::probe look;
  look.id = 9;
  look.service = things;
  std::promise<replicant::probed> out;
  c->probe(look, [&](auto r) { out.set_value(r); });
  auto r = out.get_future().get();
  BOOST_TEST(r.call == 9U);
  BOOST_TEST((r.what == finding::absent));
}

BOOST_FIXTURE_TEST_CASE(a_reload_sends_the_next_call_elsewhere,
                        played_application) {
  auto next = plan;
  plan.backends[things].at.port = 1;
  auto c = glue::make_connector(plan);
  auto r = call(*c, a_call("POST", "/things")).get();
  BOOST_TEST((r.what.how == call_end::not_sent));
  c->reload(next);
  auto got = call(*c, a_call("POST", "/things"));
  auto peer = server.accept();
  peer.read_until("\r\n\r\n");
  peer.write(answer_of("200 OK", "{}"));
  BOOST_TEST(got.get().what.status == 200U);
}

BOOST_FIXTURE_TEST_CASE(a_probe_looks_for_the_name_that_it_asks_for,
                        played_application) {
  auto c = glue::make_connector(plan);
  replicant::probe x;
  x.id = 9;
  x.service = things;
  x.kind = "thing";
  x.request.method = "GET";
  x.request.target = "/things?name=lamp";
  std::promise<replicant::probed> out;
  c->probe(x, [&](auto r) { out.set_value(r); });
  auto peer = server.accept();
  auto head = peer.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("GET /things?name=lamp HTTP/1.1\r\n"));
  BOOST_TEST(head.find("Content-Length") == head.npos);
  peer.write(answer_of("200 OK", R"([{"id":"x0","name":"lamps"},)"
                                 R"({"id":"x1","name":"lamp"}])"));
  auto r = out.get_future().get();
  BOOST_TEST(r.call == 9U);
  BOOST_TEST((r.what == finding::found));
  BOOST_TEST(r.local_id == "x1");
}
