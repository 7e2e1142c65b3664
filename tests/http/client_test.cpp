#include "http/client.hpp"
#include "http/url.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"
#include "support/free_port.hpp"
#include "support/raw_socket.hpp"

#include <atomic>
#include <mutex>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

/// Answers each request of a connection with the next of these, then closes;
/// keeps what it was sent.
class scripted {
public:
  explicit scripted(std::vector<std::string> answers,
                    bool one_connection = true)
    : answers_(std::move(answers)), server_([this, one_connection](auto& x) {
        ++connections;
        while (next_ < answers_.size()) {
          auto head = x.read_until("\r\n\r\n");
          if (head.empty())
            return;
          {
            std::lock_guard guard{mutex_};
            heads_.push_back(head);
          }
          if (!x.write(answers_[next_++]))
            return;
          if (!one_connection)
            return;
        }
      }) {}

  [[nodiscard]] std::string url(std::string_view x = "/") const {
    return server_.url(x);
  }
  [[nodiscard]] std::string head(std::size_t i) {
    std::lock_guard guard{mutex_};
    BOOST_REQUIRE(i < heads_.size());
    return heads_[i];
  }
  std::atomic<int> connections{0};

private:
  std::vector<std::string> answers_;
  std::size_t next_ = 0;
  std::mutex mutex_;
  std::vector<std::string> heads_;
  raw_server server_;
};

http::client_request get(std::string url) {
  http::client_request out;
  out.url = std::move(url);
  out.timeout = 10s;
  return out;
}

errc code_of(const result<http::client_response>& x) {
  return x ? errc::none : x.error().code;
}

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

} // namespace

BOOST_AUTO_TEST_SUITE(client)

BOOST_AUTO_TEST_CASE(a_url_is_taken_apart) {
  auto x = http::parse_url("http://images.example:8080/v2/a%20b?c=d#e").value();
  BOOST_TEST(x.host == "images.example");
  BOOST_TEST(x.port == 8080);
  BOOST_TEST(x.authority == "images.example:8080");
  BOOST_TEST(x.target == "/v2/a%20b?c=d");
  BOOST_TEST(!x.tls);
  auto v6 = http::parse_url("HTTPS://[::1]?q").value();
  BOOST_TEST(v6.host == "::1");
  BOOST_TEST(v6.authority == "[::1]");
  BOOST_TEST(v6.port == 443);
  BOOST_TEST(v6.target == "/?q");
  BOOST_TEST(v6.tls);
  auto socket = http::parse_url("http+unix:///run/a.sock:/v1/sites?x").value();
  BOOST_TEST(socket.unix_path == "/run/a.sock");
  BOOST_TEST(socket.target == "/v1/sites?x");
  BOOST_TEST(http::parse_url("http+unix:///run/a.sock").value().target == "/");
}

BOOST_AUTO_TEST_CASE(what_is_no_url_is_refused) {
  for (auto text :
       {"", "127.0.0.1:80", "ftp://h/", "http://", "http:///x", "http://h:0/",
        "http://h:65536/", "http://u:p@h/", "http://h/a b", "http://h/\r\n",
        "http+unix://x.sock:/a", "http+unix:///x:/a b", "http://a%00b/"}) {
    auto x = http::parse_url(text);
    BOOST_TEST(!x, text);
    BOOST_TEST((x.has_error() && x.error().code == errc::bad_request));
  }
}

BOOST_AUTO_TEST_CASE(a_request_has_its_host_and_its_fields_once) {
  scripted server{{ok}};
  auto what = get(server.url("/a?b"));
  what.fields = {{"Accept", "x/y"}};
  auto x = http::fetch(what).value();
  BOOST_TEST(x.status == 200U);
  BOOST_TEST(x.reason == "OK");
  BOOST_TEST(x.body == "ok");
  BOOST_TEST(x.get("content-LENGTH") == "2");
  auto authority = server.url("").substr(7);
  BOOST_TEST(server.head(0)
             == "GET /a?b HTTP/1.1\r\nHost: " + authority
                  + "\r\nUser-Agent: cheops\r\nAccept: x/y\r\n"
                    "Connection: close\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_given_host_and_agent_replace_ours) {
  scripted server{{ok}};
  auto what = get(server.url());
  what.fields = {{"host", "images.example"}, {"User-Agent", "me"}};
  BOOST_REQUIRE(http::fetch(what).has_value());
  auto head = server.head(0);
  BOOST_TEST(head.find("Host: 127") == std::string::npos);
  BOOST_TEST(head.find("host: images.example\r\n") != std::string::npos);
  BOOST_TEST(head.find("cheops") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_field_cannot_smuggle_another) {
  auto refused = [](auto change) {
    auto what = get("http://127.0.0.1:1/");
    change(what);
    return code_of(http::fetch(what)) == errc::bad_request;
  };
  BOOST_TEST(refused([](auto& x) { x.fields = {{"A", "b\r\nC: d"}}; }));
  BOOST_TEST(refused([](auto& x) { x.fields = {{"A: b\r\nC", "d"}}; }));
  BOOST_TEST(refused([](auto& x) { x.fields = {{"", "d"}}; }));
  BOOST_TEST(refused([](auto& x) { x.fields = {{"Content-Length", "5"}}; }));
  BOOST_TEST(refused([](auto& x) {
    x.fields = {{"transfer-encoding", "chunked"}};
  }));
  BOOST_TEST(refused([](auto& x) { x.method = "GET / HTTP/1.1\r\nX:"; }));
  BOOST_TEST(refused([](auto& x) { x.method = "CONNECT"; }));
}

BOOST_AUTO_TEST_CASE(answers_are_framed_as_rfc_9112_says) {
  auto body_of = [](const std::string& answer, std::string method = "GET") {
    scripted server{{answer}};
    auto what = get(server.url());
    what.method = std::move(method);
    return http::fetch(what).value().body;
  };
  BOOST_TEST(body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n")
             == "abcde");
  BOOST_TEST(body_of("HTTP/1.1 200 OK\r\n\r\nuntil the end")
             == "until the end");
  BOOST_TEST(body_of("HTTP/1.1 204 No Content\r\n\r\n") == "");
  BOOST_TEST(body_of("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")
             == "");
  BOOST_TEST(body_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD")
             == "");
  BOOST_TEST(body_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                     "Link: x\r\n\r\n"
                     + ok)
             == "ok");
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_off_is_no_answer) {
  for (std::string answer :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        "HTTP/1.1 200 OK\r\nConte", "SSH-2.0-OpenSSH\r\n", "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: "
        "2\r\n\r\nab"}) {
    scripted server{{answer}};
    auto x = http::fetch(get(server.url()));
    BOOST_TEST((code_of(x) == errc::broken), answer);
  }
}

BOOST_AUTO_TEST_CASE(endless_interim_answers_and_heads_are_cut) {
  std::string interim;
  for (int i = 0; i < 40; ++i)
    interim += "HTTP/1.1 100 Continue\r\n\r\n";
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10'000; ++i)
    head +=
      "Field-" + std::to_string(i) + ": " + std::string(100, 'x') + "\r\n";
  for (auto& answer : {interim + ok, head + "\r\n"}) {
    scripted server{{answer}};
    BOOST_TEST((code_of(http::fetch(get(server.url()))) == errc::broken));
  }
}

BOOST_AUTO_TEST_CASE(a_body_over_the_limit_is_an_error) {
  scripted server{{"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890"}};
  auto what = get(server.url());
  what.body_bytes_max = 10;
  BOOST_TEST((code_of(http::fetch(what)) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_sink_takes_the_body_and_may_stop_it) {
  raw_server server{[](raw_socket& x) {
    x.read_until("\r\n\r\n");
    x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (x.write("5\r\nhello\r\n")) // As long as it is taken.
      ;
  }};
  auto what = get(server.url("/watch"));
  std::size_t got = 0;
  what.sink = [&got](std::string_view piece) {
    got += piece.size();
    return got < 100'000;
  };
  auto x = http::fetch(what).value();
  BOOST_TEST(x.status == 200U);
  BOOST_TEST(x.body == "");
  BOOST_TEST(got >= 100'000U);
}

BOOST_AUTO_TEST_CASE(a_source_is_sent_in_chunks_or_by_its_length) {
  std::string head, body;
  raw_server server{[&](raw_socket& x) {
    head = x.read_until("\r\n\r\n");
    body = head.find("chunked") != std::string::npos ? x.read_until("0\r\n\r\n")
                                                     : x.read_bytes(6);
    x.write(ok);
  }};
  auto what = get(server.url("/"));
  what.method = "POST";
  auto pieces = [](std::vector<std::string> all) {
    return [all, i = std::size_t{0}](char* to, std::size_t) mutable {
      if (i == all.size())
        return std::size_t{0};
      auto& x = all[i++];
      std::copy(x.begin(), x.end(), to);
      return x.size();
    };
  };
  what.source = pieces({"abc", "def"});
  BOOST_REQUIRE(http::fetch(what).has_value());
  BOOST_TEST(head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  BOOST_TEST(body == "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  what.source = pieces({"abc", "def"});
  what.source_bytes = 6;
  BOOST_REQUIRE(http::fetch(what).has_value());
  BOOST_TEST(head.find("Content-Length: 6\r\n") != std::string::npos);
  BOOST_TEST(body == "abcdef");
  what.source = pieces({"abc"});
  BOOST_TEST((code_of(http::fetch(what)) == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(an_answer_that_comes_before_the_body_is_taken_counts) {
  raw_server server{[](raw_socket& x) {
    x.read_until("\r\n\r\n");
    x.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
    x.shut_write();
    x.read_until("never"); // Reads on, as RFC 9112, 9.6 asks.
  }};
  auto what = get(server.url("/"));
  what.method = "PUT";
  std::size_t sent = 0;
  what.source = [&sent](char* to, std::size_t room) {
    sent += room;
    std::fill(to, to + room, 'x');
    return sent < (1U << 30) ? room : 0; // Much more than buffers hold.
  };
  auto x = http::fetch(what).value();
  BOOST_TEST(x.status == 413U);
  BOOST_TEST(x.body == "no!");
}

BOOST_AUTO_TEST_CASE(a_large_body_is_sent_whole) {
  std::size_t got = 0;
  raw_server server{[&got](raw_socket& x) {
    x.read_until("\r\n\r\n");
    got = x.read_bytes(20'000'000).size();
    x.write(ok);
  }};
  auto what = get(server.url("/"));
  what.method = "PUT";
  what.body.assign(20'000'000, 'b');
  BOOST_REQUIRE(http::fetch(what).has_value());
  BOOST_TEST(got == 20'000'000U);
}

BOOST_AUTO_TEST_CASE(each_step_has_its_deadline) {
  std::atomic<bool> slow{true};
  raw_server silent{[](raw_socket& x) { x.read_all(); }};
  auto what = get(silent.url("/"));
  what.timeout = 50ms;
  BOOST_TEST((code_of(http::fetch(what)) == errc::timed_out));
  raw_server stalls{[](raw_socket& x) {
    x.read_until("\r\n\r\n");
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    x.read_all();
  }};
  what.url = stalls.url("/");
  BOOST_TEST((code_of(http::fetch(what)) == errc::timed_out));
  // A head that trickles is late all the same.
  raw_server trickles{[](raw_socket& x) {
    x.read_until("\r\n\r\n");
    while (x.write("HTTP/1.1 200 OK\r\nA: b\r\n") && x.write("C: d\r\n"))
      if (x.read_bytes(1).empty())
        return;
  }};
  what.url = trickles.url("/");
  BOOST_TEST((code_of(http::fetch(what)) == errc::timed_out));
}

BOOST_AUTO_TEST_CASE(nobody_there_is_unreachable) {
  auto at = "127.0.0.1:" + std::to_string(support::free_port());
  auto x = http::fetch(get("http://" + at + "/"));
  BOOST_TEST((code_of(x) == errc::unreachable));
  BOOST_TEST(x.error().what == at + ": Connection refused");
  BOOST_TEST(x.error().step == "connect");
  auto socket = http::fetch(get("http+unix:///nowhere/x.sock:/"));
  BOOST_TEST((code_of(socket) == errc::unreachable));
}

BOOST_AUTO_TEST_CASE(a_connection_is_kept_for_its_origin) {
  scripted server{{ok, ok, ok}};
  scripted other{{ok}};
  http::connection kept;
  BOOST_TEST(kept.fetch(get(server.url("/1"))).value().body == "ok");
  BOOST_TEST(kept.fetch(get(server.url("/2"))).value().body == "ok");
  BOOST_TEST(server.connections == 1);
  BOOST_TEST(server.head(0).find("close") == std::string::npos);
  BOOST_TEST(kept.fetch(get(other.url("/"))).value().body == "ok");
  BOOST_TEST(kept.fetch(get(server.url("/3"))).value().body == "ok");
  BOOST_TEST(server.connections == 2);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_was_closed_is_opened_anew) {
  scripted server{{ok, ok}, false};
  http::connection kept;
  BOOST_REQUIRE(kept.fetch(get(server.url("/1"))).has_value());
  BOOST_REQUIRE(kept.fetch(get(server.url("/2"))).has_value());
  BOOST_TEST(server.connections == 2);
}

BOOST_AUTO_TEST_CASE(what_may_not_be_repeated_is_not) {
  // Takes the second request of a connection, and says nothing.
  int requests = 0;
  raw_server server{[&requests](raw_socket& x) {
    for (int i = 0; i < 2; ++i) {
      if (x.read_until("\r\n\r\n").empty())
        return;
      ++requests;
      if (i == 0)
        x.write(ok);
    }
  }};
  {
    http::connection kept;
    BOOST_REQUIRE(kept.fetch(get(server.url("/"))).has_value());
    auto post = get(server.url("/"));
    post.method = "POST";
    BOOST_TEST((code_of(kept.fetch(post)) == errc::broken));
  }
  {
    http::connection kept;
    BOOST_REQUIRE(kept.fetch(get(server.url("/"))).has_value());
    BOOST_TEST(kept.fetch(get(server.url("/"))).has_value());
  }
  BOOST_TEST(requests == 5); // GET, POST; GET, GET and GET again.
}

BOOST_AUTO_TEST_CASE(a_connection_with_something_left_is_not_kept) {
  scripted server{
    {ok + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", ok}};
  http::connection kept;
  BOOST_TEST(kept.fetch(get(server.url("/1"))).value().body == "ok");
  BOOST_TEST(kept.fetch(get(server.url("/2"))).value().body == "ok");
  BOOST_TEST(server.connections == 2);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_CASE(a_bearer_token_is_read_anew_for_each_request,
                        folder_fixture) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  scripted server{{answer, answer}};
  auto ask = get(server.url());
  ask.token_file = path("token");
  http::connection kept;
  for (std::string token : {"first", "second"}) {
    write("token", token + "\n");
    std::filesystem::permissions(ask.token_file, std::filesystem::perms{0600});
    BOOST_REQUIRE(kept.fetch(ask));
  }
  BOOST_TEST(server.head(0).find("\r\nAuthorization: Bearer first\r\n")
             != std::string::npos);
  BOOST_TEST(server.head(1).find("\r\nAuthorization: Bearer second\r\n")
             != std::string::npos);
  // Nothing goes out with less than was asked for.
  for (std::string bad : {"", "\n", "two words", "a\nb"}) {
    write("token", bad);
    auto got = kept.fetch(ask);
    BOOST_REQUIRE(!got);
    BOOST_TEST((got.error().code == errc::bad_config));
    BOOST_TEST(got.error().what.find(ask.token_file) != std::string::npos);
  }
  ask.token_file = path("nowhere");
  BOOST_TEST(!kept.fetch(ask));
}
