// What backends and clients do to each other through an exchange: answers that
// are none, answers that come early, clients that go.
#include "support/boost_test.hpp"
#include "support/proxy_fixture.hpp"

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

struct started : proxy_fixture {
  started() { start(); }
};

struct bad_answer {
  std::string_view name;
  std::string text;
};

std::vector<bad_answer> bad_answers() {
  const std::string s = "HTTP/1.1 200 OK\r\n";
  const std::string te = "Transfer-Encoding: chunked\r\n";
  return {
    {"no status line", "hello\r\n\r\n"},
    {"an empty line", "\r\n" + ok},
    {"another protocol", "ICY 200 OK\r\n\r\n"},
    {"a version of the future", "HTTP/2 200 OK\r\n\r\n"},
    {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
    {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
    {"a status of letters", "HTTP/1.1 abc OK\r\n\r\n"},
    {"a control character in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n"},
    {"two lengths", s + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"},
    {"the same length twice",
     s + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"},
    {"a list of lengths", s + "Content-Length: 2, 2\r\n\r\nab"},
    {"a negative length", s + "Content-Length: -1\r\n\r\n"},
    {"a length and chunks", s + "Content-Length: 5\r\n" + te + "\r\n0\r\n\r\n"},
    {"another coding", s + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
    {"two codings", s + te + te + "\r\n0\r\n\r\n"},
    {"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\n" + te + "\r\n0\r\n\r\n"},
    {"a folded line", s + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n"},
    {"a bare line feed", s + "X: a\nContent-Length: 0\r\n\r\n"},
    {"a line without a colon", s + "hello\r\n\r\n"},
    {"a head without an end", s + "X: " + std::string(70'000, 'x')},
    {"a first chunk that is none", s + te + "\r\nzz\r\nhello\r\n"},
    {"a first chunk with a sign", s + te + "\r\n-1\r\nhello\r\n"},
    {"a chunk size without an end",
     s + te + "\r\n0000000000000000000000000000001\r\n"},
  };
}

} // namespace

BOOST_AUTO_TEST_CASE(an_answer_that_is_none_is_a_502_and_nothing_else) {
  for (const auto& x : bad_answers()) {
    started f;
    auto c = f.client();
    // The second request must not be harmed by the answer to the first, nor
    // may the proxy be.
    c.write(get + get);
    auto b = f.backend.accept();
    b.read_until("\r\n\r\n");
    b.write(x.text);
    auto answer = read_problem(c);
    BOOST_TEST(answer.starts_with("HTTP/1.1 502"), x.name << ": " << answer);
    BOOST_TEST(answer.find("HTTP/1.1 ", 1) == answer.npos,
               x.name << ": " << answer);
    BOOST_TEST(has(answer, "Cheops-Error: broken"), x.name << ": " << answer);
    BOOST_TEST(has(answer, "Cheops-Site: Site1"), x.name << ": " << answer);
    BOOST_TEST(has(answer, "\"step\":\"read the answer\""),
               x.name << ": " << answer);
    BOOST_TEST(f.counted("{reason=\"upstream_broken\"} 1"), x.name);
    auto b2 = f.backend.accept(); // Never the connection that lied.
    b2.read_until("\r\n\r\n");
    b2.write(ok);
    BOOST_TEST(c.read_bytes(ok.size()) == ok, x.name);
  }
}

BOOST_FIXTURE_TEST_CASE(a_body_that_breaks_late_cuts_the_client_off, started) {
  const std::string chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
  for (auto garbage : {"zz\r\n", "3\r\nabcd\r\n", "3\nabc\r\n"}) {
    auto c = client();
    c.write(get);
    auto b = backend.accept();
    b.read_until("\r\n\r\n");
    b.write(chunked);
    c.read_until("abc\r\n");
    b.write(garbage);
    // No end of the body, and no word of ours within it.
    BOOST_TEST(!has(c.read_all(), "0\r\n\r\n"), garbage);
    BOOST_TEST(b.closes());
  }
}

BOOST_FIXTURE_TEST_CASE(a_body_that_is_too_short_cuts_the_client_off, started) {
  for (auto way : {"close", "reset"}) {
    auto c = client();
    c.write(get);
    auto b = backend.accept();
    b.read_until("\r\n\r\n");
    b.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    c.read_until("\r\n\r\nab");
    way == std::string_view{"close"} ? b.close() : b.reset();
    BOOST_TEST(c.closes(), way);
  }
}

BOOST_FIXTURE_TEST_CASE(answers_without_a_body_end_with_their_head, started) {
  struct {
    std::string method, answer;
    std::string_view kept;
  } const cases[] = {
    {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "Length: 5"},
    {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "chunked"},
    {"HEAD", "HTTP/1.1 200 OK\r\n\r\n", "200"},
    {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
     "Length: 5"},
    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "204"},
  };
  auto c = client();
  auto b = [&] {
    c.write(get);
    auto x = backend.accept();
    x.read_until("\r\n\r\n");
    x.write(ok);
    c.read_bytes(ok.size());
    return x;
  }();
  for (const auto& x : cases) {
    c.write(x.method + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(b.read_until("\r\n\r\n").starts_with(x.method + " "));
    b.write(x.answer);
    auto answer = c.read_until("\r\n\r\n");
    BOOST_TEST(has(answer, x.kept), answer);
    BOOST_TEST(!has(answer, "Connection: close"), answer);
  }
  BOOST_TEST(!backend.called()); // One connection served them all.
}

BOOST_FIXTURE_TEST_CASE(a_body_where_none_may_be_reaches_nobody, started) {
  for (auto lie :
       {"HTTP/1.1 204 No Content\r\nDate: x\r\nContent-Length: 60\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nDate: x\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"}) {
    auto c = client();
    c.write(get);
    auto b = backend.accept();
    b.read_until("\r\n\r\n");
    b.write(lie);
    auto answer = c.read_until("\r\n\r\n");
    BOOST_TEST(answer == "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n");
    // What it sends later would be read as the answer to somebody else.
    c.write(get);
    auto b2 = backend.accept();
    b.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    b2.read_until("\r\n\r\n");
    b2.write(ok);
    BOOST_TEST(c.read_bytes(ok.size()) == ok);
  }
}

BOOST_FIXTURE_TEST_CASE(more_than_the_body_is_thrown_away, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write(ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
  c.write(get);
  auto b2 = backend.accept();
  b2.read_until("\r\n\r\n");
  b2.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
}

BOOST_FIXTURE_TEST_CASE(words_before_the_answer_are_passed_on, started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const std::string processing = "HTTP/1.1 102 Processing\r\n\r\n";
  b.write(hints + processing + "HTTP/1.1 199 \r\nContent-Length: 9\r\n\r\n"
          + ok);
  BOOST_TEST(c.read_bytes(hints.size()) == hints);
  BOOST_TEST(c.read_bytes(processing.size()) == processing);
  BOOST_TEST(c.read_until("\r\n\r\n") == "HTTP/1.1 199 \r\n\r\n");
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
  auto old = client();
  old.write("GET / HTTP/1.0\r\n\r\n");
  b.read_until("\r\n\r\n");
  b.write(hints + ok);
  BOOST_TEST(old.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
}

BOOST_FIXTURE_TEST_CASE(words_without_end_run_into_the_limit_on_answers,
                        proxy_fixture) {
  config->times.answer = 100ms;
  start();
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  std::thread talking{[&] {
    while (b.write("HTTP/1.1 102 Processing\r\n\r\n"))
      std::this_thread::yield();
  }};
  auto all = c.read_until("Cheops-Error: ");
  talking.join();
  BOOST_TEST(has(all, "HTTP/1.1 504"), all.substr(all.size() - 200));
}

BOOST_FIXTURE_TEST_CASE(an_early_answer_reaches_a_client_that_still_sends,
                        started) {
  auto c = client();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  auto b = backend.accept();
  b.read_until("hello");
  b.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  auto head = c.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("HTTP/1.1 413"), head);
  BOOST_TEST(c.read_bytes(2) == "no");
  // It reads on, and so both connections live.
  c.write("world");
  BOOST_TEST(b.read_bytes(5) == "world");
  c.write(get);
  b.read_until("\r\n\r\n");
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
  BOOST_TEST(!backend.called());
}

BOOST_FIXTURE_TEST_CASE(an_early_answer_that_closes_says_so, started) {
  auto c = client();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  auto b = backend.accept();
  b.read_until("hello");
  b.write("HTTP/1.1 413 Too Large\r\nConnection: close\r\n"
          "Content-Length: 2\r\n\r\nno");
  auto answer = c.read_until("\r\n\r\nno");
  BOOST_TEST(has(answer, "Connection: close\r\n"), answer);
  c.write("world"); // Read and thrown away, so that the answer arrives.
  BOOST_TEST(c.closes());
}

BOOST_FIXTURE_TEST_CASE(an_early_answer_of_a_backend_that_stops_listening,
                        started) {
  auto c = client();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 413 Too Large\r\nConnection: close\r\n"
          "Content-Length: 2\r\n\r\nno");
  b.shut_write();
  std::thread sending{[&] { c.write(std::string(8'000'000, 'x')); }};
  auto answer = c.read_until("\r\n\r\nno");
  BOOST_TEST(answer.starts_with("HTTP/1.1 413"), answer);
  BOOST_TEST(c.closes());
  sending.join();
}

BOOST_FIXTURE_TEST_CASE(a_client_that_goes_is_seen_though_it_is_not_read,
                        started) {
  // More of what is not its turn yet than the proxy takes in.
  std::string more;
  while (more.size() < 100'000)
    more += get;
  for (auto way : {"close", "reset", "half"}) {
    auto c = client();
    c.write(get);
    auto b = backend.accept();
    b.read_until("\r\n\r\n");
    b.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    c.read_until("\r\n\r\n");
    c.write(more);
    if (way == std::string_view{"close"})
      c.close();
    else if (way == std::string_view{"reset"})
      c.reset();
    else
      c.shut_write();
    BOOST_TEST(b.closes(), way);
  }
  BOOST_TEST(!counted("cheops_limits_hit_total{limit=\"buffer_bytes\"} 0"));
}

// -- clients that have said all
// ------------------------------------------------

BOOST_FIXTURE_TEST_CASE(who_ends_its_sending_after_a_whole_request_is_answered,
                        started) {
  for (const auto* head : {"GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET /x HTTP/1.0\r\nHost: a\r\n\r\n"}) {
    auto c = client();
    c.write(head);
    c.shut_write();
    auto b = backend.accept();
    b.read_until("\r\n\r\n");
    b.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n"
            "\r\nok");
    auto answer = c.read_all();
    BOOST_TEST(answer.ends_with("\r\n\r\nok"), head << answer);
  }
}

BOOST_FIXTURE_TEST_CASE(so_is_each_of_several_requests_with_bodies, started) {
  const std::string post =
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  auto c = client();
  c.write(post + post);
  c.shut_write();
  auto b = backend.accept();
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(has(b.read_until("\r\n\r\nabc"), "POST /x"));
    b.write(ok);
  }
  auto answers = c.read_all();
  BOOST_TEST(answers.find(ok) != answers.npos, answers);
  BOOST_TEST(answers.ends_with("ok"), answers);
  BOOST_TEST(answers.find("ok") != answers.rfind("ok"), answers);
}

BOOST_FIXTURE_TEST_CASE(one_whose_request_is_not_whole_has_gone,
                        proxy_fixture) {
  config->times.idle = 1h;
  start();
  auto c = client();
  c.write("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabc");
  auto b = backend.accept();
  b.read_until("\r\n\r\nabc");
  c.shut_write();
  BOOST_TEST(b.closes());
  auto early = client(); // Its end is there before the backend is.
  early.write("POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabc");
  early.shut_write();
  BOOST_TEST(!has(early.read_all(), "HTTP/1.1 200"));
}

BOOST_FIXTURE_TEST_CASE(who_waits_long_is_asked_and_who_has_gone_is_let_go,
                        started) {
  auto c = client();
  c.write(get);
  c.shut_write();
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  BOOST_TEST(c.read_until("\r\n\r\n") == "HTTP/1.1 102 Processing\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          "Connection: close\r\nContent-Length: 2\r\n\r\nok");
  BOOST_TEST(c.read_until("\r\n\r\nok") == ok);

  for (const auto* version : {"1.1", "1.0"}) {
    auto gone = client();
    gone.write("GET /x HTTP/" + std::string{version} + "\r\nHost: a\r\n\r\n");
    auto left = backend.accept();
    left.read_until("\r\n\r\n");
    gone.close();
    BOOST_TEST(left.closes(), version);
  }
}

BOOST_FIXTURE_TEST_CASE(an_answer_that_stands_still_ends_for_who_only_listens,
                        started) {
  auto c = client();
  c.write(get);
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  c.read_until("\r\n\r\n");
  c.shut_write();
  b.write("3\r\nabc\r\n");
  BOOST_TEST(c.read_until("abc\r\n") == "3\r\nabc\r\n");
  BOOST_TEST(b.closes());
}

BOOST_FIXTURE_TEST_CASE(a_client_that_breaks_off_its_body_frees_the_backend,
                        proxy_fixture) {
  config->times.idle = 1h;
  start();
  auto c = client();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  // The backend does not read: all buffers are full when the client goes.
  std::thread sending{[&] { c.write(std::string(50'000'000, 'x')); }};
  await_some("cheops_limits_hit_total{limit=\"buffer_bytes\"}");
  c.shut_both();
  sending.join();
  c.reset();
  await_count("cheops_connections{front=\"ServiceA\"} 0");
  await_count("state=\"busy\"} 0\n");
}

BOOST_FIXTURE_TEST_CASE(large_bodies_pass_both_ways_at_once, started) {
  const std::string up(3'000'000, 'u'), down(3'000'000, 'd');
  auto c = client();
  std::thread sending{[&] {
    c.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
            + std::to_string(up.size()) + "\r\n\r\n" + up);
  }};
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  std::thread answering{[&] {
    b.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(down.size())
            + "\r\n\r\n" + down);
  }};
  std::string came_up;
  std::thread taking{[&] { came_up = b.read_bytes(up.size()); }};
  c.read_until("\r\n\r\n");
  auto came_down = c.read_bytes(down.size());
  sending.join();
  answering.join();
  taking.join();
  BOOST_TEST((came_up == up));
  BOOST_TEST((came_down == down));
}

BOOST_FIXTURE_TEST_CASE(fields_that_only_a_head_may_have_are_no_trailers,
                        started) {
  auto c = client();
  c.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "0\r\nAuthorization: x\r\nCookie: x\r\nX-Forwarded-For: x\r\n"
          "Content-Length: 9\r\nHost: b\r\nScope: Site2\r\nCheops-From: x\r\n"
          "traceparent: x\r\nConnection: x\r\nGrpc-Status: 0\r\n\r\n");
  auto b = backend.accept();
  b.read_until("\r\n\r\n");
  BOOST_TEST(b.read_until("\r\n\r\n") == "0\r\nGrpc-Status: 0\r\n\r\n");
  b.write(ok);
  BOOST_TEST(c.read_bytes(ok.size()) == ok);
}
