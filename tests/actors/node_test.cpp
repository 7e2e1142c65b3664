#define BOOST_TEST_MODULE node
#include "actors/box.hpp"
#include "actors/gateway.hpp"
#include "actors/node.hpp"
#include "actors/site_under_test.hpp"
#include "actors/supervisor.hpp"
#include "support/boost_test.hpp"

#include <caf/send.hpp>
#include <spdlog/spdlog.h>

#include <arpa/inet.h>
#include <future>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

using namespace cheops;
using namespace cheops::support;
using namespace std::chrono_literals;
using mesh::reach;

namespace {

/// Connects as anyone could, sends, and says whether the node hung up.
bool is_hung_up_on(const site::config& on, const std::string& bytes) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(on.link.listen.port);
  timeval patience{30, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  auto connected =
    ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  BOOST_REQUIRE(connected);
  BOOST_REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL)
                == static_cast<ssize_t>(bytes.size()));
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::recv(fd, buffer, sizeof buffer, 0)) > 0) {
  }
  auto timed_out = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  ::close(fd);
  return !timed_out;
}

/// A view in which that site is down, and the text is in the reason.
std::function<bool(const mesh::view&)> down_because(const std::string& site,
                                                    const std::string& text) {
  return [site, text](const mesh::view& v) {
    const auto* s = v.find(site_id{site});
    return s->state == reach::down
           && s->stats.last_error.find(text) != std::string::npos;
  };
}

mesh::fault_table cut(const std::string& peer) {
  mesh::peer_faults f;
  f.in.cut = f.out.cut = true;
  return {{site_id{peer}, f}};
}

} // namespace

BOOST_FIXTURE_TEST_CASE(a_node_tells_whether_it_listens_for_links,
                        mesh_fixture) {
  site_under_test a{secured("A")};
  BOOST_TEST(a.node->health().has_value());
  a.node->stop();
  BOOST_TEST(!a.node->health().has_value());
}

BOOST_FIXTURE_TEST_CASE(a_check_reads_the_files_that_a_start_would,
                        mesh_fixture) {
  auto check = [](site::config x) {
    return actors::node::check(
      std::make_shared<const site::config>(std::move(x)));
  };
  auto a = secured("A");
  BOOST_TEST(check(a).has_value());
  auto other = a;
  other.name = site_id{"B"}; // The certificate is A's.
  BOOST_TEST(!check(other).has_value());
  auto none = a;
  none.tls.ca = path("nowhere");
  BOOST_TEST(!check(none).has_value());
}

BOOST_FIXTURE_TEST_CASE(sites_that_know_one_peer_learn_the_rest, mesh_fixture) {
  auto a = secured("A"), b = secured("B"), c = secured("New York");
  declare(b, a);
  declare(c, a);
  site_under_test sa{a}, sb{b}, sc{c};
  BOOST_TEST(sb.until("New York", reach::up));
  BOOST_TEST(sc.until("B", reach::up));
  BOOST_TEST(sa.until("New York", reach::up));
  BOOST_TEST(sa.until("B", reach::up));
  auto seen = sb.see("New York");
  BOOST_TEST((seen.link == c.link.listen));
  BOOST_TEST((seen.peer_front == c.peer_front.listen));
  BOOST_TEST(seen.services.size() == 1U);
  BOOST_TEST(seen.incarnation > 0U);
}

BOOST_FIXTURE_TEST_CASE(a_cut_takes_a_link_down_and_healing_brings_it_back,
                        mesh_fixture) {
  auto a = secured("A"), b = secured("B");
  declare(b, a);
  site_under_test sa{a}, sb{b};
  BOOST_REQUIRE(sa.until("B", reach::up));
  BOOST_REQUIRE(sb.until("A", reach::up));
  sa.node->publish(cut("B"));
  BOOST_TEST(sa.until("B", reach::down));
  BOOST_TEST(sb.until("A", reach::down));
  sa.node->publish({});
  BOOST_TEST(sa.until("B", reach::up));
  BOOST_TEST(sb.until("A", reach::up));
  BOOST_TEST(sa.see("B").stats.times_down >= 1U);
}

BOOST_FIXTURE_TEST_CASE(an_injected_delay_shows_at_every_site, mesh_fixture) {
  auto a = secured("A"), b = secured("B"), c = secured("C");
  declare(b, a);
  declare(c, a);
  site_under_test sa{a}, sb{b}, sc{c};
  BOOST_REQUIRE(sc.until("B", reach::up));
  mesh::peer_faults f;
  f.out.delay = 200ms;
  sa.node->publish({{site_id{"B"}, f}});
  auto slow = [](const mesh::view& v) {
    auto t = v.round_trip(site_id{"A"}, site_id{"B"});
    return t && *t >= 200ms;
  };
  BOOST_TEST(sa.until(slow));
  BOOST_TEST(sc.until(slow));
  BOOST_TEST(sb.until(slow));
}

BOOST_FIXTURE_TEST_CASE(a_site_that_stops_says_goodbye, mesh_fixture) {
  auto a = secured("A"), b = secured("B");
  declare(b, a);
  site_under_test sa{a}, sb{b};
  BOOST_REQUIRE(sa.until("B", reach::up));
  sb.node->stop();
  BOOST_TEST(sa.saw(down_because("B", "said goodbye")));
}

BOOST_FIXTURE_TEST_CASE(a_supervisor_knows_its_site_before_anybody_speaks,
                        mesh_fixture) {
  // A peer can be there before the node has told it of its listener.
  auto a = secured("A");
  site_under_test sa{a};
  auto first = std::make_shared<mesh::view>();
  first->self = site_id{"X"};
  std::promise<mesh::view_ptr> shown;
  auto told = shown.get_future();
  auto& sys = sa.node->system();
  actors::supervisor_plan plan;
  plan.setup.config = std::make_shared<site::config>(config_of("X"));
  plan.hello.site = site_id{"X"};
  plan.gateway =
    actors::spawn_gateway(sys, std::make_shared<actors::newest_view>(first),
                          [&, once = false](mesh::view_ptr x) mutable {
                            if (!std::exchange(once, true))
                              shown.set_value(std::move(x));
                          });
  plan.router = sa.node->router();
  plan.log = spdlog::default_logger();
  auto gateway = plan.gateway;
  auto it = actors::spawn_supervisor(sys, std::move(plan));
  BOOST_REQUIRE((told.wait_for(30s) == std::future_status::ready));
  BOOST_TEST((told.get()->find(site_id{"X"}) != nullptr));
  caf::anon_send(it, atom::stop_v);
  caf::anon_send(gateway, atom::stop_v);
}

BOOST_FIXTURE_TEST_CASE(a_site_that_restarts_is_taken_back, mesh_fixture) {
  auto a = secured("A"), b = secured("B");
  declare(b, a);
  site_under_test sa{a};
  std::uint64_t before = 0;
  {
    site_under_test sb{b};
    BOOST_REQUIRE(sa.until("B", reach::up));
    before = sa.see("B").incarnation;
  }
  BOOST_REQUIRE(sa.until("B", reach::down));
  site_under_test again{b};
  BOOST_TEST(sa.until([&](const mesh::view& v) {
    const auto* s = v.find(site_id{"B"});
    return s->state == reach::up && s->incarnation > before;
  }));
}

BOOST_FIXTURE_TEST_CASE(two_sites_that_dial_each_other_have_one_link,
                        mesh_fixture) {
  for (int i = 0; i < 10; ++i) {
    auto a = secured("A"), b = secured("B");
    declare(a, b);
    declare(b, a);
    site_under_test sa{a}, sb{b};
    BOOST_TEST_REQUIRE(sa.until("B", reach::up));
    BOOST_TEST_REQUIRE(sb.until("A", reach::up));
    box at_a{sa.node->system(), *sa.node->router(), "box"};
    box at_b{sb.node->system(), *sb.node->router(), "box"};
    sa.node->router()->post(at_a.to("B", "box", ""));
    sb.node->router()->post(at_b.to("A", "box", ""));
    BOOST_TEST_REQUIRE(at_a.take().has_value());
    BOOST_TEST_REQUIRE(at_b.take().has_value());
    BOOST_TEST((sa.see("B").state == reach::up));
    BOOST_TEST((sb.see("A").state == reach::up));
  }
}

BOOST_FIXTURE_TEST_CASE(a_site_that_moves_is_found_by_gossip, mesh_fixture) {
  auto a = secured("A"), b = secured("B"), c = secured("C");
  declare(b, a);
  declare(c, a);
  site_under_test sa{a}, sc{c};
  {
    site_under_test sb{b};
    BOOST_REQUIRE(sc.until("B", reach::up));
    BOOST_TEST((sc.see("B").link == b.link.listen));
  }
  // B is told of A alone; C and B find each other by what A tells.
  auto moved = b;
  moved.link.listen.port = free_port();
  site_under_test again{moved};
  BOOST_TEST(sc.until([&](const mesh::view& v) {
    const auto* s = v.find(site_id{"B"});
    return s->state == reach::up && s->link == moved.link.listen;
  }));
}

BOOST_FIXTURE_TEST_CASE(a_reload_changes_the_bounds_of_links_that_are_up,
                        mesh_fixture) {
  auto a = secured("A"), b = secured("B");
  declare(b, a);
  site_under_test sa{a}, sb{b};
  BOOST_REQUIRE(sa.until("B", reach::up));
  BOOST_REQUIRE(sb.until("A", reach::up));
  box asks{sa.node->system(), *sa.node->router(), "asker"};
  box foo{sb.node->system(), *sb.node->router(), "foo"};
  std::string big(2 * 1024 * 1024, 'x');
  sa.node->router()->post(asks.to("B", "foo", "", big));
  BOOST_TEST(foo.take().has_value());
  auto narrow = a;
  narrow.bounds.entry_bytes = 1;
  BOOST_REQUIRE(sa.node->reload(std::make_shared<site::config>(narrow)));
  sa.node->router()->post(asks.to("B", "foo", "", big));
  auto back = asks.take();
  BOOST_REQUIRE(back);
  BOOST_TEST((back->envelope.how == wire::delivery::too_large));
  BOOST_TEST(sa.see("B").stats.times_down == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_goodbye_leaves_before_the_site_does, mesh_fixture) {
  auto a = secured("A"), b = secured("B");
  declare(b, a);
  site_under_test sa{a};
  for (int i = 0; i < 10; ++i) {
    site_under_test sb{b};
    BOOST_TEST_REQUIRE(sb.until("A", reach::up));
    BOOST_TEST_REQUIRE(sa.until("B", reach::up));
    wire::envelope e;
    e.to = {a.name, "nobody", ""};
    e.payload.assign(2'000'000, 'x');
    for (int n = 0; n < 3; ++n)
      sb.node->router()->post(e);
    sb.node->stop();
    BOOST_TEST_REQUIRE(sa.saw(down_because("B", "said goodbye")));
  }
}

BOOST_FIXTURE_TEST_CASE(a_stopped_node_takes_calls_and_does_nothing,
                        mesh_fixture) {
  auto a = secured("A");
  site_under_test sa{a};
  sa.node->stop();
  sa.node->publish(cut("B"));
  BOOST_TEST(!sa.node->reload(std::make_shared<site::config>(a)));
  BOOST_TEST(sa.node->view() != nullptr);
  sa.node->stop();
}

BOOST_FIXTURE_TEST_CASE(a_certificate_of_another_ca_is_refused, mesh_fixture) {
  certificate_authority foreign{folder.string(), "foreign"};
  auto a = secured("A"), b = config_of("B");
  b.tls = foreign.issue("B");
  declare(b, a);
  declare(a, b);
  site_under_test sa{a}, sb{b};
  BOOST_TEST(sa.until(down_because("B", "TLS")));
  BOOST_TEST(sb.until(down_because("A", "TLS")));
}

BOOST_FIXTURE_TEST_CASE(a_certificate_for_another_site_is_refused,
                        mesh_fixture) {
  // B is a site of the mesh, and listens where A expects C.
  auto a = secured("A"), b = secured("B");
  auto c = b;
  c.name = site_id{"C"};
  declare(a, c);
  site_under_test sa{a}, sb{b};
  BOOST_TEST(sa.until(down_because("C", "is for site B")));
}

BOOST_FIXTURE_TEST_CASE(a_revoked_certificate_loses_its_link_at_reload,
                        mesh_fixture) {
  auto a = secured("A"), b = secured("B");
  declare(b, a);
  site_under_test sa{a}, sb{b};
  BOOST_REQUIRE(sa.until("B", reach::up));
  auto strict = a;
  strict.tls.crl = ca.revoke({"B"});
  BOOST_REQUIRE(sa.node->reload(std::make_shared<site::config>(strict)));
  BOOST_TEST(sa.until(down_because("B", "revoked")));
  BOOST_TEST(sb.until("A", reach::down));
}

// What a revoked site says goes on coming, by way of sites that believe it.
BOOST_FIXTURE_TEST_CASE(news_of_a_revoked_site_does_not_hide_why_it_is_down,
                        mesh_fixture) {
  auto a = secured("A"), b = secured("B"), c = secured("C");
  declare(b, a);
  declare(c, a);
  site_under_test sa{a}, sb{b}, sc{c};
  BOOST_REQUIRE(sa.until("B", reach::up));
  BOOST_REQUIRE(sa.until("C", reach::up));
  BOOST_REQUIRE(sc.until("B", reach::up));
  auto strict = a;
  strict.tls.crl = ca.revoke({"B"});
  BOOST_REQUIRE(sa.node->reload(std::make_shared<site::config>(strict)));
  BOOST_REQUIRE(sa.until("B", reach::down));
  // It states itself anew.
  BOOST_REQUIRE(sb.node->reload(std::make_shared<site::config>(b)));
  std::string why;
  BOOST_TEST(sa.until([&](const mesh::view& v) {
    why = v.find(site_id{"B"})->stats.last_error;
    return why.find("its statement") != std::string::npos;
  }));
  BOOST_TEST_INFO(why);
  auto second = why.find("; its statement");
  BOOST_TEST(second != std::string::npos);
  BOOST_TEST(why.find("certificate revoked") < second);
  BOOST_TEST(why.ends_with("not believed: certificate revoked"));
  BOOST_TEST((sa.see("B").state == reach::down));
  BOOST_TEST((sa.see("C").state == reach::up));
}

BOOST_FIXTURE_TEST_CASE(a_reload_adds_and_removes_peers, mesh_fixture) {
  auto a = secured("A"), b = secured("B");
  site_under_test sa{a}, sb{b};
  auto with = a;
  declare(with, b);
  BOOST_REQUIRE(sa.node->reload(std::make_shared<site::config>(with)));
  BOOST_TEST(sa.until("B", reach::up));
  BOOST_TEST(sb.until("A", reach::up));
  BOOST_REQUIRE(sa.node->reload(std::make_shared<site::config>(a)));
  BOOST_TEST(sa.until(
    [](const mesh::view& v) { return v.find(site_id{"B"}) == nullptr; }));
  BOOST_TEST(sb.until("A", reach::down));
}

BOOST_FIXTURE_TEST_CASE(a_reload_that_fails_changes_nothing, mesh_fixture) {
  auto a = secured("A");
  site_under_test sa{a};
  auto broken = a;
  broken.tls.certificate = folder.string() + "/missing.pem";
  auto done = sa.node->reload(std::make_shared<site::config>(broken));
  BOOST_REQUIRE(!done);
  BOOST_TEST((done.error().code == errc::bad_config));
  BOOST_TEST(done.error().what.find("missing.pem") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(garbage_is_hung_up_on, mesh_fixture) {
  auto a = secured("A"), plain = config_of("P");
  site_under_test sa{a}, sp{plain};
  std::string header{"\xc4\xe0\x01\x05\0\0\0\0\0\0\0\0\xff\xff\xff\xff", 16};
  for (const auto* x : {&a, &plain}) {
    BOOST_TEST(is_hung_up_on(*x, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    BOOST_TEST(is_hung_up_on(*x, header));
    BOOST_TEST(is_hung_up_on(*x, std::string(100, '\0')));
  }
}

BOOST_FIXTURE_TEST_CASE(two_processes_of_one_name_are_told_apart,
                        mesh_fixture) {
  auto a = secured("A"), b = secured("B"), twin = secured("B");
  declare(b, a);
  declare(twin, a);
  site_under_test sa{a}, sb{b};
  BOOST_REQUIRE(sa.until("B", reach::up));
  auto store = sa.see("B").store;
  site_under_test second{twin};
  auto told = [](const std::string& site) {
    return [site](const mesh::view& v) {
      const auto* s = v.find(site_id{site});
      return s->stats.last_error.find("two processes run as site B")
             != std::string::npos;
    };
  };
  BOOST_TEST(sa.until(told("B")));
  BOOST_TEST(second.until(told("A")));
  BOOST_TEST(sa.see("B").store == store);
  BOOST_TEST((sa.see("B").state == reach::up));
}

BOOST_AUTO_TEST_CASE(without_tls_a_mesh_lives_on_loopback) {
  auto a = config_of("A"), b = config_of("B"), c = config_of("C");
  declare(b, a);
  declare(c, a);
  site_under_test sa{a}, sb{b}, sc{c};
  BOOST_TEST(sb.until("C", reach::up));
  BOOST_TEST(sc.until("B", reach::up));
}

BOOST_AUTO_TEST_CASE(without_tls_nothing_listens_beyond_loopback) {
  auto a = config_of("A");
  a.link.listen.host = "0.0.0.0";
  auto x = actors::node::start(std::make_shared<site::config>(a), {}, {});
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::bad_config));
}

BOOST_AUTO_TEST_CASE(an_address_that_is_taken_is_an_error) {
  auto a = config_of("A");
  site_under_test sa{a};
  auto x = actors::node::start(std::make_shared<site::config>(a), {}, {});
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::io));
}

BOOST_FIXTURE_TEST_CASE(a_data_folder_keeps_the_identity, folder_fixture) {
  auto a = config_of("A");
  a.data = folder.string() + "/data";
  std::string store;
  std::uint64_t incarnation = 0;
  {
    site_under_test first{a};
    store = first.see("A").store;
    incarnation = first.see("A").incarnation;
    auto other = a;
    other.link.listen.port = free_port();
    auto x = actors::node::start(std::make_shared<site::config>(other), {}, {});
    BOOST_REQUIRE(!x);
    BOOST_TEST(x.error().what.find("another process") != std::string::npos);
  }
  site_under_test second{a};
  BOOST_TEST(second.see("A").store == store);
  BOOST_TEST(second.see("A").incarnation > incarnation);
}
