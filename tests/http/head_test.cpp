#define BOOST_TEST_MODULE http_head
#include "http/body.hpp"
#include "http/head.hpp"
#include "http/rewrite.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

#include <string>

using namespace cheops;
using namespace cheops::http;
using outcome = head_reader::outcome;

namespace {

/// A client of ours as it is told to who is behind.
forwarding client_of(bool believed) {
  return {"Forwarded: for=192.0.2.9;proto=http",
          "X-Forwarded-For: 192.0.2.9\r\n", "X-Forwarded-Proto: http\r\n",
          believed};
}

std::string rewritten(std::string_view text, bool believed = false) {
  head_reader reader{side::request};
  BOOST_REQUIRE(reader.read(text, site::limits{}) == outcome::complete);
  auto client = client_of(believed);
  request_additions with;
  with.client = &client;
  with.target = "/";
  std::string out;
  write_request(out, reader.got(), with);
  return out;
}

std::string any_line() {
  return *rc::gen::element<std::string>(
    "Host: x\r\n", "Host: y:80\r\n", "Content-Length: 3\r\n",
    "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n", "Connection: close, X-A\r\n", "X-A:  b \r\n",
    "X-B:\r\n", " folded\r\n", "no colon\r\n", "X : y\r\n", "X: a\rb\r\n",
    "bare: lf\n", "Scope: S/here\r\n");
}

std::string any_head() {
  auto out = *rc::gen::element<std::string>(
    "GET / HTTP/1.1\r\n", "POST /a HTTP/1.0\r\n", "\r\nGET / HTTP/1.1\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\n", "GET  / HTTP/1.1\r\n", "GET / HTTP/2.0\r\n");
  auto lines = *rc::gen::inRange(0, 5);
  for (int i = 0; i < lines; ++i)
    out += any_line();
  return out + "\r\nnext";
}

std::string any_chunks() {
  std::string out;
  auto pieces = *rc::gen::inRange(1, 6);
  for (int i = 0; i < pieces; ++i)
    out += *rc::gen::element<std::string>("3\r\nabc\r\n", "3;x=y\r\nabc\r\n",
                                          "3\r\nabcd\r\n", "g\r\n", "\r\n",
                                          "A\r\n0123456789\r\n");
  return out
         + *rc::gen::element<std::string>("0\r\n\r\n", "0\r\nX: y\r\n\r\n",
                                          "0\r\nHost: x\r\n\r\n", "0\n\n", "")
         + "next";
}

struct read_out {
  std::string passed;
  std::string trailers;
  bool bad = false;
  bool done = false;
  bool operator==(const read_out&) const = default;
};

read_out read_chunks(std::string text, std::size_t cut, bool decode) {
  body_reader reader;
  reader.start(framing::chunked, 0, decode, 1024);
  read_out out;
  auto take = [&](std::size_t from, std::size_t to) {
    while (from < to && !out.bad && !reader.done()) {
      auto step = reader.scan(text.data() + from, to - from);
      // What follows a defect is nobody's.
      if (!step.bad)
        out.passed.append(text, from, step.pass);
      from += step.pass + step.drop;
      out.bad = step.bad;
    }
  };
  take(0, cut);
  take(cut, text.size());
  out.done = reader.done();
  out.trailers = reader.take_trailers();
  if (out.bad)
    out.passed.clear();
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_head_split_at_any_byte_reads_the_same) {
  BOOST_TEST(rc::check([] {
    auto text = any_head();
    site::limits most;
    head_reader whole{side::request};
    auto end = whole.read(text, most);
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      head_reader pieces{side::request};
      // The first piece lies elsewhere than the whole.
      auto first = text.substr(0, cut);
      auto got = pieces.read(first, most);
      if (got == outcome::more)
        got = pieces.read(text, most);
      RC_ASSERT(got == end);
      if (end == outcome::refused)
        RC_ASSERT(pieces.why().what == whole.why().what);
      if (end != outcome::complete)
        continue;
      RC_ASSERT(pieces.got().bytes == whole.got().bytes);
      RC_ASSERT(pieces.got().body == whole.got().body);
      RC_ASSERT(pieces.got().length == whole.got().length);
      RC_ASSERT(pieces.got().host == whole.got().host);
      RC_ASSERT(pieces.got().nominated == whole.got().nominated);
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_chunked_body_split_at_any_byte_reads_the_same) {
  BOOST_TEST(rc::check([] {
    auto text = any_chunks();
    auto decode = *rc::gen::arbitrary<bool>();
    auto whole = read_chunks(text, text.size(), decode);
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      RC_ASSERT(read_chunks(text, cut, decode) == whole);
  }));
}

BOOST_AUTO_TEST_CASE(no_line_of_upgrade_carries_h2c) {
  auto out = rewritten("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                       "Upgrade: h2c\r\nUpgrade: websocket\r\n\r\n");
  BOOST_TEST(out.find("h2c") == out.npos);
  BOOST_TEST(out.find("Upgrade") == out.npos);
}

BOOST_AUTO_TEST_CASE(an_upgrade_to_websocket_goes_on) {
  auto out = rewritten("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\n\r\n");
  BOOST_TEST(out.find("Upgrade: websocket\r\n") != out.npos);
  BOOST_TEST(out.find("Connection: Upgrade\r\n") != out.npos);
}

BOOST_AUTO_TEST_CASE(a_connection_option_takes_only_what_may_go) {
  auto out = rewritten(
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
    "Connection: host, CONTENT-LENGTH, transfer-encoding, cheops-from, Via,"
    " X-A, x-b\r\nCheops-From: S\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n\r\n");
  for (auto kept :
       {"\r\nHost: x\r\n", "\r\nContent-Length: 3\r\n", "\r\nX-C: 3\r\n"})
    BOOST_TEST(out.find(kept) != out.npos, kept);
  for (auto gone : {"Connection", "Cheops-From", "X-A", "X-B"})
    BOOST_TEST(out.find(gone) == out.npos, gone);
}

BOOST_AUTO_TEST_CASE(chunks_stay_chunks_whatever_the_connection_says) {
  auto out = rewritten("POST / HTTP/1.1\r\nHost: x\r\n"
                       "Connection: Transfer-Encoding, close\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n");
  BOOST_TEST(out.find("Transfer-Encoding: chunked\r\n") != out.npos);
}

BOOST_AUTO_TEST_CASE(views_follow_bytes_that_have_moved) {
  head_reader reader{side::request};
  std::string first = "GET /a HTTP/1.1\r\nHost: x\r\nX";
  BOOST_TEST((reader.read(first, site::limits{}) == outcome::more));
  auto second = first;
  reader.moved_to(second.data());
  first.assign(first.size(), '?');
  BOOST_TEST(reader.got().method == "GET");
  BOOST_TEST(reader.got().target == "/a");
  BOOST_TEST(reader.got().host == "x");
}

BOOST_AUTO_TEST_CASE(what_a_user_says_of_a_client_does_not_go_on) {
  const std::string text = "GET / HTTP/1.1\r\nHost: x\r\n"
                           "Forwarded: for=10.0.0.1;host=evil\r\n"
                           "X-Forwarded-For: 10.0.0.1\r\n"
                           "x-forwarded-host: evil\r\n"
                           "X-Forwarded-Proto: https\r\n"
                           "X-Real-IP: 10.0.0.1\r\nX-Forwarded: kept\r\n\r\n";
  auto out = rewritten(text);
  BOOST_TEST(out.find("10.0.0.1") == out.npos, out);
  BOOST_TEST(out.find("evil") == out.npos, out);
  BOOST_TEST(out.find("https") == out.npos, out);
  for (const auto* line :
       {"\r\nForwarded: for=192.0.2.9;proto=http;host=\"x\"\r\n",
        "\r\nX-Forwarded-For: 192.0.2.9\r\n", "\r\nX-Forwarded-Proto: http\r\n",
        "\r\nX-Forwarded: kept\r\n"})
    BOOST_TEST(out.find(line) != out.npos, line << " in " << out);
  // Of a proxy it goes on, before our own word; the protocol is the first's.
  out = rewritten(text, true);
  auto theirs = out.find("X-Forwarded-For: 10.0.0.1\r\n");
  auto ours = out.find("X-Forwarded-For: 192.0.2.9\r\n");
  BOOST_TEST(theirs != out.npos, out);
  BOOST_TEST(ours != out.npos, out);
  BOOST_TEST(theirs < ours, out);
  BOOST_TEST(out.find("X-Forwarded-Proto: http\r\n") == out.npos, out);
  BOOST_TEST(out.find("X-Real-IP: 10.0.0.1\r\n") != out.npos, out);
}

BOOST_AUTO_TEST_CASE(an_empty_host_goes_on) {
  auto out = rewritten("GET / HTTP/1.1\r\nHost:\r\n\r\n");
  BOOST_TEST(out.find("\r\nHost:\r\n") != out.npos, out);
  BOOST_TEST(out.find("host=") == out.npos, out);
}

BOOST_AUTO_TEST_CASE(a_few_empty_lines_before_a_request_are_let_pass) {
  std::string empty;
  for (std::size_t n = 0; n <= 5; ++n, empty += "\r\n") {
    head_reader reader{side::request};
    auto text = empty + "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    auto wanted =
      empty.size() <= blank_bytes_max ? outcome::complete : outcome::refused;
    BOOST_TEST((reader.read(text, site::limits{}) == wanted), n);
    if (wanted == outcome::complete)
      BOOST_TEST(reader.skipped() == empty.size());
  }
}

BOOST_AUTO_TEST_CASE(who_speaks_another_protocol_is_told_at_the_first_byte) {
  head_reader tls{side::request};
  BOOST_TEST((tls.read("\x16\x03\x01", site::limits{}) == outcome::refused));
  BOOST_TEST((tls.why().why == refusal::bad_handshake));
  head_reader other{side::request};
  BOOST_TEST((other.read("\r\n\x80", site::limits{}) == outcome::refused));
  BOOST_TEST((other.why().why == refusal::bad_syntax));
}

BOOST_AUTO_TEST_CASE(a_value_that_we_set_cannot_end_its_line) {
  std::string text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  head_reader reader{side::request};
  BOOST_REQUIRE(reader.read(text, site::limits{}) == outcome::complete);
  const traffic::header evil[] = {
    {"Cheops-Scope", "a\r\nX-Evil: b\x7f\xc3\xbc"}};
  auto client = client_of(false);
  request_additions with;
  with.client = &client;
  with.target = "/";
  with.set_for_peer = evil;
  std::string out;
  write_request(out, reader.got(), with);
  BOOST_TEST(out.find("\r\nX-Evil") == out.npos);
  BOOST_TEST(out.find("Cheops-Scope: a  X-Evil: b \xc3\xbc\r\n") != out.npos);
}
