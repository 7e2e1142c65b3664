// Injected faults: what an experiment does to the exchanges between sites. A
// fault is seen by what does not arrive while others are served, and by what
// arrives when it is over.
#include "support/boost_test.hpp"
#include "support/sites_fixture.hpp"

#include <optional>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

const std::string ok =
  "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  "Content-Length: 2\r\n\r\nok";
const std::string local = "GET /local HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string remote =
  "GET /remote HTTP/1.1\r\nHost: a\r\nScope: {ServiceA: Site2}\r\n\r\n";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A whole exchange at a site: whatever its loop had to do before is done.
/// `held`: where a request goes that comes to the backend before it.
void pass_by(const site_fixture& site, raw_listener& backend,
             std::optional<raw_socket>* held = nullptr) {
  auto c = site.client();
  c.write("GET /by HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  for (;;) {
    auto b = backend.accept();
    if (!has(b.read_until("\r\n\r\n"), "GET /by") && held) {
      held->emplace(std::move(b));
      continue;
    }
    b.write(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    break;
  }
  BOOST_TEST_REQUIRE(c.read_all().ends_with("ok"));
}

struct two_sites {
  site_fixture one{"Site1"}, two{"Site2"};

  two_sites() {
    for (auto* x : {&one, &two}) {
      x->config->times.connect = 1h;
      x->start();
    }
    publish(one, {{two}});
    publish(two, {{one}});
  }
  /// At one side, for the traffic with the other; known there when it returns.
  /// What comes over connections that are open could overtake it.
  static void inject(site_fixture& at, const std::string& with,
                     mesh::peer_faults what) {
    mesh::fault_table all;
    all[site_id{with}] = what;
    at.server->publish(all);
    pass_by(at, at.backend);
  }
  static void heal(const site_fixture& at) {
    at.server->publish(mesh::fault_table{});
  }
};

mesh::peer_faults both(const mesh::fault& x) {
  return {x, x};
}

} // namespace

BOOST_FIXTURE_TEST_CASE(what_is_lost_arrives_when_the_loss_is_over, two_sites) {
  mesh::fault lossy;
  lossy.loss = 1;
  for (auto* at : {&one, &two}) {
    inject(*at, at == &one ? "Site2" : "Site1", both(lossy));
    auto c = one.client();
    c.write(remote);
    pass_by(one, one.backend); // Others are not touched …
    pass_by(two, two.backend); // … at either site.
    heal(*at);
    auto app = two.backend.accept();
    BOOST_TEST(has(app.read_until("\r\n\r\n"), "GET /remote"));
    app.write(ok);
    BOOST_TEST(c.read_until("\r\n\r\nok").starts_with("HTTP/1.1 200"));
    app.close();
  }
}

BOOST_FIXTURE_TEST_CASE(a_probability_of_none_loses_nothing, two_sites) {
  mesh::fault harmless;
  harmless.delay = 1us; // So that there is a fault at all.
  inject(one, "Site2", both(harmless));
  for (int i = 0; i < 20; ++i) {
    auto c = one.client();
    c.write(remote);
    auto app = two.backend.accept();
    app.read_until("\r\n\r\n");
    app.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n"
              "\r\nok");
    BOOST_TEST(c.read_until("\r\n\r\nok").starts_with("HTTP/1.1 200"));
  }
}

BOOST_FIXTURE_TEST_CASE(heads_are_late_by_the_delay_of_their_way, two_sites) {
  // Longer than what is done meanwhile, if the machine is not crowded.
  mesh::fault slow;
  slow.delay = 1s;
  struct {
    site_fixture& at;
    std::string with;
    mesh::peer_faults what;
    bool request_late;
  } const table[] = {
    {one, "Site2", {{}, slow}, true},  // The request leaves late.
    {two, "Site1", {slow, {}}, true},  // It is seen late.
    {one, "Site2", {slow, {}}, false}, // The answer is seen late.
    {two, "Site1", {{}, slow}, false}, // It leaves late.
  };
  for (const auto& x : table) {
    inject(x.at, x.with, x.what);
    auto c = one.client();
    auto before = std::chrono::steady_clock::now();
    c.write(remote);
    std::optional<raw_socket> app; // On a slow machine before who passes by.
    if (x.request_late) {
      pass_by(one, one.backend);
      pass_by(two, two.backend, &app);
    }
    if (!app) {
      app.emplace(two.backend.accept());
      BOOST_TEST(has(app->read_until("\r\n\r\n"), "GET /remote"));
    }
    app->write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n"
               "\r\nok");
    if (!x.request_late) {
      pass_by(one, one.backend);
      pass_by(two, two.backend);
    }
    BOOST_TEST(c.read_until("\r\n\r\nok").starts_with("HTTP/1.1 200"));
    // Never sooner; how much later is the machine's affair.
    BOOST_TEST((std::chrono::steady_clock::now() - before >= 1s), x.with);
    heal(x.at);
  }
}

BOOST_FIXTURE_TEST_CASE(a_cut_holds_what_runs_and_what_comes, two_sites) {
  auto c = one.client();
  c.write(remote);
  auto app = two.backend.accept();
  app.read_until("\r\n\r\n");
  mesh::fault cut;
  cut.cut = true;
  inject(two, "Site1", {{}, cut}); // Site2 says nothing more.
  app.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n"
            "\r\nok");
  auto later = one.client();
  later.write(remote);
  auto app2 = two.backend.accept(); // It hears still.
  app2.read_until("\r\n\r\n");
  app2.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n"
             "\r\nyes");
  pass_by(one, one.backend);
  pass_by(two, two.backend);
  heal(two);
  BOOST_TEST(c.read_until("\r\n\r\nok").starts_with("HTTP/1.1 200"));
  BOOST_TEST(later.read_until("\r\n\r\nyes").starts_with("HTTP/1.1 200"));
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_is_not_heard_is_not_refused, two_sites) {
  auto peer = two.peer(); // It stands before the cut.
  const std::string request =
    "GET /p HTTP/1.1\r\nHost: a\r\nCheops-From: Site1\r\n"
    "Cheops-Service: ServiceA\r\nCheops-Hops: 1\r\n\r\n";
  mesh::fault cut;
  cut.cut = true;
  inject(two, "Site1", {cut, {}});
  peer.write(request);
  pass_by(two, two.backend);
  heal(two);
  auto app = two.backend.accept();
  BOOST_TEST(has(app.read_until("\r\n\r\n"), "GET /p"));
}

BOOST_FIXTURE_TEST_CASE(a_client_that_goes_in_a_delay_leaves_nothing,
                        two_sites) {
  mesh::fault slow;
  slow.delay = 1h;
  inject(one, "Site2", both(slow));
  auto c = one.client();
  c.write(remote);
  pass_by(one, one.backend);
  c.close();
  one.await_count("cheops_connections{front=\"ServiceA\"} 0");
  one.await_count("endpoint=\"127.0.0.1:"
                  + std::to_string(two.config->peer_front.listen.port)
                  + "\",state=\"busy\"} 0\n");
}

// What has come whole goes out whole, though its sender has broken off since:
// a cut towards the client holds the answer until both are known.
BOOST_FIXTURE_TEST_CASE(a_whole_body_passes_though_its_sender_breaks_off,
                        two_sites) {
  for (auto body_is_whole : {true, false}) {
    auto peer = two.peer();
    peer.write("GET /p HTTP/1.1\r\nHost: a\r\nCheops-From: Site1\r\n"
               "Cheops-Service: ServiceA\r\nCheops-Hops: 1\r\n\r\n");
    auto app = two.backend.accept();
    app.read_until("\r\n\r\n");
    mesh::fault cut;
    cut.cut = true;
    inject(two, "Site1", {{}, cut});
    app.write("HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n"
              + std::string(body_is_whole ? 30'000 : 29'999, 'x'));
    pass_by(two, two.backend); // It is read.
    app.reset();
    pass_by(two, two.backend); // The end is known.
    heal(two);
    auto answer = peer.read_until("\r\n\r\n");
    if (body_is_whole) {
      BOOST_TEST(answer.starts_with("HTTP/1.1 200"), answer);
      BOOST_TEST(peer.read_bytes(30'000).size() == 30'000U);
    } else {
      BOOST_TEST(peer.read_all().size() < 30'000U);
    }
  }
}
