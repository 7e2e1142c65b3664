// What becomes of a request when a site fails: the cause that the user is
// told, the other site that is tried, and the body that goes there again.
#include "support/boost_test.hpp"
#include "support/sites_fixture.hpp"

#include <condition_variable>
#include <mutex>

using namespace cheops;
using namespace std::chrono_literals;
using mesh::reach;

namespace {

const std::string ok =
  "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  "Content-Length: 2\r\n\r\nok";
const std::string oops = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops";
const std::string trace =
  "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string request(std::string_view method, std::string_view fields,
                    std::string_view body = {}) {
  auto out = std::string{method} + " /x HTTP/1.1\r\nHost: a\r\n";
  out += fields;
  if (!body.empty())
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return out.append("\r\n").append(body);
}

struct three_sites {
  site_fixture one{"Site1"}, two{"Site2"}, three{"Site3"};

  three_sites() {
    for (auto* x : {&one, &two, &three})
      x->start();
    publish(one, {{two}, {three}});
    publish(two, {{one}, {three}});
    publish(three, {{one}, {two}});
  }
};

/// The answer to a client, head and body.
std::string read_answer(raw_socket& c) {
  auto head = c.read_until("\r\n\r\n");
  auto at = head.find("Content-Length: ");
  return head + c.read_bytes(std::stoul(head.substr(at + 16)));
}

} // namespace

// -- loops -------------------------------------------------------------------

// Each site's backend is the other's front: by mistake, or to do harm.
BOOST_AUTO_TEST_CASE(a_loop_over_two_nodes_is_cut_and_names_its_way) {
  site_fixture one{"Site1"}, two{"Site 2"};
  one.start();
  two.config->fronts[0].to.at.port = one.server->ports().at(0);
  two.start();
  auto next = std::make_shared<site::config>(*one.config);
  next->fronts[0].to.at.port = two.server->ports().at(0);
  BOOST_REQUIRE(one.server->reload(next).has_value());
  auto c = one.client();
  c.write(request("GET", "Via: 1.0 elsewhere\r\n"));
  auto answer = read_problem(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 508"), answer);
  BOOST_TEST(has(answer, "elsewhere > Site1 > Site%202 > Site1"), answer);
  BOOST_TEST(one.counted("{reason=\"loop\"} 1"));
  BOOST_TEST(two.counted("{reason=\"loop\"} 0"));
}

// -- the cause ---------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_5xx_that_cheops_caused_is_told_with_its_cause,
                        three_sites) {
  publish(one, {{two, reach::down}, {three}});
  auto c = one.client();
  c.write(
    request("GET", trace + "Scope: {ServiceA: Site1, ServiceB: Site2}\r\n"));
  auto a = one.backend.accept();
  a.read_until("\r\n\r\n");
  auto inner = one.client_b(); // ServiceA calls ServiceB as it always does.
  inner.write(request("POST", trace, "bar"));
  auto refused = read_answer(inner);
  BOOST_TEST(refused.starts_with("HTTP/1.1 503"), refused);
  BOOST_TEST(has(refused, "Cheops-Site: Site2"), refused);
  a.write(oops);
  auto answer = read_answer(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: unreachable"), answer);
  BOOST_TEST(has(answer, "Cheops-Site: Site2"), answer);
  BOOST_TEST(!has(answer, "oops"), answer);
  // The connection goes on, and the cause is not told twice.
  c.write(
    request("GET", trace + "Scope: {ServiceA: Site1, ServiceB: Site2}\r\n"));
  auto again = one.backend.accept();
  again.read_until("\r\n\r\n");
  again.write(oops);
  BOOST_TEST(read_answer(c).ends_with("oops"));
}

BOOST_FIXTURE_TEST_CASE(a_service_that_copes_is_believed, three_sites) {
  publish(one, {{two, reach::down}, {three}});
  auto c = one.client();
  c.write(
    request("GET", trace + "Scope: {ServiceA: Site1, ServiceB: Site2}\r\n"));
  auto a = one.backend.accept();
  a.read_until("\r\n\r\n");
  auto inner = one.client_b();
  inner.write(request("GET", trace));
  BOOST_TEST(read_answer(inner).starts_with("HTTP/1.1 503"));
  a.write(ok);
  BOOST_TEST(read_answer(c).ends_with("ok"));
}

BOOST_FIXTURE_TEST_CASE(a_5xx_of_the_services_own_stays_its_own, three_sites) {
  auto c = one.client();
  c.write(
    request("GET", trace + "Scope: {ServiceA: Site1, ServiceB: Site2}\r\n"));
  auto a = one.backend.accept();
  a.read_until("\r\n\r\n");
  auto inner = one.client_b();
  inner.write(request("GET", trace));
  auto b = two.backend_b.accept(); // The other service fails by itself.
  b.read_until("\r\n\r\n");
  b.write(oops);
  BOOST_TEST(read_answer(inner).ends_with("oops"));
  a.write(oops);
  auto answer = read_answer(c);
  BOOST_TEST(answer.ends_with("oops"), answer);
  BOOST_TEST(!has(answer, "Cheops-Error"), answer);
}

BOOST_FIXTURE_TEST_CASE(another_user_is_not_told_the_cause, three_sites) {
  publish(one, {{two, reach::down}, {three}});
  const auto scope = trace + "Scope: {ServiceA: Site1, ServiceB: Site2}\r\n";
  auto andy = one.client();
  andy.write(request("GET", scope + "Authorization: andy\r\n"));
  auto a1 = one.backend.accept();
  a1.read_until("\r\n\r\n");
  auto bo = one.client();
  bo.write(request("GET", scope + "Authorization: bo\r\n"));
  auto a2 = one.backend.accept();
  a2.read_until("\r\n\r\n");
  auto inner = one.client_b();
  inner.write(request("GET", trace + "Authorization: andy\r\n"));
  BOOST_TEST(read_answer(inner).starts_with("HTTP/1.1 503"));
  a2.write(oops);
  BOOST_TEST(read_answer(bo).ends_with("oops"));
  a1.write(oops);
  BOOST_TEST(has(read_answer(andy), "Cheops-Site: Site2"));
}

BOOST_FIXTURE_TEST_CASE(a_cause_comes_back_across_sites, three_sites) {
  publish(two, {{one}, {three, reach::down}});
  auto c = one.client();
  c.write(
    request("GET", trace + "Scope: {ServiceA: Site2, ServiceB: Site3}\r\n"));
  auto a = two.backend.accept(); // ServiceA runs at Site2 …
  auto head = a.read_until("\r\n\r\n");
  BOOST_TEST(has(head, trace), head);
  auto inner = two.client_b(); // … and calls ServiceB there.
  inner.write(request("GET", trace));
  auto refused = read_answer(inner);
  BOOST_TEST(has(refused, "Cheops-Site: Site3"), refused);
  a.write(oops);
  auto answer = read_answer(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: unreachable"), answer);
  BOOST_TEST(has(answer, "Cheops-Site: Site3"), answer);
  BOOST_TEST(!has(answer, "Cheops-Run"), answer);
}

BOOST_FIXTURE_TEST_CASE(a_refusal_of_the_called_site_is_a_cause_too,
                        three_sites) {
  two.config->default_allow.emplace(); // Peers may use nothing there.
  BOOST_REQUIRE(two.server->reload(std::make_shared<site::config>(*two.config))
                  .has_value());
  auto c = one.client();
  c.write(
    request("GET", trace + "Scope: {ServiceA: Site1, ServiceB: Site2}\r\n"));
  auto a = one.backend.accept();
  a.read_until("\r\n\r\n");
  auto inner = one.client_b();
  inner.write(request("GET", trace));
  auto refused = read_answer(inner);
  BOOST_TEST(refused.starts_with("HTTP/1.1 403"), refused);
  a.write(oops);
  auto answer = read_answer(c);
  BOOST_TEST(answer.starts_with("HTTP/1.1 403"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: forbidden"), answer);
  BOOST_TEST(has(answer, "Cheops-Site: Site2"), answer);
}

// -- the second try ----------------------------------------------------------

namespace {

const std::string either = "Scope: {ServiceA: Site2 || Site1}\r\n";
constexpr auto too_many =
  "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";

struct tried {
  std::string first, second; ///< Bodies as the sites got them.
  std::string answer;
};

/// A request with a body whose first site says 429.
tried try_twice(three_sites& in, const std::string& head,
                const std::string& body, bool moves_on) {
  tried out;
  auto c = in.one.client();
  std::thread sending{[&] { c.write(head + body); }};
  auto first = in.two.backend.accept();
  first.read_until("\r\n\r\n");
  out.first = first.read_bytes(body.size());
  sending.join();
  first.write(too_many);
  if (moves_on) {
    auto second = in.one.backend.accept();
    second.read_until("\r\n\r\n");
    out.second = second.read_bytes(body.size());
    second.write(ok);
  }
  out.answer = read_answer(c);
  return out;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(a_body_goes_to_the_second_site_too, three_sites) {
  const std::string body(64 * 1024, 'x'); // As much as is kept by default.
  auto head = request("POST", either + "Content-Length: 65536\r\n");
  auto x = try_twice(*this, head, body, true);
  BOOST_TEST((x.first == body));
  BOOST_TEST((x.second == body));
  BOOST_TEST(has(x.answer, "Cheops-Sites: Site1=200"), x.answer);
  BOOST_TEST(
    one.counted("cheops_limits_hit_total{limit=\"retry_body_bytes\"} 0"));
}

BOOST_FIXTURE_TEST_CASE(a_body_over_the_limit_has_no_second_try, three_sites) {
  const std::string body(64 * 1024 + 1, 'x');
  auto head = request("POST", either + "Content-Length: 65537\r\n");
  auto x = try_twice(*this, head, body, false);
  BOOST_TEST((x.first == body));
  BOOST_TEST(x.answer.starts_with("HTTP/1.1 429"), x.answer);
  BOOST_TEST(has(x.answer, "Cheops-Sites: Site2=429"), x.answer);
  BOOST_TEST(
    one.counted("cheops_limits_hit_total{limit=\"retry_body_bytes\"} 1"));
  BOOST_TEST(!one.backend.called());
}

BOOST_FIXTURE_TEST_CASE(chunks_and_trailers_go_to_the_second_site_too,
                        three_sites) {
  const std::string body =
    "5;x=y\r\nhello\r\n3\r\n123\r\n0\r\nX-Sum: 1\r\n\r\n";
  auto head = request("POST", either + "Transfer-Encoding: chunked\r\n");
  auto x = try_twice(*this, head, body, true);
  BOOST_TEST(x.first == body);
  BOOST_TEST(x.second == body);
}

BOOST_FIXTURE_TEST_CASE(what_is_sent_after_the_first_try_reaches_the_second,
                        three_sites) {
  auto c = one.client();
  c.write(request("POST", either + "Content-Length: 10\r\n") + "hello");
  auto first = two.backend.accept();
  first.read_until("hello");
  first.write(too_many); // Before it has read all.
  auto second = one.backend.accept();
  second.read_until("\r\n\r\n");
  BOOST_TEST(second.read_bytes(5) == "hello");
  c.write("world");
  BOOST_TEST(second.read_bytes(5) == "world");
  second.write(ok);
  BOOST_TEST(read_answer(c).ends_with("ok"));
}

BOOST_FIXTURE_TEST_CASE(what_may_have_run_is_not_run_again, three_sites) {
  for (std::string_view method : {"POST", "PUT", "DELETE"}) {
    auto c = one.client();
    c.write(request(method, either));
    auto first = two.backend.accept();
    first.read_until("\r\n\r\n");
    first.close(); // Nobody knows whether it ran.
    auto answer = read_answer(c);
    BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
    BOOST_TEST(has(answer, "may have been run"), answer);
    BOOST_TEST(!one.backend.called());
  }
}

BOOST_FIXTURE_TEST_CASE(what_a_node_refused_is_run_elsewhere, three_sites) {
  two.config->bounds.upstream_connections = 1;
  two.config->bounds.upstream_waiting = 1;
  BOOST_REQUIRE(two.server->reload(std::make_shared<site::config>(*two.config))
                  .has_value());
  auto first = one.client();
  first.write(request("GET", either));
  auto busy = two.backend.accept();
  busy.read_until("\r\n\r\n");
  auto second = one.client(); // Waits at Site2.
  second.write(request("GET", either));
  two.await_count("{limit=\"upstream_connections\"} 1");
  auto third = one.client(); // Refused by Site2's node: it ran nothing.
  third.write(request("POST", either, "abc"));
  auto here = one.backend.accept();
  BOOST_TEST(has(here.read_until("\r\n\r\nabc"), "POST /x"));
  here.write(ok);
  BOOST_TEST(has(read_answer(third), "Cheops-Sites: Site1=200"));
}

// A connection at rest that is found dead with the first byte: the request is
// sent anew, and its body, kept or not, goes with it.
namespace {

/// Holds the event loop's thread at its next new connection.
class gate final : public http::metrics {
public:
  explicit gate(std::shared_ptr<http::metrics> real) : real_(std::move(real)) {}

  void shut() {
    std::lock_guard lock{guard_};
    shut_ = true;
    stands_ = false;
  }
  void await_somebody() {
    std::unique_lock lock{guard_};
    moved_.wait(lock, [this] { return stands_; });
  }
  void open() {
    std::lock_guard lock{guard_};
    shut_ = false;
    moved_.notify_all();
  }

  shard& add_shard() override {
    shards_.push_back(std::make_unique<gated>(*this, real_->add_shard()));
    return *shards_.back();
  }
  void publish(mesh::view_ptr view) override { real_->publish(view); }
  void add_gauge(std::string name, std::string help,
                 std::function<double()> read) override {
    real_->add_gauge(std::move(name), std::move(help), std::move(read));
  }
  void add_gauges(std::string name, std::string help, std::string label,
                  std::function<std::vector<std::pair<std::string, double>>()>
                    read) override {
    real_->add_gauges(std::move(name), std::move(help), std::move(label),
                      std::move(read));
  }
  [[nodiscard]] std::string render() const override { return real_->render(); }

private:
  struct gated final : shard {
    gated(gate& g, shard& s) : of(g), real(s) {}
    void exchange(std::string_view service, std::string_view plan,
                  std::string_view site, unsigned status,
                  std::chrono::nanoseconds took) noexcept override {
      real.exchange(service, plan, site, status, took);
    }
    void refused(http::refusal why) noexcept override { real.refused(why); }
    void hit(http::bound which) noexcept override { real.hit(which); }
    void connections(std::string_view front, int change) noexcept override {
      real.connections(front, change);
      if (change > 0)
        of.pass();
    }
    void pooled(std::string_view endpoint, int idle_change,
                int busy_change) noexcept override {
      real.pooled(endpoint, idle_change, busy_change);
    }
    void tunnels(int change) noexcept override { real.tunnels(change); }
    void bytes(std::uint64_t from_client,
               std::uint64_t to_client) noexcept override {
      real.bytes(from_client, to_client);
    }
    gate& of;
    shard& real;
  };

  void pass() {
    std::unique_lock lock{guard_};
    stands_ = shut_;
    moved_.notify_all();
    moved_.wait(lock, [this] { return !shut_; });
  }

  std::shared_ptr<http::metrics> real_;
  std::vector<std::unique_ptr<gated>> shards_;
  std::mutex guard_;
  std::condition_variable moved_;
  bool shut_ = false, stands_ = false;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_body_survives_a_connection_that_had_died) {
  for (auto kept : {64U * 1024, 10U}) {
    site_fixture one{"Site1"}, two{"Site2"};
    auto held = std::make_shared<gate>(one.counters);
    one.counters = held;
    one.config->bounds.retry_body_bytes = kept;
    one.start();
    publish(one, {{two}});
    auto c = one.client();
    c.write(request("GET", ""));
    auto b = one.backend.accept();
    b.read_until("\r\n\r\n");
    b.write(ok);
    c.read_until("\r\n\r\nok");
    one.await_count("state=\"idle\"} 1\n");
    held->shut();
    auto other = one.client();
    held->await_somebody();
    const std::string body(100, 'x');
    c.write(request("PUT", "Scope: {ServiceA: Site1 || Site2}\r\n", body));
    b.reset();
    held->open();
    auto fresh = one.backend.accept();
    fresh.read_until("\r\n\r\n");
    BOOST_TEST(fresh.read_bytes(body.size()) == body, kept);
    fresh.write(ok);
    BOOST_TEST(read_answer(c).ends_with("ok"), kept);
  }
}
