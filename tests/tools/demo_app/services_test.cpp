#define BOOST_TEST_MODULE demo_services
#include "http/client.hpp"
#include "support/boost_test.hpp"
#include "tools/demo_app/blob.hpp"
#include "tools/demo_app/services.hpp"

#include <boost/json.hpp>

using namespace demo;

namespace {

/// Both services of an instance, on real ports.
struct running {
  explicit running(std::string b_url = {}) {
    std::string why;
    server_settings with_b;
    with_b.routes = service_b(self);
    b = server::start(std::move(with_b), why);
    BOOST_TEST_REQUIRE(b, why);
    self.with.service_b_url = b_url.empty() ? url(*b, "") : std::move(b_url);
    server_settings with_a;
    with_a.routes = service_a(self);
    a = server::start(std::move(with_a), why);
    BOOST_TEST_REQUIRE(a, why);
  }

  static std::string url(const server& at, const std::string& path) {
    return "http://127.0.0.1:" + std::to_string(at.port()) + path;
  }

  using fields = std::vector<std::pair<std::string, std::string>>;

  static cheops::http::client_response
  call(const server& at, const std::string& method, const std::string& path,
       const std::string& body = {}, const fields& with = {}) {
    cheops::http::client_request x;
    x.method = method;
    x.url = url(at, path);
    x.body = body;
    x.fields = with;
    auto got = cheops::http::fetch(x);
    BOOST_TEST_REQUIRE(got.has_value(), "no answer to " + method + ' ' + path);
    return *got;
  }

  journal log{"Site1", ""};
  ledger book;
  instance self{{"Site1", "", true, 0, {}}, log, book};
  std::unique_ptr<server> b;
  std::unique_ptr<server> a;
};

std::string member(const cheops::http::client_response& x,
                   const std::string& pointer) {
  const auto body = boost::json::parse(x.body);
  boost::system::error_code absent;
  const auto* found = body.find_pointer(pointer, absent);
  return found ? boost::json::serialize(*found) : "absent";
}

} // namespace

BOOST_AUTO_TEST_CASE(a_foo_needs_its_bar) {
  running x;
  auto missing = x.call(*x.a, "POST", "/foos", R"({"name": "f", "bar": "b2"})");
  BOOST_TEST(missing.status == 422U);
  BOOST_TEST(missing.get("Content-Type") == "application/problem+json");
  BOOST_TEST(member(missing, "/detail") == R"("bar b2 not found")");
  BOOST_TEST(x.call(*x.b, "POST", "/bars", R"({"name": "b2"})").status == 201U);
  auto made = x.call(*x.a, "POST", "/foos", R"({"name": "f", "bar": "b2"})");
  BOOST_TEST(made.status == 201U);
  BOOST_TEST(member(made, "/bar_instance") == R"("Site1")");
  auto at = std::string{made.get("Location")};
  BOOST_TEST(x.call(*x.a, "GET", at).body == made.body);
  BOOST_TEST(x.call(*x.a, "DELETE", at).status == 204U);
  BOOST_TEST(x.call(*x.a, "GET", at).status == 404U);
}

BOOST_AUTO_TEST_CASE(a_service_b_that_is_not_there_is_a_502_of_service_a) {
  running x("http://127.0.0.1:1");
  auto got = x.call(*x.a, "POST", "/foos", R"({"name": "f", "bar": "b"})");
  BOOST_TEST(got.status == 502U);
  BOOST_TEST(member(got, "/detail") == R"("ServiceB cannot be reached")");
}

BOOST_AUTO_TEST_CASE(the_trace_goes_on_to_service_b_and_nothing_else_does) {
  running x;
  (void) x.call(*x.b, "POST", "/bars", R"({"name": "b"})");
  (void) x.call(*x.a, "POST", "/foos", R"({"name": "f", "bar": "b"})",
                {{"traceparent", "00-1-2-01"}, {"X-Other", "y"}});
  auto log = x.call(*x.b, "GET", "/journal");
  BOOST_TEST(member(log, "/calls/1/path") == R"("/bars?name=b")");
  BOOST_TEST(member(log, "/calls/1/traceparent") == R"("00-1-2-01")");
  BOOST_TEST(member(log, "/calls/1/instance") == R"("Site1")");
}

BOOST_AUTO_TEST_CASE(the_journal_tells_what_came_after_a_number) {
  running x;
  (void) x.call(*x.b, "GET", "/bars");
  (void) x.call(*x.b, "GET", "/bars?name=b");
  auto log = x.call(*x.b, "GET", "/journal?after=1");
  BOOST_TEST(member(log, "/calls/0/path") == R"("/bars?name=b")");
  BOOST_TEST(member(log, "/calls/1") == "absent");
  BOOST_TEST(member(log, "/last") == "2");
}

BOOST_AUTO_TEST_CASE(a_change_of_an_old_version_is_refused) {
  running x;
  auto made = x.call(*x.b, "POST", "/bars", R"({"name": "b"})");
  auto at = std::string{made.get("Location")};
  running::fields tag{{"If-Match", std::string{made.get("ETag")}}};
  BOOST_TEST(x.call(*x.b, "PUT", at, R"({"name": "c"})", tag).status == 200U);
  BOOST_TEST(x.call(*x.b, "PUT", at, R"({"name": "d"})", tag).status == 412U);
  BOOST_TEST(x.call(*x.b, "DELETE", at, {}, tag).status == 412U);
}

BOOST_AUTO_TEST_CASE(bodies_that_make_no_sense_are_refused) {
  running x;
  BOOST_TEST(x.call(*x.b, "POST", "/bars", "no json").status == 400U);
  BOOST_TEST(x.call(*x.b, "POST", "/bars", "{}").status == 422U);
  BOOST_TEST(x.call(*x.b, "POST", "/bars", R"({"name": "b"})").status == 201U);
  BOOST_TEST(x.call(*x.b, "POST", "/bars", R"({"name": "b"})").status == 409U);
  BOOST_TEST(x.call(*x.b, "PATCH", "/bars", "{}").status == 405U);
  BOOST_TEST(x.call(*x.b, "GET", "/nothing").status == 404U);
}

BOOST_AUTO_TEST_CASE(large_bodies_arrive_as_they_were) {
  running x;
  auto got = x.call(*x.b, "GET", "/blobs/1000000");
  BOOST_TEST(got.body.size() == 1'000'000U);
  auto sum = hex(blob_checksum(blob_checksum_start, got.body));
  auto put = x.call(*x.b, "PUT", "/blobs", got.body);
  BOOST_TEST(member(put, "/bytes") == "1000000");
  BOOST_TEST(member(put, "/checksum") == '"' + sum + '"');
}

BOOST_AUTO_TEST_CASE(a_watch_tells_of_calls_as_they_come) {
  running x;
  cheops::http::client_request watch;
  watch.url = running::url(*x.b, "/watch?lines=2");
  std::string seen;
  watch.sink = [&](std::string_view piece) {
    // The first line says that it watches; only then is there a call.
    if (seen.empty())
      (void) x.call(*x.b, "GET", "/bars?name=b");
    seen += piece;
    return true;
  };
  auto got = cheops::http::fetch(watch);
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_TEST(seen.find("{\"watching\":\"Site1\"}\n") == 0U);
  BOOST_TEST(seen.find("\"path\":\"/watch?lines=2\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_echo_shows_the_fields_that_arrived) {
  running x;
  auto got = x.call(*x.b, "GET", "/echo", {}, {{"X-Probe", "1"}});
  BOOST_TEST(member(got, "/fields/x-probe") == R"("1")");
  BOOST_TEST(member(got, "/fields/scope") == "absent");
}

BOOST_AUTO_TEST_CASE(a_lost_answer_is_of_a_change_that_was_done) {
  running x;
  x.self.with.lose_every = 1;
  cheops::http::client_request ask;
  ask.method = "POST";
  ask.url = running::url(*x.b, "/bars");
  ask.body = R"({"name": "b"})";
  BOOST_TEST(cheops::http::fetch(ask).has_error());
  auto deeds = x.call(*x.b, "GET", "/deeds");
  BOOST_TEST(member(deeds, "/deeds/0/name") == R"("b")");
  BOOST_TEST(member(deeds, "/last") == "1");
  // What is refused is answered.
  BOOST_TEST(x.call(*x.b, "POST", "/bars", ask.body).status == 409U);
}

BOOST_AUTO_TEST_CASE(it_dies_after_the_next_change_and_not_before) {
  running x;
  std::string died;
  x.self.with.die = [&] { died = x.book.render(0, 10); };
  BOOST_TEST(x.call(*x.b, "POST", "/die-after-work").status == 204U);
  (void) x.call(*x.b, "GET", "/bars");
  BOOST_TEST(died.empty());
  (void) x.call(*x.b, "POST", "/bars", R"({"name": "b"})");
  BOOST_TEST(died.find("\"create\"") != std::string::npos);
}
