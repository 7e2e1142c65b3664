// Two sites: a scoped request goes from the front of one to the peer front
// of the other.
#include "support/boost_test.hpp"
#include "support/free_port.hpp"
#include "support/proxy_fixture.hpp"

using namespace cheops;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Site1 with a front, Site2 with a peer front; both without TLS.
struct two_sites {
  proxy_fixture a, b;
  raw_listener elsewhere; ///< Accepts, never answers.

  two_sites() {
    b.config->name = site_id{"Site2"};
    // Port 0 would mean "no peer front".
    auto port = support::free_port();
    b.config->peer_front.listen = {"127.0.0.1", port};
    b.start();
    a.start();
    publish(mesh::reach::up, {"127.0.0.1", port}, 1);
  }
  void publish(mesh::reach state, mesh::address at, std::uint64_t version) {
    auto v = std::make_shared<mesh::view>();
    v->self = a.config->name;
    v->version = version;
    v->sites.resize(2);
    v->sites[0].name = site_id{"Site1"};
    v->sites[0].state = mesh::reach::self;
    v->sites[1].name = site_id{"Site2"};
    v->sites[1].state = state;
    v->sites[1].peer_front = at;
    a.server->publish(v);
  }
};

std::string scoped(std::string_view method, std::string_view scope) {
  return std::string{method} + " /x HTTP/1.1\r\nHost: a\r\nScope: "
         + std::string{scope} + "\r\n\r\n";
}

constexpr auto ok = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    "Content-Length: 2\r\n\r\nok";

} // namespace

BOOST_FIXTURE_TEST_CASE(a_scoped_request_runs_at_the_named_site, two_sites) {
  auto c = a.client();
  c.write(scoped("GET", "{ServiceA: Site2}"));
  auto app = b.backend.accept();
  auto head = app.read_until("\r\n\r\n");
  BOOST_TEST(!has(head, "Cheops-"), head);
  BOOST_TEST(!has(head, "Scope"), head);
  BOOST_TEST(has(head, "Via: 1.1 Site1 (cheops "), head);
  BOOST_TEST(has(head, "Via: 1.1 Site2 (cheops "), head);
  app.write(ok);
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(has(answer, "Cheops-Sites: Site2=200"), answer);
  BOOST_TEST(c.read_bytes(2) == "ok");
  BOOST_TEST(!a.backend.called());
}

BOOST_FIXTURE_TEST_CASE(a_site_that_is_cut_off_is_an_error_at_once, two_sites) {
  publish(mesh::reach::down, {"127.0.0.1", elsewhere.port()}, 2);
  auto c = a.client();
  c.write(scoped("GET", "{ServiceA: Site2}"));
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: unreachable"), answer);
  BOOST_TEST(has(answer, "Cheops-Site: Site2"), answer);
  BOOST_TEST(!elsewhere.called());
}

BOOST_FIXTURE_TEST_CASE(a_configured_peer_is_known_before_its_link,
                        proxy_fixture) {
  site::peer two;
  two.name = site_id{"Site2"};
  two.link = {"127.0.0.1", 1};
  config->peers.push_back(two);
  start();
  auto c = client();
  c.write(scoped("GET", "{ServiceA: Site2}"));
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: unreachable"), answer);
  BOOST_TEST(has(answer, "Cheops-Site: Site2"), answer);
}

BOOST_FIXTURE_TEST_CASE(otherwise_takes_the_next_site, two_sites) {
  publish(mesh::reach::down, {"127.0.0.1", elsewhere.port()}, 2);
  auto c = a.client();
  c.write(scoped("POST", "{ServiceA: Site2 || Site1}"));
  auto app = a.backend.accept();
  BOOST_TEST(app.read_until("\r\n\r\n").starts_with("POST /x"));
  app.write(ok);
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(has(answer, "Cheops-Sites: Site1=200"), answer);
}

BOOST_FIXTURE_TEST_CASE(otherwise_moves_on_from_a_5xx_of_a_safe_request,
                        two_sites) {
  auto c = a.client();
  c.write(scoped("GET", "{ServiceA: Site2 || Site1}"));
  auto first = b.backend.accept();
  first.read_until("\r\n\r\n");
  first.write("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  auto second = a.backend.accept();
  second.read_until("\r\n\r\n");
  second.write(ok);
  BOOST_TEST(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
}

BOOST_FIXTURE_TEST_CASE(a_link_that_goes_down_ends_its_exchanges, two_sites) {
  auto c = a.client();
  c.write(scoped("GET", "{ServiceA: Site2}"));
  auto app = b.backend.accept();
  app.read_until("\r\n\r\n");
  publish(mesh::reach::down, {"127.0.0.1", elsewhere.port()}, 2);
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(has(answer, "Cheops-Error: unreachable"), answer);
  // Site2's node sees its caller go, and lets go of the application.
  BOOST_TEST(app.closes());
}

BOOST_FIXTURE_TEST_CASE(a_cut_that_is_injected_holds_and_heals, two_sites) {
  a.config->times.connect = 20s;
  mesh::fault_table cut;
  cut[site_id{"Site2"}].out.cut = true;
  a.server->publish(cut);
  auto c = a.client();
  c.write(scoped("GET", "{ServiceA: Site2}"));
  auto local = a.client();
  local.write("GET /l HTTP/1.1\r\nHost: a\r\n\r\n");
  auto app = a.backend.accept(); // Local requests are untouched.
  app.read_until("\r\n\r\n");
  BOOST_TEST(!b.backend.called());
  a.server->publish(mesh::fault_table{});
  auto remote = b.backend.accept();
  BOOST_TEST(!remote.read_until("\r\n\r\n").empty());
}

BOOST_FIXTURE_TEST_CASE(the_peer_front_serves_peers_only, two_sites) {
  auto c = raw_socket::to_port(b.server->ports().at(1));
  c.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  BOOST_TEST(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 403"));
}
