#define BOOST_TEST_MODULE http_proxy
#include "support/boost_test.hpp"
#include "support/proxy_fixture.hpp"

using namespace cheops;
using namespace std::chrono_literals;

namespace {

constexpr auto get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr auto ok = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    "Content-Length: 2\r\n\r\nok";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct started : proxy_fixture {
  started() { start(); }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(connections_are_kept_on_both_sides, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  for (int i = 0; i < 3; ++i) {
    auto head = b.read_until("\r\n\r\n");
    BOOST_TEST(head.starts_with("GET /x HTTP/1.1\r\nHost: a\r\n"), head);
    BOOST_TEST(has(head, "\r\nVia: 1.1 Site1 (cheops "), head);
    BOOST_TEST(has(head, "\r\nForwarded: for=127.0.0.1;proto=http;host=\"a\""),
               head);
    b.write(ok);
    BOOST_TEST(c.read_bytes(std::strlen(ok)) == ok);
    if (i < 2)
      c.write(get);
  }
  BOOST_TEST(!backend.called());
}

BOOST_FIXTURE_TEST_CASE(pipelined_requests_are_answered_in_order, started) {
  auto c = client();
  std::string three;
  for (auto x : {"/1", "/2", "/3"})
    three += "GET " + std::string{x} + " HTTP/1.1\r\nHost: a\r\n\r\n";
  c.write(three);
  auto b = backend.accept();
  for (auto x : {"/1", "/2", "/3"}) {
    BOOST_TEST(b.read_until("\r\n\r\n").starts_with("GET " + std::string{x}));
    b.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + std::string{x});
    c.read_until("\r\n\r\n");
    BOOST_TEST(c.read_bytes(2) == x);
  }
}

BOOST_FIXTURE_TEST_CASE(chunks_and_trailers_pass_as_they_came, started) {
  auto c = client();
  const std::string body = "5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
  c.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          + body);
  auto b = backend.accept();
  BOOST_TEST(has(b.read_until("\r\n\r\n"), "Transfer-Encoding: chunked"));
  BOOST_TEST(b.read_bytes(body.size()) == body);
  b.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  c.read_until("\r\n\r\n");
  BOOST_TEST(c.read_bytes(body.size()) == body);
}

BOOST_FIXTURE_TEST_CASE(an_old_client_gets_no_chunks, started) {
  auto c = client();
  c.write("GET / HTTP/1.0\r\n\r\n");
  auto b = backend.accept();
  auto head = b.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "\r\nHost: 127.0.0.1:"), head);
  b.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  auto answer = c.read_all();
  BOOST_TEST(!has(answer, "chunked"), answer);
  BOOST_TEST(answer.ends_with("\r\n\r\nabcde"), answer);
}

BOOST_FIXTURE_TEST_CASE(an_answer_that_ends_with_its_connection_is_chunked,
                        started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.0 200 OK\r\n\r\nabc");
  auto head = c.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("HTTP/1.1 200"), head);
  BOOST_TEST(has(head, "Transfer-Encoding: chunked"), head);
  BOOST_TEST(c.read_bytes(8) == "3\r\nabc\r\n");
  b.close();
  BOOST_TEST(c.read_bytes(5) == "0\r\n\r\n");
}

BOOST_FIXTURE_TEST_CASE(a_100_is_relayed_before_the_body_comes, started) {
  auto c = client();
  c.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
          "Expect: 100-continue\r\n\r\n");
  auto b = backend.accept();
  BOOST_TEST(has(b.read_until("\r\n\r\n"), "Expect: 100-continue"));
  b.write("HTTP/1.1 100 Continue\r\n\r\n");
  BOOST_TEST(c.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  c.write("hi");
  BOOST_TEST(b.read_bytes(2) == "hi");
  b.write(ok);
  BOOST_TEST(c.read_bytes(std::strlen(ok)) == ok);
}

BOOST_FIXTURE_TEST_CASE(a_client_that_goes_takes_its_watch_along, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  c.read_until("abc\r\n");
  c.close();
  BOOST_TEST(b.closes());
}

BOOST_FIXTURE_TEST_CASE(a_backend_that_breaks_off_is_a_502, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.close();
  auto head = c.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("HTTP/1.1 502"), head);
  BOOST_TEST(has(head, "Cheops-Error: broken"), head);
}

BOOST_FIXTURE_TEST_CASE(a_stale_connection_is_replaced_once, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write(ok);
  c.read_bytes(std::strlen(ok));
  c.write(get);
  b.read_until("\r\n\r\n");
  b.close();
  auto fresh = backend.accept();
  fresh.read_until("\r\n\r\n");
  fresh.close();
  BOOST_TEST(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 502"));
  BOOST_TEST(!backend.called());
}

BOOST_FIXTURE_TEST_CASE(an_upgrade_becomes_a_tunnel, started) {
  auto c = client();
  c.write("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
          "Upgrade: echo\r\n\r\n");
  auto b = backend.accept();
  auto head = b.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "Upgrade: echo\r\nConnection: Upgrade\r\n"), head);
  b.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
          "Upgrade: echo\r\n\r\nfirst");
  head = c.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "Upgrade: echo\r\nConnection: Upgrade\r\n"), head);
  BOOST_TEST(c.read_bytes(5) == "first");
  c.write("ping");
  BOOST_TEST(b.read_bytes(4) == "ping");
  b.close();
  BOOST_TEST(c.closes());
}

namespace {

/// A tunnel through the proxy: its two ends.
std::pair<raw_socket, raw_socket> tunnel(proxy_fixture& f) {
  auto c = f.client();
  c.write("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
          "Upgrade: echo\r\n\r\n");
  auto b = f.backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
          "Upgrade: echo\r\n\r\n");
  c.read_until("\r\n\r\n");
  return {std::move(c), std::move(b)};
}

} // namespace

BOOST_FIXTURE_TEST_CASE(a_tunnel_carries_any_bytes_both_ways_at_once, started) {
  auto [c, b] = tunnel(*this);
  BOOST_TEST(counted("cheops_tunnels 1\n"));
  const std::string up(3'000'000, 'u'), down(3'000'000, 'd');
  std::thread sending{[x = &c, &up] { x->write(up); }};
  std::thread answering{[x = &b, &down] { x->write(down); }};
  std::string came_up;
  std::thread taking{
    [x = &b, &came_up, &up] { came_up = x->read_bytes(up.size()); }};
  auto came_down = c.read_bytes(down.size());
  sending.join();
  answering.join();
  taking.join();
  BOOST_TEST((came_up == up));
  BOOST_TEST((came_down == down));
}

BOOST_FIXTURE_TEST_CASE(a_half_of_a_tunnel_may_end_before_the_other, started) {
  auto [c, b] = tunnel(*this);
  c.write("the last");
  c.shut_write();
  BOOST_TEST(b.read_all() == "the last");
  const std::string down(1'000'000, 'd');
  std::thread answering{[x = &b, &down] {
    x->write(down);
    x->shut_write();
  }};
  auto came_down = c.read_all();
  answering.join();
  BOOST_TEST((came_down == down));
  await_count("cheops_tunnels 0\n");
}

BOOST_FIXTURE_TEST_CASE(a_half_of_a_tunnel_is_not_left_for_long,
                        proxy_fixture) {
  config->times.idle = 500ms;
  start();
  auto [c, b] = tunnel(*this);
  b.shut_write();
  BOOST_TEST(c.read_all() == "");
  BOOST_TEST(b.closes());
  await_count("cheops_tunnels 0\n");
  BOOST_TEST(counted("{reason=\"idle\"} 1"));
}

BOOST_FIXTURE_TEST_CASE(a_tunnel_that_is_broken_ends_both_ways, started) {
  auto [c, b] = tunnel(*this);
  c.reset();
  BOOST_TEST(b.closes());
  await_count("cheops_tunnels 0\n");
}

BOOST_FIXTURE_TEST_CASE(a_silent_tunnel_is_closed, proxy_fixture) {
  config->times.tunnel_idle = 50ms;
  start();
  auto [c, b] = tunnel(*this);
  BOOST_TEST(c.closes());
  BOOST_TEST(b.closes());
  BOOST_TEST(counted("{reason=\"idle\"} 1"));
  await_count("cheops_tunnels 0\n");
}

BOOST_FIXTURE_TEST_CASE(a_switch_that_nobody_was_asked_for_is_no_tunnel,
                        started) {
  for (auto asked : {"", "Connection: Upgrade\r\nUpgrade: h2c\r\n"}) {
    auto c = client();
    c.write(std::string{"GET / HTTP/1.1\r\nHost: a\r\n"} + asked + "\r\n");
    auto b = backend.accept();
    BOOST_TEST(!has(b.read_until("\r\n\r\n"), "Upgrade"));
    b.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
            "Upgrade: h2c\r\n\r\n");
    auto head = c.read_until("\r\n\r\n");
    BOOST_TEST(head.starts_with("HTTP/1.1 502"), head);
    BOOST_TEST(has(head, "Cheops-Error: broken"), head);
  }
}

BOOST_FIXTURE_TEST_CASE(fields_of_ours_and_of_the_hop_stay_here, started) {
  auto c = client();
  c.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\n"
          "X-Hop: 1\r\nKeep-Alive: 5\r\nCheops-From: Site9\r\n"
          "cheops-x: 1\r\nX-End: 2\r\nUpgrade: h2c\r\n\r\n");
  auto b = backend.accept();
  auto head = b.read_until("\r\n\r\n");
  for (auto x : {"X-Hop", "Keep-Alive", "Cheops-From", "cheops-x", "Upgrade",
                 "Connection"})
    BOOST_TEST(!has(head, x), head);
  BOOST_TEST(has(head, "X-End: 2"), head);
  b.write("HTTP/1.1 200 OK\r\nConnection: X-Hop2\r\nX-Hop2: 1\r\n"
          "Date: x\r\nCheops-Sites: x\r\nContent-Length: 0\r\n\r\n");
  head = c.read_until("\r\n\r\n");
  BOOST_TEST(head == "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n");
}

BOOST_FIXTURE_TEST_CASE(forwards_are_counted_where_they_mean_something,
                        started) {
  auto c = client();
  c.write("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 10\r\n\r\n"
          "GET / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
  auto b = backend.accept();
  auto head = b.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "\r\nMax-Forwards: 9\r\n"), head);
  BOOST_TEST(!has(head, "Max-Forwards: 10"), head);
  b.write(ok);
  head = b.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "\r\nMax-Forwards: 0\r\n"), head);
}

BOOST_FIXTURE_TEST_CASE(an_answer_without_a_date_gets_one, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 103 Early Hints\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  BOOST_TEST(c.read_until("\r\n\r\n") == "HTTP/1.1 103 Early Hints\r\n\r\n");
  auto head = c.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "\r\nDate: "), head);
  BOOST_TEST(has(head, " GMT\r\n"), head);
  c.write("GET / HTTP/1.1\r\nHost: a\r\nScope: {\r\n\r\n"); // Ours to answer.
  head = c.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("HTTP/1.1 400"), head);
  BOOST_TEST(has(head, "\r\nDate: "), head);
}

BOOST_FIXTURE_TEST_CASE(a_request_that_comes_back_is_a_loop, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  auto head = b.read_until("\r\n\r\n");
  auto via = head.substr(head.find("Via: "));
  via = via.substr(0, via.find("\r\n") + 2);
  auto again = client();
  again.write("GET /x HTTP/1.1\r\nHost: a\r\n" + via + "\r\n");
  auto answer = again.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 508"), answer);
  auto invented = client();
  invented.write("GET /x HTTP/1.1\r\nHost: a\r\n"
                 "Via: 1.1 Site1 (cheops 00000000000000000000000000000000)\r\n"
                 "\r\n");
  auto b2 = backend.accept();
  BOOST_TEST(!b2.read_until("\r\n\r\n").empty());
}

BOOST_FIXTURE_TEST_CASE(a_drained_server_ends_what_runs, started) {
  auto idle = client();
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  std::thread stopping{[&] { server->stop(20s); }};
  BOOST_TEST(idle.closes());
  b.write(ok);
  auto answer = c.read_all();
  BOOST_TEST(has(answer, "Connection: close"), answer);
  BOOST_TEST(answer.ends_with("ok"), answer);
  stopping.join();
}

namespace {

struct refused {
  std::string_view name;
  std::string text;
  unsigned status;
  std::string_view counter;
};

std::vector<refused> table() {
  const std::string g = "GET / HTTP/1.1\r\n", h = "Host: a\r\n";
  const std::string p = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string te = "Transfer-Encoding: chunked\r\n";
  return {
    {"obs-fold", g + h + "X: a\r\n b\r\n\r\n", 400, "obs_fold"},
    {"no host", g + "\r\n", 400, "bad_host"},
    {"two hosts", g + h + h + "\r\n", 400, "bad_host"},
    {"bad host", g + "Host: a b\r\n\r\n", 400, "bad_host"},
    {"user in host", g + "Host: u@a\r\n\r\n", 400, "bad_host"},
    {"te and cl", p + te + "Content-Length: 1\r\n\r\n", 400, "bad_framing"},
    {"cl and te", p + "Content-Length: 1\r\n" + te + "\r\n", 400,
     "bad_framing"},
    {"two cl", p + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400,
     "bad_framing"},
    {"cl list", p + "Content-Length: 1, 1\r\n\r\n", 400, "bad_framing"},
    {"cl sign", p + "Content-Length: +1\r\n\r\n", 400, "bad_framing"},
    {"cl huge", p + "Content-Length: 99999999999999999999\r\n\r\n", 400,
     "bad_framing"},
    {"te gzip", p + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
     "bad_framing"},
    {"te xchunked", p + "Transfer-Encoding: xchunked\r\n\r\n", 501,
     "bad_framing"},
    {"two te", p + te + te + "\r\n", 400, "bad_framing"},
    {"te 1.0", "POST / HTTP/1.0\r\n" + te + "\r\n", 400, "bad_framing"},
    {"bare lf", "GET / HTTP/1.1\n" + h + "\r\n", 400, "bad_syntax"},
    {"bare cr", g + h + "X: a\rb\r\n\r\n", 400, "bad_syntax"},
    {"nul", g + h + std::string{"X: a\0b\r\n\r\n", 10}, 400, "bad_syntax"},
    {"bad name", g + h + "X(: a\r\n\r\n", 400, "bad_syntax"},
    {"space before colon", g + h + "X : a\r\n\r\n", 400, "bad_syntax"},
    {"no colon", g + h + "X\r\n\r\n", 400, "bad_syntax"},
    {"bad version", "GET / HTTP/1.x\r\n\r\n", 400, "bad_syntax"},
    {"http 2", "PRI * HTTP/2.0\r\n\r\n", 505, "bad_syntax"},
    {"connect", "CONNECT a:1 HTTP/1.1\r\n" + h + "\r\n", 501, "not_allowed"},
    {"no more forwards",
     "OPTIONS * HTTP/1.1\r\n" + h + "Max-Forwards: 0\r\n\r\n", 501,
     "not_allowed"},
    {"forwards", "TRACE / HTTP/1.1\r\n" + h + "Max-Forwards: -1\r\n\r\n", 400,
     "bad_syntax"},
    {"other host", "GET http://b/ HTTP/1.1\r\n" + h + "\r\n", 400,
     "bad_syntax"},
    {"long target", "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n", 414,
     "target_too_long"},
    {"large header", g + h + "X: " + std::string(70'000, 'x') + "\r\n\r\n", 431,
     "header_too_large"},
    {"many fields",
     [&] {
       auto x = g + h;
       for (int i = 0; i < 200; ++i)
         x += "X: a\r\n";
       return x + "\r\n";
     }(),
     431, "too_many_fields"},
    {"chunk size", p + te + "\r\nx\r\n", 400, "bad_chunk"},
    {"chunk sign", p + te + "\r\n+1\r\na\r\n", 400, "bad_chunk"},
    {"chunk overflow", p + te + "\r\n10000000000000001\r\n", 400, "bad_chunk"},
    {"chunk lf", p + te + "\r\n1\na\r\n", 400, "bad_chunk"},
    {"chunk too long", p + te + "\r\n1\r\nab\r\n", 400, "bad_chunk"},
    {"chunk extension", p + te + "\r\n1;" + std::string(9000, 'x'), 400,
     "bad_chunk"},
  };
}

} // namespace

BOOST_AUTO_TEST_CASE(what_breaks_the_rules_is_refused_and_counted) {
  for (const auto& x : table()) {
    proxy_fixture f;
    f.start();
    auto c = f.client();
    c.write(x.text);
    auto answer = c.read_until("\r\n\r\n");
    BOOST_TEST(answer.starts_with("HTTP/1.1 " + std::to_string(x.status)),
               x.name << ": " << answer);
    BOOST_TEST(has(answer, "Cheops-Error: "), x.name << ": " << answer);
    BOOST_TEST(f.counted("{reason=\"" + std::string{x.counter} + "\"} 1"),
               x.name << " is not counted as " << x.counter);
  }
}
