// A data plane as a whole: several threads, new settings under traffic, what
// a reload cannot change.
#include "http/service.hpp"
#include "support/boost_test.hpp"
#include "support/sites_fixture.hpp"
#include "support/tls_fixture.hpp"

#include <atomic>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

const std::string get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// An instance of an application that answers many at once: "GET /x" by its
/// name.
std::unique_ptr<http::service> instance(const std::string& name) {
  http::service_settings with;
  with.at.listen = mesh::address{"127.0.0.1", 0};
  with.threads = 2;
  with.connections_max = 1000;
  with.check_host = false;
  http::route x;
  x.path = "/x";
  x.needs_token = false;
  x.takes = "";
  x.run = [name](const http::service_request& in) {
    http::service_response out;
    out.type = "text/plain";
    out.body = name + in.body;
    return out;
  };
  for (auto method : {"GET", "POST"}) {
    x.method = method;
    with.routes.push_back(x);
  }
  return http::service::start(std::move(with)).value();
}

/// The body of the next answer, if its status is 200; else all that came.
std::string body_of(raw_socket& c) {
  auto head = c.read_until("\r\n\r\n");
  auto at = head.find("Content-Length: ");
  if (!head.starts_with("HTTP/1.1 200") || at == head.npos)
    return head;
  return c.read_bytes(std::stoul(head.substr(at + 16)));
}

} // namespace

// -- under traffic -----------------------------------------------------------

BOOST_AUTO_TEST_CASE(new_settings_disturb_no_request) {
  auto here = instance("here"), there = instance("there");
  site_fixture one{"Site1"}, two{"Site2"};
  for (auto* x : {&one, &two}) {
    x->config->threads = 3;
    x->config->fronts[0].to.at.port = x == &one ? here->port() : there->port();
    x->start();
  }
  publish(one, {{two}});
  publish(two, {{one}});
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0}, served{0};
  std::vector<std::thread> users;
  for (int i = 0; i < 6; ++i)
    users.emplace_back([&, i] {
      auto remote = i % 2 == 1;
      const auto request =
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
        + std::string{remote ? "Scope: {ServiceA: Site2 || Site1}\r\n" : ""}
        + "\r\nabc";
      auto c = one.client();
      while (!over) {
        c.write(request);
        if (body_of(c) != (remote ? "thereabc" : "hereabc"))
          ++wrong;
        ++served;
      }
    });
  auto next = one.config;
  for (std::uint32_t i = 0; i < 30; ++i) {
    next = std::make_shared<site::config>(*next);
    next->bounds.upstream_idle = 1 + i % 3;
    next->times.answer = 20s + std::chrono::seconds{i};
    BOOST_REQUIRE(one.server->reload(next).has_value());
    publish(one, {{two}});
    mesh::fault_table harmless;
    harmless[site_id{"Site3"}].in.cut = true;
    one.server->publish(i % 2 == 0 ? harmless : mesh::fault_table{});
    auto before = served.load();
    while (served < before + 20)
      std::this_thread::yield();
  }
  over = true;
  for (auto& x : users)
    x.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(connections_are_dealt_out_and_counted_over_all_threads) {
  auto here = instance("here");
  proxy_fixture f;
  f.config->threads = 4;
  f.config->bounds.connections = 20;
  f.config->fronts[0].to.at.port = here->port();
  f.start();
  std::vector<raw_socket> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(f.client());
    all.back().write(get);
    BOOST_TEST(body_of(all.back()) == "here");
  }
  auto over = f.client();
  BOOST_TEST(read_problem(over).starts_with("HTTP/1.1 503"));
  for (auto& c : all) {
    c.write(get);
    BOOST_TEST(body_of(c) == "here");
  }
  BOOST_TEST(f.counted("cheops_connections{front=\"ServiceA\"} 2"));
}

BOOST_AUTO_TEST_CASE(a_drain_ends_what_runs_on_every_thread) {
  proxy_fixture f;
  f.config->threads = 4;
  f.start();
  std::vector<raw_socket> clients, backends;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(f.client());
    clients.back().write(get);
    backends.push_back(f.backend.accept());
    backends.back().read_until("\r\n\r\n");
  }
  std::thread stopping{[&] { f.server->stop(20s); }};
  for (auto& b : backends)
    b.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  for (auto& c : clients)
    BOOST_TEST(c.read_all().ends_with("ok"));
  stopping.join();
}

BOOST_AUTO_TEST_CASE(a_stop_without_grace_cuts_everything_off) {
  proxy_fixture f;
  f.config->threads = 2;
  f.start();
  auto idle = f.client();
  auto c = f.client();
  c.write(get);
  auto b = f.backend.accept();
  b.read_until("\r\n\r\n");
  f.server->stop(0ms);
  BOOST_TEST(idle.closes());
  BOOST_TEST(c.closes());
  BOOST_TEST(b.closes());
}

BOOST_FIXTURE_TEST_CASE(it_is_healthy_while_every_thread_turns, proxy_fixture) {
  config->threads = 3;
  start();
  auto fine = server->health();
  BOOST_TEST(fine.has_value());
  server->stop(0ms);
  fine = server->health(); // Nobody is left to answer.
  BOOST_REQUIRE(!fine);
  BOOST_TEST(has(fine.error().what, "3 of 3 event loops do not answer"),
             fine.error().what);
}

// -- what changes, and what cannot -------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_new_backend_and_new_limits_count_at_once,
                        proxy_fixture) {
  auto first = instance("first"), second = instance("second");
  config->fronts[0].to.at.port = first->port();
  start();
  auto c = client();
  c.write(get);
  BOOST_TEST(body_of(c) == "first");
  auto next = std::make_shared<site::config>(*config);
  next->fronts[0].to.at.port = second->port();
  next->bounds.header_fields = 8;
  BOOST_REQUIRE(server->reload(next).has_value());
  c.write(get); // The same connection.
  BOOST_TEST(body_of(c) == "second");
  std::string many = "GET /x HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 10; ++i)
    many += "X: y\r\n";
  c.write(many + "\r\n");
  BOOST_TEST(read_problem(c).starts_with("HTTP/1.1 431"));
}

namespace {

struct reload_fixture : site_fixture, tls_fixture {
  reload_fixture() : site_fixture("Site1") {}

  /// What a reload with this change is refused for.
  std::string refused(const std::function<void(site::config&)>& change) {
    auto next = std::make_shared<site::config>(*config);
    change(*next);
    auto done = server->reload(next);
    return done ? std::string{} : to_string(done.error());
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(certificates_are_read_again, reload_fixture) {
  config->fronts[0].tls = identity(mesh.issue_for("DNS:old.test"));
  start();
  auto port = server->ports().at(0);
  auto trusts = [this](const std::string& name) {
    auto out = http::client_context(mesh.issue_for("DNS:x"), true).value();
    X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(out.get()), name.c_str(), 0);
    return out;
  };
  auto stays = call(port, trusts("old.test"));
  BOOST_TEST(stays.up());
  BOOST_TEST(refused([this](auto& x) {
               x.fronts[0].tls = identity(mesh.issue_for("DNS:new.test"));
             })
             == "");
  BOOST_TEST(!call(port, trusts("old.test")).up());
  BOOST_TEST(call(port, trusts("new.test")).up());
  stays.write(get); // Who is connected stays so.
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
}

BOOST_FIXTURE_TEST_CASE(what_a_reload_cannot_change_changes_nothing,
                        reload_fixture) {
  start();
  auto file = [this](const std::string& text) {
    return write("broken.pem", text);
  };
  struct {
    std::string_view part;
    std::function<void(site::config&)> change;
  } const table[] = {
    {"fronts cannot be added", [](auto& x) { x.fronts.pop_back(); }},
    {"fronts cannot be added",
     [](auto& x) { x.fronts[0].listen.host = "127.0.0.2"; }},
    {"fronts cannot be added",
     [this](auto& x) { x.fronts[0].tls = identity(mesh.issue_for("DNS:a")); }},
    {"tls between sites", [this](auto& x) { x.tls = mesh.issue("Site1"); }},
    {"broken.pem",
     [&](auto& x) {
       x.fronts[0].to.tls = true;
       x.fronts[0].to.files.ca = file("nonsense");
     }},
    {"\"ServiceX\"",
     [](auto& x) { x.fronts[0].service = service_id{"ServiceX"}; }},
  };
  for (const auto& x : table)
    BOOST_TEST(has(refused(x.change), x.part),
               x.part << ": " << refused(x.change));
  auto c = client();
  c.write(get);
  auto b = backend.accept(); // All is as it was.
  BOOST_TEST(has(b.read_until("\r\n\r\n"), "GET /x"));
}

BOOST_FIXTURE_TEST_CASE(a_port_that_another_node_has_is_an_error,
                        proxy_fixture) {
  config->threads = 2;
  start();
  proxy_fixture second;
  second.config->fronts[0].listen.port = server->ports().at(0);
  auto made = http::server::start(second.config, second.app, second.counters);
  BOOST_REQUIRE(!made);
  BOOST_TEST((made.error().code == errc::io));
  BOOST_TEST(has(to_string(made.error()), "is another process listening"));
}

BOOST_AUTO_TEST_CASE(what_is_read_at_a_scrape_may_outlive_the_server) {
  proxy_fixture f;
  f.start();
  auto c = f.client();
  c.write("GET /x HTTP/1.1\r\nHost: a\r\nScope: {ServiceA: Site1}\r\n\r\n");
  auto b = f.backend.accept();
  b.read_until("\r\n\r\n");
  BOOST_TEST(f.counted("cheops_correlations 1\n"));
  BOOST_TEST(f.counted("cheops_correlations_evicted_total 0\n"));
  BOOST_TEST(f.counted("cheops_access_log_dropped_total 0\n"));
  f.server.reset();
  BOOST_TEST(f.counted("cheops_correlations 0\n"));
}
