// A client's connection: how long it may take, how many there may be, who may
// have one.
#include "support/boost_test.hpp"
#include "support/free_port.hpp"
#include "support/tls_fixture.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const std::string get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string ok =
  "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  "Content-Length: 2\r\n\r\nok";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct secure_fixture : proxy_fixture, tls_fixture {
  /// The answer to a request that reaches the backend.
  std::string served(raw_socket& c, const std::string& request = get) {
    c.write(request);
    auto b = backend.accept();
    b.read_until("\r\n\r\n");
    b.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n"
            "\r\nok");
    return c.read_until("\r\n\r\nok");
  }
  /// A client that is turned away at the handshake hears nothing.
  bool turned_away(const http::ssl_context& as, std::uint16_t port) {
    auto c = call(port, as);
    c.write(get);
    return c.closes();
  }
};

} // namespace

// -- time --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_head_that_stops_coming_is_a_408) {
  // The last sizes fill a buffer, which then makes room for what never comes.
  for (std::size_t size : {20U, 16U * 1024, 32U * 1024}) {
    folder_fixture files;
    proxy_fixture f;
    f.config->times.header = 50ms;
    f.config->log.access = files.path("access.log");
    f.start();
    auto c = f.client();
    std::string head = "GET /slow HTTP/1.1\r\nHost: a\r\nX: ";
    head.resize(size, 'x');
    c.write(head);
    auto answer = c.read_until("\r\n\r\n");
    BOOST_TEST(answer.starts_with("HTTP/1.1 408"), size << ": " << answer);
    BOOST_TEST(has(answer, "Connection: close"), answer);
    BOOST_TEST(f.counted("{reason=\"slow_header\"} 1"), size);
    f.server.reset();
    auto line = files.read("access.log");
    if (size > 20)
      BOOST_TEST(has(line, "\"method\":\"GET\",\"target\":\"/slow\""), line);
  }
}

BOOST_FIXTURE_TEST_CASE(who_says_nothing_is_let_go, proxy_fixture) {
  config->times.header = 50ms;
  config->times.idle = 50ms;
  start();
  auto silent = client();
  BOOST_TEST(silent.closes());
  auto idle = client();
  idle.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(idle.read_bytes(ok.size()) == ok);
  BOOST_TEST(idle.closes()); // Without a word that would answer nothing.
}

BOOST_FIXTURE_TEST_CASE(a_slow_handshake_ends, secure_fixture) {
  config->fronts[0].tls = identity(mesh.issue_for("DNS:front.test"));
  config->times.header = 50ms;
  start();
  auto c = client();
  c.write("\x16\x03\x01\x02"); // A ClientHello begins so.
  BOOST_TEST(c.closes());
  BOOST_TEST(counted("{reason=\"slow_header\"} 1"));
}

// -- size --------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_large_head_behind_an_empty_line_is_a_431,
                        proxy_fixture) {
  config->bounds.header_bytes = 1024;
  start();
  for (std::size_t size = 1020; size < 1032; ++size) {
    std::string text = "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: ";
    text.resize(size, 'x');
    auto c = client();
    c.write(text);
    if (size < 1026)
      c.write(std::string(8, 'x'));
    auto answer = c.read_until("\r\n\r\n");
    BOOST_TEST(answer.starts_with("HTTP/1.1 431"), size << ": " << answer);
  }
}

// -- number ------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(connections_over_the_limit_are_told_then_closed,
                        proxy_fixture) {
  config->bounds.connections = 2;
  start();
  auto first = client();
  auto second = client();
  std::vector<raw_socket> told;
  for (int i = 0; i < 16; ++i) { // As many as are worth an answer.
    auto& c = told.emplace_back(client());
    auto answer = c.read_until("}\n");
    BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
    BOOST_TEST(has(answer, "limits.connections"), answer);
    BOOST_TEST(has(answer, "Cheops-Error: overloaded"), answer);
  }
  auto closed = client();
  BOOST_TEST(closed.closes());
  BOOST_TEST(counted("{reason=\"too_many_connections\"} 17"));
  told.clear();
  first.close();
  await_count("cheops_connections{front=\"ServiceA\"} 1");
  auto next = client();
  next.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(next.read_bytes(ok.size()) == ok);
}

// -- the access log ----------------------------------------------------------

namespace {

std::vector<json::object> lines_of(const std::string& text) {
  std::vector<json::object> out;
  for (std::size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    BOOST_REQUIRE(end != text.npos);
    out.push_back(json::parse(text.substr(at, end - at)).as_object());
    at = end + 1;
  }
  return out;
}

std::string text_of(const json::object& in, std::string_view key) {
  const auto* x = in.if_contains(key);
  return x == nullptr ? "(none)" : std::string{x->as_string()};
}

struct logged : proxy_fixture, folder_fixture {
  logged() {
    config->log.access = path("access.log");
    start();
  }
  std::vector<json::object> lines() {
    server.reset(); // Writes what is left.
    return lines_of(read("access.log"));
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_line_says_who_asked_what_and_what_came_of_it,
                        logged) {
  auto c = client();
  c.write("POST /x?a=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
          "Authorization: Bearer hunter2\r\nX-Auth-Token: hunter2\r\n"
          "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
          "\r\n\r\nabc");
  auto b = backend.accept();
  b.read_until("\r\n\r\nabc");
  b.write("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
  c.read_until("\r\n\r\nok");
  auto all = lines();
  BOOST_REQUIRE(all.size() == 1U);
  const auto& x = all[0];
  BOOST_TEST(text_of(x, "time").ends_with("Z"));
  BOOST_TEST(text_of(x, "site") == "Site1");
  BOOST_TEST(text_of(x, "service") == "ServiceA");
  BOOST_TEST(text_of(x, "client") == "127.0.0.1");
  BOOST_TEST(text_of(x, "peer") == "(none)");
  BOOST_TEST(text_of(x, "method") == "POST");
  BOOST_TEST(text_of(x, "target") == "/x?a=1");
  BOOST_TEST(x.at("status").as_int64() == 201);
  BOOST_TEST(x.at("bytes_in").as_int64() == 3);
  BOOST_TEST(x.at("bytes_out").as_int64() > 2);
  BOOST_TEST(x.at("duration_us").as_int64() > 0);
  BOOST_TEST(text_of(x, "plan") == "local");
  BOOST_TEST(text_of(x, "served_by") == "Site1");
  BOOST_TEST(text_of(x, "upstream")
             == "127.0.0.1:" + std::to_string(backend.port()));
  BOOST_TEST(text_of(x, "trace") == "0af7651916cd43dd8448eb211c80319c");
  BOOST_TEST(text_of(x, "error") == "(none)");
  BOOST_TEST(!has(read("access.log"), "hunter2"));
}

BOOST_FIXTURE_TEST_CASE(what_users_write_cannot_break_a_line, logged) {
  auto c = client();
  c.write(
    "G!'`ET /a\"\\b?password=hunter2&x=%22%0a HTTP/1.1\r\nHost: a\r\n"
    "Scope: {\"a\\\"\xff\r\n"
    "traceparent: 00-\"},{\\\xfe\"\t                          -b7\r\n\r\n");
  c.read_until("}\n");
  c.write("GET /\"};drop HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n");
  c.read_until("}\n");
  auto all = lines(); // Each is one line, and JSON.
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(text_of(all[0], "method") == "G!'`ET");
  BOOST_TEST(text_of(all[0], "target").starts_with("/a\"\\b?password="));
  BOOST_TEST(text_of(all[0], "error") == "bad-scope");
  BOOST_TEST(all[0].at("status").as_int64() == 400);
  BOOST_TEST(text_of(all[1], "target") == "/\"};drop");
  BOOST_TEST(text_of(all[1], "error") == "bad-request");
  BOOST_TEST(!has(read("access.log"), "hunter2"));
}

BOOST_FIXTURE_TEST_CASE(lines_that_are_lost_are_counted, proxy_fixture) {
  config->log.access = "/dev/full";
  start();
  BOOST_TEST(counted("cheops_access_log_dropped_total 0"));
  auto c = client();
  c.write("GET / HTTP/1.1\r\n\r\n");
  c.read_until("}\n");
  await_count("cheops_access_log_dropped_total 1");
}

// -- TLS for users -----------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_front_with_tls_speaks_nothing_else, secure_fixture) {
  config->fronts[0].tls = identity(mesh.issue_for("DNS:front.test"));
  start();
  auto port = server->ports().at(0);
  auto trusts = http::client_context(mesh.issue_for("DNS:x"), true).value();
  auto c = call(port, trusts);
  BOOST_TEST(c.up());
  c.write(get);
  auto b = backend.accept();
  auto head = b.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "Forwarded: for=127.0.0.1;proto=https;"), head);
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
  auto plain = client();
  plain.write(get);
  BOOST_TEST(!has(plain.read_all(), "HTTP/1.1"));
  await_count("{reason=\"bad_handshake\"} 1");
  BOOST_TEST(!backend.called());
}

BOOST_FIXTURE_TEST_CASE(a_front_may_ask_for_certificates, secure_fixture) {
  config->fronts[0].tls = mesh.issue_for("DNS:front.test");
  start();
  auto port = server->ports().at(0);
  BOOST_TEST(turned_away(anybody(), port));
  await_count("{reason=\"bad_peer_certificate\"} 1");
  BOOST_TEST(turned_away(with(foreign.issue_for("DNS:user")), port));
  await_count("{reason=\"bad_peer_certificate\"} 2");
  BOOST_TEST(!backend.called());
  auto c = call(port, with(mesh.issue_for("DNS:user")));
  BOOST_TEST(served(c).starts_with("HTTP/1.1 200"));
}

// -- TLS for peers -----------------------------------------------------------

namespace {

const std::string from_peer = "GET /x HTTP/1.1\r\nHost: a\r\n"
                              "Cheops-Service: ServiceA\r\nCheops-Hops: 1\r\n";

struct peer_front : secure_fixture {
  std::uint16_t port = support::free_port();

  peer_front() {
    config->peer_front.listen = {"127.0.0.1", port};
    config->tls = mesh.issue("Site1");
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_peer_is_who_its_certificate_says, peer_front) {
  site::peer two;
  two.name = site_id{"Site2"};
  two.allow.emplace(); // Nothing.
  config->peers.push_back(two);
  start();
  // Site3 is in no view and no file: the defaults are for it too.
  auto three = call(port, with(mesh.issue("Site3")));
  auto answer = served(three, from_peer + "Cheops-From: Site2\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 200"), answer);
  auto liar = call(port, with(mesh.issue("Site2")));
  liar.write(from_peer + "Cheops-From: Site3\r\n\r\n");
  answer = liar.read_until("}\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 403"), answer);
  BOOST_TEST(has(answer, "peers/Site2"), answer);
  BOOST_TEST(has(answer, "Cheops-Run: none"), answer);
  auto self = call(port, with(mesh.issue("Site1")));
  self.write(from_peer + "\r\n");
  BOOST_TEST(self.read_until("}\n").starts_with("HTTP/1.1 403"));
  BOOST_TEST(!backend.called());
}

BOOST_FIXTURE_TEST_CASE(who_is_no_peer_does_not_get_in, peer_front) {
  auto revoked = mesh.issue("Site4");
  config->tls.crl = mesh.revoke({"Site4"});
  start();
  struct {
    std::string_view who;
    http::ssl_context as;
  } const table[] = {
    {"without a certificate", anybody()},
    {"of another authority", with(foreign.issue("Site2"))},
    {"no site", with(mesh.issue_for("DNS:www.test"))},
    {"two sites", with(mesh.issue_for("URI:urn:cheops:site:Site2,"
                                      "URI:urn:cheops:site:Site3"))},
    {"revoked", with(revoked)},
  };
  int n = 0;
  for (const auto& x : table) {
    BOOST_TEST(turned_away(x.as, port), x.who);
    // TLS says so before we count.
    await_count("{reason=\"bad_peer_certificate\"} " + std::to_string(++n));
  }
  auto old = with(mesh.issue("Site2"));
  SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
  BOOST_TEST(!call(port, old).up());
  BOOST_TEST(!backend.called());
  auto good = call(port, with(mesh.issue("Site2")));
  BOOST_TEST(served(good, from_peer + "\r\n").starts_with("HTTP/1.1 200"));
}

BOOST_FIXTURE_TEST_CASE(who_is_revoked_is_cut_off_at_the_reload, peer_front) {
  start();
  auto two = mesh.issue("Site2");
  auto idle = call(port, with(two));
  BOOST_TEST(served(idle, from_peer + "\r\n").starts_with("HTTP/1.1 200"));
  auto busy = call(port, with(two));
  busy.write(from_peer + "\r\n");
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  auto other = call(port, with(mesh.issue("Site3")));
  BOOST_TEST(served(other, from_peer + "\r\n").starts_with("HTTP/1.1 200"));
  auto next = std::make_shared<site::config>(*config);
  next->tls.crl = mesh.revoke({"Site2"});
  BOOST_REQUIRE(server->reload(next).has_value());
  BOOST_TEST(idle.closes());
  BOOST_TEST(busy.closes());
  BOOST_TEST(b.closes());
  await_count("{reason=\"bad_peer_certificate\"} 2");
  BOOST_TEST(turned_away(with(two), port));
  BOOST_TEST(served(other, from_peer + "\r\n").starts_with("HTTP/1.1 200"));
}
