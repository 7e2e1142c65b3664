#include "http/ca.hpp"
#include "http/client.hpp"
#include "http/service.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"
#include "support/raw_socket.hpp"

#include <boost/json.hpp>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <sys/stat.h>
#include <sys/un.h>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

http::service_response text(std::string x) {
  http::service_response out;
  out.type = "text/plain";
  out.body = std::move(x);
  return out;
}

http::service_settings on_loopback() {
  http::service_settings out;
  out.at.listen = mesh::address{"127.0.0.1", 0};
  auto add = [&out](std::string method, std::string path, http::handler run) {
    http::route x;
    x.method = std::move(method);
    x.path = std::move(path);
    x.run = std::move(run);
    x.needs_token = false;
    out.routes.push_back(std::move(x));
  };
  add("GET", "/v1/sites", [](auto&) { return text("all"); });
  add("GET", "/v1/sites/{name}",
      [](auto& in) { return text("site " + in.parameters.at("name")); });
  add("GET", "/v1/sites/self", [](auto&) { return text("self"); });
  add("PUT", "/v1/echo", [](auto& in) {
    auto answer = text(in.method + " " + in.body);
    answer.fields.emplace_back(
      "X-Query", in.query.contains("q") ? in.query.at("q") : "none");
    return answer;
  });
  add("GET", "/throws", [](auto&) -> http::service_response {
    throw std::runtime_error{"a bug"};
  });
  add("GET", "/empty", [](auto&) {
    http::service_response x;
    x.status = 204;
    return x;
  });
  return out;
}

struct running {
  std::unique_ptr<http::service> service;
  explicit running(http::service_settings with = on_loopback())
    : service(http::service::start(std::move(with)).value()) {}

  [[nodiscard]] std::string url(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(service->port())
           + std::string{target};
  }
  http::client_response
  call(const std::string& method, std::string_view target,
       std::vector<std::pair<std::string, std::string>> fields = {},
       std::string body = {}) const {
    http::client_request what;
    what.method = method;
    what.url = url(target);
    what.fields = std::move(fields);
    what.body = std::move(body);
    return http::fetch(what).value();
  }
  /// The status of what comes back for these bytes; 0: nothing.
  [[nodiscard]] unsigned raw(std::string_view bytes) const {
    auto x = raw_socket::to_port(service->port());
    x.write(bytes);
    auto line = x.read_until("\r\n");
    return line.size() < 12
             ? 0U
             : static_cast<unsigned>(std::stoul(line.substr(9, 3)));
  }
};

std::string code_in(const http::client_response& x) {
  BOOST_TEST(x.get("Content-Type") == "application/problem+json");
  BOOST_TEST(x.get("Cheops-Error") == ""); // It is no node's error.
  auto body = boost::json::parse(x.body).as_object();
  BOOST_TEST(body["status"].as_int64() == x.status);
  return std::string{body["code"].as_string()};
}

} // namespace

BOOST_AUTO_TEST_SUITE(service)

BOOST_AUTO_TEST_CASE(a_literal_segment_wins_over_a_parameter) {
  running x;
  BOOST_TEST(x.call("GET", "/v1/sites").body == "all");
  BOOST_TEST(x.call("GET", "/v1/sites/self").body == "self");
  BOOST_TEST(x.call("GET", "/v1/sites/New%20York").body == "site New York");
  BOOST_TEST(x.call("GET", "/v1/sites/a%2Fb").body == "site a/b");
  BOOST_TEST(x.call("GET", "/v1/sites/").status == 404U);
  BOOST_TEST(x.call("GET", "/v1/sites/a/b").status == 404U);
}

BOOST_AUTO_TEST_CASE(bodies_and_queries_reach_the_handler) {
  running x;
  auto got = x.call("PUT", "/v1/echo?q=a+b%21&r", {}, "{}");
  BOOST_TEST(got.body == "PUT {}");
  BOOST_TEST(got.get("X-Query") == "a b!");
  BOOST_TEST(got.get("Date").ends_with(" GMT"));
}

BOOST_AUTO_TEST_CASE(get_answers_head_with_the_same_fields) {
  running x;
  auto got = x.call("HEAD", "/v1/sites");
  BOOST_TEST(got.status == 200U);
  BOOST_TEST(got.get("Content-Length") == "3");
  BOOST_TEST(got.body == "");
}

BOOST_AUTO_TEST_CASE(refusals_are_problems_with_their_status) {
  running x;
  BOOST_TEST(code_in(x.call("GET", "/nothing")) == "bad-request");
  auto method = x.call("DELETE", "/v1/sites/self");
  BOOST_TEST(method.status == 405U);
  BOOST_TEST(method.get("Allow") == "GET, HEAD");
  auto type = x.call("PUT", "/v1/echo", {{"Content-Type", "text/xml"}}, "x");
  BOOST_TEST(type.status == 415U);
  auto json =
    x.call("PUT", "/v1/echo",
           {{"Content-Type", "Application/JSON; charset=utf-8"}}, "x");
  BOOST_TEST(json.status == 200U);
  auto thrown = x.call("GET", "/throws");
  BOOST_TEST(thrown.status == 500U);
  BOOST_TEST(thrown.body.find("a bug") == std::string::npos);
  BOOST_TEST(x.raw("GET /v1/sites/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n")
             == 400U);
  BOOST_TEST(x.call("GET", "/v1/sites/%00").status == 400U);
  auto empty = x.call("GET", "/empty");
  BOOST_TEST(empty.status == 204U);
  BOOST_TEST(empty.get("Content-Length") == "");
}

BOOST_AUTO_TEST_CASE(limits_on_size_are_kept) {
  auto with = on_loopback();
  with.body_bytes_max = 1000;
  running x{std::move(with)};
  BOOST_TEST(x.call("PUT", "/v1/echo", {}, std::string(1000, 'x')).status
             == 200U);
  auto large = x.call("PUT", "/v1/echo", {}, std::string(1001, 'x'));
  BOOST_TEST(large.status == 413U);
  BOOST_TEST(code_in(large) == "too-large");
  http::client_request chunked;
  chunked.method = "PUT";
  chunked.url = x.url("/v1/echo");
  chunked.source = [n = 0](char* to, std::size_t) mutable {
    std::fill(to, to + 100, 'x');
    return ++n <= 20 ? 100U : 0U;
  };
  BOOST_TEST(http::fetch(chunked).value().status == 413U);
  auto head = x.call("GET", "/v1/sites", {{"X", std::string(40'000, 'x')}});
  BOOST_TEST(head.status == 431U);
}

BOOST_AUTO_TEST_CASE(malformed_messages_are_refused) {
  running x;
  BOOST_TEST(x.raw("nonsense\r\n\r\n") == 400U);
  BOOST_TEST(x.raw("GET /v1/sites HTTP/1.1\r\n\r\n") == 400U);
  BOOST_TEST(x.raw("GET /v1/sites HTTP/1.1\r\nHost: localhost\r\n"
                   "Host: localhost\r\n\r\n")
             == 400U);
  BOOST_TEST(x.raw("PUT /v1/echo HTTP/1.1\r\nHost: localhost\r\n"
                   "Transfer-Encoding: gzip\r\n\r\n")
             == 501U);
  BOOST_TEST(x.raw("PUT /v1/echo HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "0\r\n\r\n")
             == 400U);
  BOOST_TEST(x.raw("PUT /v1/echo HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Length: -1\r\n\r\n")
             == 400U);
  for (auto fold : {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", " X: a\r\n",
                    "X : a\r\n", "X: a\nY: b\r\n"})
    BOOST_TEST(x.raw("GET /v1/sites HTTP/1.1\r\nHost: localhost\r\n"
                     + std::string{fold} + "\r\n")
                 == 400U,
               fold);
  BOOST_TEST(x.raw("GET /v1/sites HTTP/1.0\r\n\r\n") == 403U); // No Host.
  BOOST_TEST(x.raw("GET http://localhost/v1/sites HTTP/1.1\r\n"
                   "Host: localhost\r\n\r\n")
             == 400U);
}

BOOST_AUTO_TEST_CASE(a_page_that_was_led_here_by_dns_gets_nothing) {
  running x;
  auto status = [&x](std::string host) {
    return x.call("GET", "/v1/sites", {{"Host", std::move(host)}}).status;
  };
  BOOST_TEST(status("127.0.0.1:80") == 200U);
  BOOST_TEST(status("localhost:1234") == 200U);
  BOOST_TEST(status("LOCALHOST") == 200U);
  BOOST_TEST(status("[::1]:80") == 200U);
  BOOST_TEST(status("evil.example") == 403U);
  BOOST_TEST(status("127.0.0.1.evil.example") == 403U);
  BOOST_TEST(status("localhost.evil.example:80") == 403U);
  auto with = on_loopback();
  with.check_host = false;
  running open{std::move(with)};
  BOOST_TEST(open.call("GET", "/v1/sites", {{"Host", "images.example"}}).status
             == 200U);
}

BOOST_AUTO_TEST_CASE(a_connection_carries_many_requests_also_pipelined) {
  running x;
  auto raw = raw_socket::to_port(x.service->port());
  raw.write("PUT /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
            "\r\nabcGET /v1/sites HTTP/1.1\r\nHost: localhost\r\n\r\n"
            "GET /v1/sites HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n\r\n");
  auto all = raw.read_all();
  auto first = all.find("PUT abc");
  auto second = all.find("\r\n\r\nall");
  BOOST_REQUIRE(first != std::string::npos);
  BOOST_REQUIRE(second != std::string::npos);
  BOOST_TEST(first < second);
  BOOST_TEST(all.find("\r\n\r\nall", second + 1) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_expects_100_gets_it_only_if_the_body_is_wanted) {
  running x;
  auto raw = raw_socket::to_port(x.service->port());
  raw.write("PUT /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
            "Expect: 100-continue\r\n\r\n");
  BOOST_TEST(raw.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  raw.write("abc");
  BOOST_TEST(raw.read_until("PUT abc").starts_with("HTTP/1.1 200"));
  BOOST_TEST(x.raw("PUT /nothing HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
             == 404U);
}

BOOST_AUTO_TEST_CASE(who_is_slow_is_told_and_who_is_idle_is_let_go) {
  auto with = on_loopback();
  with.header = 50ms;
  with.idle = 50ms;
  running x{std::move(with)};
  BOOST_TEST(x.raw("GET /v1/si") == 408U);
  BOOST_TEST(x.raw("PUT /v1/echo HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Length: 3\r\n\r\na")
             == 408U);
  auto idle = raw_socket::to_port(x.service->port());
  BOOST_TEST(idle.read_all() == "");
}

BOOST_AUTO_TEST_CASE(connections_above_the_limit_are_turned_away) {
  auto with = on_loopback();
  with.connections_max = 2;
  running x{std::move(with)};
  std::string ask = "GET /v1/sites HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::vector<raw_socket> held;
  for (int i = 0; i < 2; ++i) {
    held.push_back(raw_socket::to_port(x.service->port()));
    held.back().write(ask);
    BOOST_REQUIRE(held.back().read_until("all").ends_with("all"));
  }
  auto third = raw_socket::to_port(x.service->port());
  BOOST_TEST(third.read_all().starts_with("HTTP/1.1 503"));
}

BOOST_AUTO_TEST_CASE(a_streamed_answer_comes_in_chunks) {
  auto with = on_loopback();
  http::route numbers;
  numbers.method = "GET";
  numbers.path = "/numbers";
  numbers.needs_token = false;
  numbers.run = [](auto&) {
    http::service_response out;
    out.type = "text/plain";
    out.stream = [i = 0](std::string& next) mutable {
      next = i == 1 ? "" : std::to_string(i); // Once: nothing yet.
      return ++i < 4;
    };
    return out;
  };
  with.routes.push_back(numbers);
  running x{std::move(with)};
  BOOST_TEST(x.call("GET", "/numbers").body == "023");
  auto raw = raw_socket::to_port(x.service->port());
  raw.write("GET /numbers HTTP/1.1\r\nHost: localhost\r\n\r\n");
  raw.read_until("\r\n\r\n");
  BOOST_TEST(raw.read_until("0\r\n\r\n") // The next request finds it open.
             == "1\r\n0\r\n1\r\n2\r\n1\r\n3\r\n0\r\n\r\n");
  auto old = raw_socket::to_port(x.service->port());
  old.write("GET /numbers HTTP/1.0\r\nHost: localhost\r\n\r\n");
  BOOST_TEST(old.read_all().ends_with("\r\n\r\n023")); // Ends by closing.
}

BOOST_AUTO_TEST_CASE(a_stream_ends_when_its_client_goes) {
  struct probe {
    std::mutex mutex;
    std::condition_variable gone;
    bool ended = false;
    void end() {
      std::lock_guard guard{mutex};
      ended = true;
      gone.notify_all();
    }
  } seen;
  auto with = on_loopback();
  http::route watch;
  watch.method = "GET";
  watch.path = "/watch";
  watch.needs_token = false;
  watch.run = [&seen](auto&) {
    http::service_response out;
    std::shared_ptr<void> alive{nullptr, [&seen](void*) { seen.end(); }};
    out.stream = [alive](std::string& next) {
      next.clear();
      return true; // For ever.
    };
    return out;
  };
  with.routes.push_back(watch);
  running x{std::move(with)};
  {
    auto raw = raw_socket::to_port(x.service->port());
    raw.write("GET /watch HTTP/1.1\r\nHost: localhost\r\n\r\n");
    BOOST_TEST(raw.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  }
  std::unique_lock lock{seen.mutex};
  BOOST_TEST(seen.gone.wait_for(lock, 20s, [&] { return seen.ended; }));
}

BOOST_AUTO_TEST_CASE(handlers_run_at_once_and_a_slow_one_stops_nobody) {
  std::mutex mutex;
  std::condition_variable both;
  int inside = 0;
  auto with = on_loopback();
  with.threads = 2;
  http::route meet;
  meet.method = "GET";
  meet.path = "/meet";
  meet.needs_token = false;
  meet.run = [&](auto&) {
    std::unique_lock lock{mutex};
    ++inside;
    both.notify_all();
    auto met = both.wait_for(lock, 20s, [&] { return inside == 2; });
    return text(met ? "met" : "alone");
  };
  with.routes.push_back(meet);
  running x{std::move(with)};
  std::string other;
  std::thread second{[&] { other = x.call("GET", "/meet").body; }};
  BOOST_TEST(x.call("GET", "/meet").body == "met");
  second.join();
  BOOST_TEST(other == "met");
}

BOOST_AUTO_TEST_CASE(a_reload_takes_another_token_or_changes_nothing) {
  folder_fixture files;
  const std::string old_token = "0123456789abcdef", token = "fedcba9876543210";
  auto with = on_loopback();
  with.at.token_file = files.write("token", old_token);
  for (auto& route : with.routes)
    route.needs_token = true;
  running x{std::move(with)};
  auto status = [&](const std::string& t) {
    return x.call("GET", "/v1/sites", {{"Authorization", "Bearer " + t}})
      .status;
  };
  BOOST_TEST(status(old_token) == 200U);
  files.write("token", "short");
  BOOST_TEST(!x.service->reload().has_value());
  BOOST_TEST(status(old_token) == 200U);
  files.write("token", token);
  BOOST_TEST(x.service->reload().has_value());
  BOOST_TEST(status(token) == 200U);
  BOOST_TEST(status(old_token) == 401U);
}

BOOST_AUTO_TEST_CASE(a_check_reads_what_a_start_would) {
  folder_fixture files;
  site::admin_endpoint at;
  at.listen = mesh::address{"127.0.0.1", 1}; // Nothing is opened there.
  at.token_file = files.path("token");
  auto checked = http::service::check(at);
  BOOST_REQUIRE(!checked);
  BOOST_TEST(checked.error().what.find(at.token_file) != std::string::npos);
  files.write("token", "0123456789abcdef");
  BOOST_TEST(http::service::check(at).has_value());
  at.tls.certificate = at.tls.key = files.path("none");
  BOOST_TEST(!http::service::check(at).has_value());
}

BOOST_AUTO_TEST_CASE(stopping_closes_what_is_open) {
  auto x = std::make_unique<running>();
  auto idle = raw_socket::to_port(x->service->port());
  idle.write("GET /v1/sites HTTP/1.1\r\nHost: localhost\r\n\r\n");
  BOOST_REQUIRE(idle.read_until("all").ends_with("all"));
  x.reset();
  BOOST_TEST(idle.read_all() == "");
}

BOOST_FIXTURE_TEST_CASE(a_token_is_needed_on_tcp_where_the_route_says_so,
                        folder_fixture) {
  auto with = on_loopback();
  with.routes[0].needs_token = true;
  auto none = http::service::start(with);
  BOOST_REQUIRE(!none);
  BOOST_TEST((none.error().code == errc::bad_config));
  with.at.token_file = write("short", "abc\n");
  BOOST_TEST(!http::service::start(with));
  with.at.token_file = write("token", "0123456789abcdef\n");
  running x{with};
  BOOST_TEST(x.call("GET", "/v1/sites/self").status == 200U);
  auto refused = x.call("GET", "/v1/sites");
  BOOST_TEST(refused.status == 401U);
  BOOST_TEST(refused.get("WWW-Authenticate") == "Bearer");
  auto status = [&x](std::string value) {
    return x.call("GET", "/v1/sites", {{"Authorization", std::move(value)}})
      .status;
  };
  BOOST_TEST(status("Bearer 0123456789abcdef") == 200U);
  BOOST_TEST(status("bearer 0123456789abcdef") == 200U);
  BOOST_TEST(status("Bearer 0123456789abcdeF") == 401U);
  BOOST_TEST(status("Bearer 0123456789abcdef0") == 401U);
  BOOST_TEST(status("Basic 0123456789abcdef") == 401U);
  with.at.listen = mesh::address{"0.0.0.0", 0};
  auto open = http::service::start(with); // In the clear, over a network.
  BOOST_REQUIRE(!open);
  BOOST_TEST((open.error().code == errc::bad_config));
}

BOOST_FIXTURE_TEST_CASE(a_unix_socket_is_for_its_owner, folder_fixture) {
  auto with = on_loopback();
  with.at = {};
  with.at.unix_path = path("admin.sock");
  with.routes[0].needs_token = true; // Not here.
  http::client_request what;
  what.url = "http+unix://" + with.at.unix_path + ":/v1/sites";
  what.fields = {{"Host", "whatever.example"}};
  {
    running x{with};
    struct stat found {};
    BOOST_REQUIRE(::stat(with.at.unix_path.c_str(), &found) == 0);
    BOOST_TEST((found.st_mode & 0777) == 0600U);
    BOOST_TEST(http::fetch(what).value().body == "all");
    auto second = http::service::start(with);
    BOOST_REQUIRE(!second);
    BOOST_TEST((second.error().code == errc::io));
    BOOST_TEST(http::fetch(what).value().body == "all"); // Untouched.
  }
  BOOST_TEST(!std::filesystem::exists(with.at.unix_path));
}

BOOST_FIXTURE_TEST_CASE(a_stale_socket_is_replaced_and_a_file_is_not,
                        folder_fixture) {
  auto with = on_loopback();
  with.at = {};
  with.at.unix_path = path("admin.sock");
  { // A process that died left its socket.
    auto fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    with.at.unix_path.copy(at.sun_path, sizeof at.sun_path - 1);
    BOOST_REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    ::close(fd);
  }
  BOOST_TEST(http::service::start(with).has_value());
  with.at.unix_path = write("precious", "data");
  auto refused = http::service::start(with);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::io));
  BOOST_TEST(read("precious") == "data");
}

BOOST_AUTO_TEST_CASE(an_address_that_is_taken_is_an_error) {
  running x;
  auto with = on_loopback();
  with.at.listen->port = x.service->port();
  auto second = http::service::start(with);
  BOOST_REQUIRE(!second);
  BOOST_TEST((second.error().code == errc::io));
  BOOST_TEST(second.error().what.find(std::to_string(x.service->port()))
             != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(tls_is_spoken_and_checked_by_name, folder_fixture) {
  auto home = path("ca");
  BOOST_REQUIRE(http::ca::init(home, {}).has_value());
  http::ca::request ask;
  ask.name = "admin";
  ask.site = false;
  ask.addresses = {"127.0.0.1"};
  ask.into = path("admin");
  auto files = http::ca::issue(home, ask).value();
  auto with = on_loopback();
  with.at.tls.certificate = files.certificate;
  with.at.tls.key = files.key;
  running x{with};
  http::client_request what;
  what.url =
    "https://127.0.0.1:" + std::to_string(x.service->port()) + "/v1/sites";
  auto unknown = http::fetch(what); // The system's authorities.
  BOOST_REQUIRE(!unknown);
  BOOST_TEST((unknown.error().code == errc::broken));
  what.tls.ca = files.ca;
  BOOST_TEST(http::fetch(what).value().body == "all");
  http::connection kept;
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(kept.fetch(what).value().body == "all");
  what.method = "PUT";
  what.body.assign(500'000, 'b');
  what.url.replace(what.url.find("/v1"), std::string::npos, "/v1/echo");
  BOOST_TEST(kept.fetch(what).value().body.size() == 500'004U);
  what.url.replace(0, 17, "https://localhost"); // Not in the certificate.
  auto other = http::fetch(what);
  BOOST_REQUIRE(!other);
  BOOST_TEST(other.error().what.find("certificate is refused")
             != std::string::npos);
  what.verify = false;
  BOOST_TEST(http::fetch(what).value().status == 200U);
}

BOOST_AUTO_TEST_SUITE_END()
