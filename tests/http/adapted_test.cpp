// The data plane with an adapter that does what the test says: on sockets.
#include "cheops/traffic/decide.hpp"
#include "support/boost_test.hpp"
#include "support/proxy_fixture.hpp"

#include <functional>
#include <mutex>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct scripted_follower final : traffic::follower {
  std::function<result<wish>(unsigned)> head;
  std::function<result<std::optional<std::string>>(std::string_view)> body;
  /// Empty: the request is of no interest.
  std::function<result<std::optional<std::string>>(std::string_view)> request;

  bool wants_request() const noexcept override { return bool{request}; }
  result<std::optional<std::string>>
  on_request(std::string_view x, const traffic::moment&) override {
    return request(x);
  }
  result<wish> on_head(unsigned status, std::span<const traffic::field>, bool,
                       const traffic::moment&) override {
    return head(status);
  }
  result<std::optional<std::string>> on_body(std::string_view x,
                                             const traffic::moment&) override {
    return body(x);
  }
};

struct scripted_adapter final : traffic::adapter {
  std::function<traffic::reading()> reads = [] { return traffic::reading{}; };
  std::function<void(traffic::decision&)> shapes = [](auto&) {};
  std::mutex guard; ///< Of what follows: the plane's thread writes it.
  std::vector<std::string> learned;

  traffic::reading read(const traffic::request_view&, const traffic::caller&,
                        const application::service&,
                        const traffic::surroundings&) override {
    return reads();
  }
  void learn(const traffic::aside& asked,
             const result<traffic::small_answer>& told,
             const traffic::surroundings&) override {
    std::lock_guard lock{guard};
    learned.push_back(asked.target + " "
                      + (told ? std::to_string(told->status) + " " + told->body
                              : "failed: " + to_string(told.error())));
  }
  result<void> check(const scope::tree&, const scope::question&,
                     const std::vector<site_id>&,
                     const site::config&) const override {
    return {};
  }
  void shape(traffic::decision& out, const traffic::request_view&,
             const traffic::caller&, const traffic::reading&,
             const traffic::surroundings&) override {
    shapes(out);
  }

  std::size_t known() {
    std::lock_guard lock{guard};
    return learned.size();
  }
  std::string told(std::size_t i) {
    std::lock_guard lock{guard};
    return learned.at(i);
  }
  /// Asks `target` of `site` first, once for each connection's request.
  void asks_first(const char* site, std::size_t times = 1) {
    reads = [this, site, times] {
      traffic::reading out;
      if (known() < times)
        out.then = traffic::aside{site_id{site},
                                  service_id{"ServiceA"},
                                  "/who",
                                  {{"X-Auth-Token", "T"}, {"X-Bad", "a\r\nb"}},
                                  "m"};
      return out;
    };
  }
  void follows(
    std::function<result<traffic::follower::wish>(unsigned)> head,
    std::function<result<std::optional<std::string>>(std::string_view)> body) {
    shapes = [head = std::move(head), body = std::move(body)](auto& out) {
      auto x = std::make_unique<scripted_follower>();
      x->head = head;
      x->body = body;
      out.follow = std::move(x);
    };
  }
};

struct adapted_site : proxy_fixture {
  std::shared_ptr<scripted_adapter> plug = std::make_shared<scripted_adapter>();

  adapted_site() {
    adapted = plug;
    config->times.answer = 20s;
  }
  raw_socket ask(std::string_view more = "", std::string_view method = "GET") {
    if (!server)
      start();
    auto out = client();
    out.write(std::string{method} + " /x HTTP/1.1\r\nHost: a\r\n"
              + std::string{more} + "\r\n");
    return out;
  }
  /// The body is wanted; `change` gives another.
  void collects(bool needed,
                std::function<std::optional<std::string>(std::string)> change) {
    plug->follows(
      [needed](unsigned) {
        traffic::follower::wish out;
        out.body = true;
        out.needed = needed;
        return out;
      },
      [change](std::string_view x) { return change(std::string{x}); });
  }
};

std::optional<std::string> doubled(std::string x) {
  return x + x;
}

/// Reads requests: doubles them, unless they say "keep" or "no".
void doubles_requests(scripted_adapter& on) {
  on.shapes = [](auto& out) {
    auto x = std::make_unique<scripted_follower>();
    x->head = [](unsigned) { return traffic::follower::wish{}; };
    x->request =
      [](std::string_view body) -> result<std::optional<std::string>> {
      if (body == "no")
        return error{errc::forbidden, "not that", "", "", ""};
      return body == "keep" ? std::nullopt : doubled(std::string{body});
    };
    out.follow = std::move(x);
  };
}

constexpr auto ok = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    "Content-Length: 2\r\n\r\nok";

} // namespace

BOOST_FIXTURE_TEST_SUITE(adapted, adapted_site)

BOOST_AUTO_TEST_CASE(a_question_is_put_before_the_request_goes_on) {
  plug->asks_first("Site1");
  auto c = ask("Content-Length: 4\r\n", "POST");
  c.write("body");
  auto first = backend.accept();
  auto head = first.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("GET /who HTTP/1.1\r\n"), head);
  BOOST_TEST(has(head, "X-Auth-Token: T\r\n"), head);
  BOOST_TEST(has(head, "X-Bad: a  b\r\n"), head);
  BOOST_TEST(!has(head, "Content-Length"), head);
  // In pieces, and chunked: it is the whole that is learned.
  first.write("HTTP/1.1 200 OK\r\nTransfer-Enc");
  first.write("oding: chunked\r\n\r\n2\r\nyo");
  first.write("\r\n1\r\nu\r\n0\r\n\r\n");
  // The request itself goes over the same connection, its body whole.
  head = first.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("POST /x HTTP/1.1\r\n"), head);
  BOOST_TEST(first.read_bytes(4) == "body");
  first.write(ok);
  BOOST_TEST(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  BOOST_TEST(plug->told(0) == "/who 200 you");
}

BOOST_AUTO_TEST_CASE(
  a_question_goes_over_a_fresh_connection_if_one_was_closed) {
  auto plain = ask();
  {
    auto first = backend.accept();
    first.read_until("\r\n\r\n");
    first.write(ok);
    BOOST_TEST(!plain.read_until("ok").empty());
  } // Rests in the pool, and is closed here.
  plug->asks_first("Site1");
  auto c = ask();
  auto second = backend.accept();
  BOOST_TEST(second.read_until("\r\n\r\n").starts_with("GET /who"));
  second.write(ok);
  BOOST_TEST(second.read_until("\r\n\r\n").starts_with("GET /x"));
}

BOOST_AUTO_TEST_CASE(what_comes_of_a_question_that_fails_is_learned_too) {
  plug->asks_first("Site1", 4);
  auto c = ask();
  auto first = backend.accept();
  first.read_until("\r\n\r\n");
  first.close();
  auto second = backend.accept();
  second.read_until("\r\n\r\n");
  second.write(
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
  auto third = backend.accept();
  third.read_until("\r\n\r\n");
  third.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string piece(64 * 1024, 'x');
  for (int i = 0; i < 17; ++i)
    third.write("10000\r\n" + piece + "\r\n");
  auto fourth = backend.accept();
  fourth.read_until("\r\n\r\n");
  fourth.write("HTTP/1.0 200 OK\r\n\r\nold");
  fourth.close();
  auto last = backend.accept();
  BOOST_TEST(last.read_until("\r\n\r\n").starts_with("GET /x"));
  BOOST_TEST(has(plug->told(0), "closed the connection"), plug->told(0));
  BOOST_TEST(has(plug->told(1), "breaks HTTP's rules"), plug->told(1));
  BOOST_TEST(has(plug->told(2), "over 1 MiB"), plug->told(2));
  BOOST_TEST(plug->told(3) == "/who 200 old");
}

BOOST_AUTO_TEST_CASE(a_question_without_an_answer_in_time_has_failed) {
  config->times.answer = 100ms;
  plug->asks_first("Site1");
  auto c = ask();
  auto first = backend.accept();
  first.read_until("\r\n\r\n");
  auto second = backend.accept();
  BOOST_TEST(second.read_until("\r\n\r\n").starts_with("GET /x"));
  BOOST_TEST(has(plug->told(0), "in time"), plug->told(0));
}

BOOST_AUTO_TEST_CASE(questions_have_a_bound) {
  plug->asks_first("Nowhere", 1000);
  auto c = ask();
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 503"), answer);
  BOOST_TEST(plug->known() == traffic::asides_max);
  BOOST_TEST(has(plug->told(0), "Nowhere"), plug->told(0));
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_takes_its_question_along) {
  plug->asks_first("Site1");
  {
    auto c = ask();
    auto first = backend.accept();
    first.read_until("\r\n\r\n");
    c.close();
    BOOST_TEST(first.read_all().empty()); // The node lets go of it.
  }
  BOOST_TEST(plug->known() == 0u);
}

BOOST_AUTO_TEST_CASE(an_answer_of_the_adapter_needs_no_backend) {
  plug->reads = [] {
    traffic::reading out;
    out.then = traffic::small_answer{
      404, {{"Content-Type", "text/plain"}, {"X-More", "m"}}, "no such thing"};
    return out;
  };
  auto c = ask();
  auto head = c.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("HTTP/1.1 404 Not Found\r\n"), head);
  BOOST_TEST(has(head, "Content-Type: text/plain\r\n"), head);
  BOOST_TEST(has(head, "X-More: m\r\n"), head);
  BOOST_TEST(has(head, "Content-Length: 13\r\n"), head);
  BOOST_TEST(c.read_bytes(13) == "no such thing");
  // The connection goes on; and HEAD has no body.
  c.write(
    "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  BOOST_TEST(has(c.read_until("\r\n\r\n"), "Content-Length: 13\r\n"));
  BOOST_TEST(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 404"));
  BOOST_TEST(!backend.called());
}

BOOST_AUTO_TEST_CASE(edits_are_made_in_the_head_of_a_leg) {
  plug->reads = [] {
    traffic::reading out;
    out.for_local.target = "/bare";
    out.for_local.set = {{"X-Auth-Token", "bare"}};
    out.for_local.drop = {"x-service-token"};
    return out;
  };
  auto c = ask("X-Auth-Token: T!s.QQ\r\nX-Service-Token: S\r\nX-Other: o\r\n");
  auto peer = backend.accept();
  auto head = peer.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("GET /bare HTTP/1.1\r\n"), head);
  BOOST_TEST(has(head, "X-Auth-Token: bare\r\n"), head);
  BOOST_TEST(!has(head, "T!s"), head);
  BOOST_TEST(!has(head, "Service"), head);
  BOOST_TEST(has(head, "X-Other: o\r\n"), head);
}

BOOST_AUTO_TEST_CASE(a_request_may_be_read_whole_before_it_goes_on) {
  doubles_requests(*plug);
  auto c = ask("Content-Length: 4\r\n", "POST");
  c.write("ab");
  c.write("cd");
  auto peer = backend.accept();
  auto head = peer.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "Content-Length: 8\r\n"), head);
  BOOST_TEST(!has(head, "Content-Length: 4"), head);
  BOOST_TEST(peer.read_bytes(8) == "abcdabcd");
  peer.write(ok);
  BOOST_TEST(!c.read_until("ok").empty());
  // Chunked; as it came; and without a body there is nothing to read.
  c.write("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "2\r\nke\r\n2\r\nep\r\n");
  c.write("0\r\n\r\n");
  head = peer.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "Content-Length: 4\r\n"), head);
  BOOST_TEST(!has(head, "Transfer-Encoding"), head);
  BOOST_TEST(peer.read_bytes(4) == "keep");
  peer.write(ok);
  BOOST_TEST(!c.read_until("ok").empty());
  c.write("POST /x HTTP/1.1\r\nHost: a\r\n\r\n");
  BOOST_TEST(!has(peer.read_until("\r\n\r\n"), "Content-Length"));
  peer.write(ok);
  BOOST_TEST(!c.read_until("ok").empty());
}

BOOST_AUTO_TEST_CASE(what_is_read_goes_out_over_a_fresh_connection_too) {
  doubles_requests(*plug);
  auto c = ask("Content-Length: 1\r\n", "POST");
  c.write("a");
  {
    auto peer = backend.accept();
    peer.read_until("\r\n\r\naa");
    peer.write(ok);
    BOOST_TEST(!c.read_until("ok").empty());
  } // It rested, and is closed.
  c.write("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nb");
  auto peer = backend.accept();
  BOOST_TEST(has(peer.read_until("\r\n\r\nbb"), "Content-Length: 2\r\n"));
}

BOOST_AUTO_TEST_CASE(a_request_that_is_read_may_be_refused) {
  doubles_requests(*plug);
  auto status_of = [&](const char* framing, const std::string& body) {
    auto c = ask(framing, "POST");
    c.write(body);
    return c.read_until("\r\n\r\n").substr(0, 12);
  };
  BOOST_TEST(status_of("Content-Length: 2\r\n", "no") == "HTTP/1.1 403");
  BOOST_TEST(status_of("Content-Length: 131073\r\n", std::string(131073, 'x'))
             == "HTTP/1.1 413");
  BOOST_TEST(status_of("Transfer-Encoding: chunked\r\n", "nonsense\r\n")
             == "HTTP/1.1 400");
  BOOST_TEST(!backend.called());
}

BOOST_AUTO_TEST_CASE(a_request_that_stops_in_the_middle_is_ended) {
  doubles_requests(*plug);
  config->times.idle = 100ms;
  auto c = ask("Content-Length: 2\r\n", "POST");
  c.write("a");
  BOOST_TEST(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 408"));
}

BOOST_AUTO_TEST_CASE(a_field_of_the_answer_is_replaced_as_it_streams) {
  plug->follows(
    [](unsigned status) {
      traffic::follower::wish out;
      if (status == 201)
        out.set = {{"X-Subject-Token", "T!s.QQ"}};
      return out;
    },
    [](std::string_view) { return std::nullopt; });
  auto c = ask();
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.1 201 Created\r\nX-Subject-Token: T\r\n"
             "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
  auto head = c.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "X-Subject-Token: T!s.QQ\r\n"), head);
  BOOST_TEST(!has(head, "X-Subject-Token: T\r\n"), head);
  BOOST_TEST(c.read_until("0\r\n\r\n") == "2\r\nok\r\n0\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_body_that_is_changed_has_a_length_of_its_own) {
  collects(true, doubled);
  auto c = ask();
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\nab");
  peer.write("cd");
  auto head = c.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "Content-Length: 8\r\n"), head);
  BOOST_TEST(!has(head, "Content-Length: 4"), head);
  BOOST_TEST(has(head, "X-A: b\r\n"), head);
  BOOST_TEST(c.read_bytes(8) == "abcdabcd");
  // Chunked, with trailers, and the connections go on.
  c.write("GET /y HTTP/1.1\r\nHost: a\r\n\r\n");
  BOOST_TEST(peer.read_until("\r\n\r\n").starts_with("GET /y"));
  peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  peer.write("2\r\nyz\r\n0\r\nX-T: t\r\n\r\n");
  head = c.read_until("\r\n\r\n");
  BOOST_TEST(has(head, "Content-Length: 6\r\n"), head);
  BOOST_TEST(!has(head, "Transfer-Encoding"), head);
  BOOST_TEST(c.read_bytes(6) == "xyzxyz");
  // Until the close, and nothing in it.
  c.write("GET /z HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.0 200 OK\r\n\r\n");
  peer.close();
  BOOST_TEST(has(c.read_until("\r\n\r\n"), "Content-Length: 0\r\n"));
}

BOOST_AUTO_TEST_CASE(an_answer_without_a_body_is_not_waited_for) {
  collects(true, doubled);
  auto c = ask("", "HEAD");
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  BOOST_TEST(has(c.read_until("\r\n\r\n"), "Content-Length: 4\r\n"));
  c.write("GET /y HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.1 204 No Content\r\n\r\n");
  BOOST_TEST(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 204"));
}

BOOST_AUTO_TEST_CASE(a_large_body_streams_unless_it_must_be_read) {
  collects(false, doubled);
  std::string large = "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n";
  {
    auto c = ask();
    auto peer = backend.accept();
    peer.read_until("\r\n\r\n");
    peer.write(large + "begin");
    BOOST_TEST(has(c.read_until("\r\n\r\n"), "Content-Length: 1048577\r\n"));
    BOOST_TEST(c.read_bytes(5) == "begin"); // Long before its end.
  }
  collects(true, doubled);
  auto c = ask();
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write(large);
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: too-large"), answer);
}

BOOST_AUTO_TEST_CASE(a_body_whose_length_nobody_said_has_the_bound_too) {
  collects(false, doubled);
  auto c = ask();
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string piece(64 * 1024, 'x');
  for (int i = 0; i < 17; ++i)
    peer.write("10000\r\n" + piece + "\r\n");
  BOOST_TEST(has(c.read_until("\r\n\r\n"), "Cheops-Error: too-large"));
}

BOOST_AUTO_TEST_CASE(a_coded_body_is_not_taken_for_text) {
  collects(false, doubled);
  auto coded = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
               "Content-Length: 2\r\n\r\nzz";
  auto c = ask();
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write(coded);
  BOOST_TEST(has(c.read_until("zz"), "Content-Length: 2\r\n"));
  collects(true, doubled);
  c.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  peer.read_until("\r\n\r\n");
  peer.write(coded);
  BOOST_TEST(has(c.read_until("\r\n\r\n"), "Cheops-Error: broken"));
}

BOOST_AUTO_TEST_CASE(
  a_body_that_breaks_off_is_an_error_and_not_half_an_answer) {
  collects(false, doubled);
  auto c = ask();
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  peer.close();
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 502"), answer);
}

BOOST_AUTO_TEST_CASE(a_follower_may_put_an_error_in_place_of_the_answer) {
  plug->follows(
    [](unsigned) -> result<traffic::follower::wish> {
      return error{errc::forbidden, "no role of yours counts", "Site1", "", ""};
    },
    [](std::string_view) { return std::nullopt; });
  auto c = ask();
  auto peer = backend.accept();
  peer.read_until("\r\n\r\n");
  peer.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  auto answer = c.read_until("\r\n\r\n");
  BOOST_TEST(answer.starts_with("HTTP/1.1 403"), answer);
  BOOST_TEST(has(answer, "Cheops-Error: forbidden"), answer);
}

BOOST_AUTO_TEST_SUITE_END()
