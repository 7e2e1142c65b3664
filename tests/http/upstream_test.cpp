// Connections to backends and peers: how many, how long, and to whom.
#include "support/boost_test.hpp"
#include "support/free_port.hpp"
#include "support/sites_fixture.hpp"
#include "support/tls_fixture.hpp"

using namespace cheops;
using namespace std::chrono_literals;

namespace {

const std::string get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string ok =
  "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  "Content-Length: 2\r\n\r\nok";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

// -- TLS to backends ---------------------------------------------------------

namespace {

struct tls_backend : proxy_fixture, tls_fixture {
  tls_backend() {
    config->fronts[0].to.tls = true;
    config->fronts[0].to.files.ca = mesh.issue("x").ca;
  }
  site::backend& to() { return config->fronts[0].to; }
  /// The backend's end of the next connection.
  tls_socket accept(const site::tls_files& as) {
    return {backend.accept(), http::front_context(as).value(),
            tls_socket::end::server};
  }
  /// What a client is told of a backend that shows `as`.
  std::string refused(const site::tls_files& as) {
    auto c = client();
    c.write(get);
    auto b = accept(identity(as));
    return read_problem(c);
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_backend_is_called_by_its_name_and_checked,
                        tls_backend) {
  to().server_name = "app.test";
  start();
  auto c = client();
  c.write(get);
  auto b = accept(identity(mesh.issue_for("DNS:app.test")));
  BOOST_TEST(b.sni() == "app.test");
  BOOST_TEST(has(b.read_until("\r\n\r\n"), "GET /x"));
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
  c.write(get); // The connection is kept.
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
}

BOOST_FIXTURE_TEST_CASE(an_address_is_checked_but_is_no_name_to_call,
                        tls_backend) {
  start();
  auto c = client();
  c.write(get);
  auto b = accept(identity(mesh.issue_for("IP:127.0.0.1")));
  BOOST_TEST(b.up());
  BOOST_TEST(b.sni() == ""); // RFC 6066, 3.
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
}

BOOST_FIXTURE_TEST_CASE(a_backend_that_is_not_trusted_is_a_502_that_says_why,
                        tls_backend) {
  to().server_name = "app.test";
  start();
  struct {
    site::tls_files shown;
    std::string_view why;
  } const table[] = {
    {mesh.issue_for("DNS:other.test"), "hostname mismatch"},
    {mesh.issue_for("IP:127.0.0.1"), "hostname mismatch"},
    {foreign.issue_for("DNS:app.test"), "unable to get local issuer"},
  };
  int n = 0;
  for (const auto& x : table) {
    auto answer = refused(x.shown);
    BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
    BOOST_TEST(has(answer, "Cheops-Site: Site1"), answer);
    BOOST_TEST(has(answer, "\"step\":\"TLS handshake\""), answer);
    BOOST_TEST(has(answer, x.why), answer);
    BOOST_TEST(has(answer, "ca and server_name"), answer);
    BOOST_TEST(!has(answer, "Retry-After"), answer);
    BOOST_TEST(
      counted("{reason=\"bad_peer_certificate\"} " + std::to_string(++n)));
  }
}

BOOST_FIXTURE_TEST_CASE(a_backend_that_speaks_no_tls_is_a_502, tls_backend) {
  start();
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
  BOOST_TEST(has(answer, "TLS handshake"), answer);
  BOOST_TEST(counted("{reason=\"bad_handshake\"} 1"));
}

BOOST_FIXTURE_TEST_CASE(who_wants_no_check_gets_none, tls_backend) {
  to().verify = false;
  start();
  auto c = client();
  c.write(get);
  auto b = accept(identity(foreign.issue_for("DNS:other.test")));
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
}

BOOST_FIXTURE_TEST_CASE(a_backend_may_ask_for_a_certificate, tls_backend) {
  to().server_name = "app.test";
  start();
  auto asks = mesh.issue_for("DNS:app.test"); // With the CA: it asks.
  auto c = client();
  c.write(get);
  {
    auto b = accept(asks);
    BOOST_TEST(!b.up());
  }
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
  BOOST_TEST(has(answer, "certificate required"), answer);
  auto next = std::make_shared<site::config>(*config);
  auto ours = mesh.issue_for("DNS:proxy.test");
  next->fronts[0].to.files = ours;
  BOOST_REQUIRE(server->reload(next).has_value());
  auto c2 = client();
  c2.write(get);
  auto b = accept(asks);
  BOOST_TEST(b.up());
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(c2.read_bytes(ok.size()) == ok);
}

BOOST_FIXTURE_TEST_CASE(a_body_without_a_length_needs_a_goodbye, tls_backend) {
  to().verify = false;
  start();
  for (auto in_order : {true, false}) {
    auto c = client();
    c.write(get);
    auto b = accept(identity(mesh.issue_for("DNS:a")));
    b.read_until("\r\n\r\n");
    b.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
    c.read_until("abc\r\n");
    if (in_order)
      b.end_in_order();
    b.close();
    // Without it somebody on the way may have cut the body short.
    BOOST_TEST((c.read_bytes(5) == "0\r\n\r\n") == in_order);
  }
}

// -- TLS to peers ------------------------------------------------------------

namespace {

/// Site1 calls Site2, whose peer front the test plays.
struct called_peer : site_fixture, tls_fixture {
  raw_listener two;

  called_peer() : site_fixture("Site1") {
    config->tls = mesh.issue("Site1");
    start();
    auto view = std::make_shared<mesh::view>();
    view->self = config->name;
    view->version = 1;
    view->sites.resize(2);
    view->sites[0].name = config->name;
    view->sites[0].state = mesh::reach::self;
    view->sites[1].name = site_id{"Site2"};
    view->sites[1].state = mesh::reach::up;
    view->sites[1].peer_front = {"127.0.0.1", two.port()};
    server->publish(view);
  }
  raw_socket ask() {
    auto c = client();
    c.write("GET /x HTTP/1.1\r\nHost: a\r\nScope: {ServiceA: Site2}\r\n\r\n");
    return c;
  }
  tls_socket accept(const site::tls_files& as) {
    return {two.accept(), http::peer_context(as, true).value(),
            tls_socket::end::server};
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_peer_that_shows_another_name_is_not_asked,
                        called_peer) {
  struct {
    site::tls_files shown;
    std::string_view why;
  } const table[] = {
    {mesh.issue("Site3"), "is that of site \\\"Site3\\\", not of Site2"},
    {mesh.issue_for("DNS:Site2"), "is that of site \\\"\\\", not of Site2"},
  };
  for (const auto& x : table) {
    auto c = ask();
    auto b = accept(x.shown);
    BOOST_TEST(b.up());
    BOOST_TEST(b.site() == "Site1"); // We show who we are.
    BOOST_TEST(b.closes());          // And say nothing more.
    auto answer = read_problem(c);
    BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
    BOOST_TEST(has(answer, "Cheops-Site: Site2"), answer);
    BOOST_TEST(has(answer, "\"step\":\"TLS handshake\""), answer);
    BOOST_TEST(has(answer, x.why), answer);
  }
  BOOST_TEST(counted("{reason=\"bad_peer_certificate\"} 2"));
}

BOOST_FIXTURE_TEST_CASE(a_peer_of_another_authority_is_not_asked, called_peer) {
  auto c = ask();
  auto shown = foreign.issue("Site2");
  shown.ca = config->tls.ca;
  auto b = accept(shown);
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
  BOOST_TEST(has(answer, "unable to get local issuer"), answer);
  BOOST_TEST(has(answer, "cheops check"), answer);
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_does_not_trust_us_is_quoted, called_peer) {
  auto c = ask();
  auto shown = mesh.issue("Site2");
  shown.crl = mesh.revoke({"Site1"});
  {
    auto b = accept(shown);
    BOOST_TEST(!b.up());
  }
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
  BOOST_TEST(has(answer, "certificate revoked"), answer);
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_is_revoked_loses_what_runs, called_peer) {
  auto shown = mesh.issue("Site2");
  auto c = ask();
  auto b = accept(shown);
  b.read_until("\r\n\r\n");
  auto next = std::make_shared<site::config>(*config);
  next->tls.crl = mesh.revoke({"Site2"});
  BOOST_REQUIRE(server->reload(next).has_value());
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
  BOOST_TEST(has(answer, "trusted no more"), answer);
  BOOST_TEST(b.closes());
  auto c2 = ask();
  auto b2 = accept(shown);
  BOOST_TEST(has(read_problem(c2), "certificate revoked"));
}

// -- how many ----------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(requests_wait_for_a_connection_then_are_refused,
                        proxy_fixture) {
  config->bounds.upstream_connections = 1;
  config->bounds.upstream_waiting = 2;
  start();
  auto first = client();
  first.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  auto second = client();
  second.write(get);
  await_count("{limit=\"upstream_connections\"} 1");
  auto leaves = client();
  leaves.write(get);
  await_count("{limit=\"upstream_connections\"} 2");
  auto refused = client();
  refused.write(get);
  auto answer = read_problem(refused);
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(has(answer, "upstream_waiting"), answer);
  BOOST_TEST(has(answer, "Retry-After"), answer);
  BOOST_TEST(counted("{reason=\"no_upstream_slot\"} 1"));
  leaves.close();
  await_count("cheops_connections{front=\"ServiceA\"} 3");
  auto third = client(); // There is room again in the queue.
  third.write(get);
  await_count("{limit=\"upstream_connections\"} 3");
  b.write(ok);
  BOOST_TEST(first.read_bytes(ok.size()) == ok);
  for (auto* c : {&second, &third}) { // The same connection serves them all.
    b.read_until("\r\n\r\n");
    b.write(ok);
    BOOST_TEST(c->read_bytes(ok.size()) == ok);
  }
  BOOST_TEST(!backend.called());
}

BOOST_FIXTURE_TEST_CASE(who_waits_gets_a_connection_when_one_breaks,
                        proxy_fixture) {
  config->bounds.upstream_connections = 1;
  start();
  auto first = client();
  first.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  auto second = client();
  second.write(get);
  await_count("{limit=\"upstream_connections\"} 1");
  b.reset();
  BOOST_TEST(read_problem(first).starts_with("HTTP/1.1 502"));
  auto b2 = backend.accept();
  b2.read_until("\r\n\r\n");
  b2.write(ok);
  BOOST_TEST(second.read_bytes(ok.size()) == ok);
}

BOOST_FIXTURE_TEST_CASE(a_wait_for_a_connection_ends, proxy_fixture) {
  config->bounds.upstream_connections = 1;
  config->times.connect = 50ms;
  start();
  auto first = client();
  first.write(get);
  auto b = backend.accept();
  auto second = client();
  second.write(get);
  auto answer = read_problem(second);
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(has(answer, "became free in time"), answer);
  BOOST_TEST(has(answer, "\"step\":\"connect\""), answer);
}

BOOST_FIXTURE_TEST_CASE(no_more_connections_rest_than_may, proxy_fixture) {
  config->bounds.upstream_idle = 1;
  start();
  auto c1 = client(), c2 = client();
  c1.write(get);
  auto b1 = backend.accept();
  c2.write(get);
  auto b2 = backend.accept();
  for (auto* b : {&b1, &b2}) {
    b->read_until("\r\n\r\n");
    b->write(ok);
  }
  BOOST_TEST(c1.read_bytes(ok.size()) == ok);
  BOOST_TEST(c2.read_bytes(ok.size()) == ok);
  await_count("{limit=\"upstream_idle\"} 1");
  await_count("state=\"idle\"} 1\n");
  await_count("state=\"busy\"} 0\n");
}

BOOST_FIXTURE_TEST_CASE(a_connection_does_not_rest_for_ever, proxy_fixture) {
  config->times.upstream_idle = 50ms;
  start();
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
  BOOST_TEST(b.closes());
}

// -- how long ----------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_backend_that_does_not_answer_is_a_504,
                        proxy_fixture) {
  config->times.answer = 50ms;
  start();
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 504"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: timed-out"), answer);
  BOOST_TEST(has(answer, "Cheops-Site: Site1"), answer);
  BOOST_TEST(has(answer, "the backend of ServiceA"), answer);
  BOOST_TEST(has(answer, "\"step\":\"wait for the answer\""), answer);
  BOOST_TEST(counted("{reason=\"upstream_timeout\"} 1"));
  b.read_until("\r\n\r\n");
  BOOST_TEST(b.closes());
}

BOOST_FIXTURE_TEST_CASE(a_body_that_stops_coming_is_a_408, proxy_fixture) {
  config->times.idle = 50ms;
  start();
  auto c = client();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  auto b = backend.accept();
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 408"), answer);
  BOOST_TEST(has(answer, "Connection: close"), answer);
  BOOST_TEST(counted("{reason=\"idle\"} 1"));
  b.read_until("\r\n\r\nab"); // The head has random ids: "ab" alone may be one.
  BOOST_TEST(b.closes());
}

BOOST_FIXTURE_TEST_CASE(a_client_that_takes_nothing_is_cut_off, proxy_fixture) {
  config->times.idle = 50ms;
  start();
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
  while (b.write(std::string(65'536, 'x')))
    ; // Until the proxy lets go.
  BOOST_TEST(counted("{reason=\"idle\"} 1"));
}

BOOST_FIXTURE_TEST_CASE(a_watch_may_be_silent_for_longer_than_a_body,
                        proxy_fixture) {
  config->times.idle = 50ms;
  config->times.answer = 50ms;
  config->times.header = 50ms;
  start();
  auto watch = client();
  watch.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  watch.read_until("\r\n\r\n");
  auto silent = client(); // Its end shows that the time has passed.
  BOOST_TEST(silent.closes());
  auto silent_too = client();
  BOOST_TEST(silent_too.closes());
  b.write("3\r\nabc\r\n");
  BOOST_TEST(watch.read_until("abc\r\n") == "3\r\nabc\r\n");
}

BOOST_FIXTURE_TEST_CASE(a_backend_that_is_not_there_is_named, proxy_fixture) {
  config->fronts[0].to.at.port = support::free_port();
  start();
  auto c = client();
  c.write(get);
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: unreachable"), answer);
  BOOST_TEST(has(answer, "is the backend of ServiceA running?"), answer);
  config = std::make_shared<site::config>(*config);
  config->fronts[0].to.at.host = "no-such-host.invalid";
  BOOST_REQUIRE(server->reload(config).has_value());
  c.write(get);
  answer = read_problem(c);
  BOOST_TEST(has(answer, "no-such-host.invalid"), answer);
}
