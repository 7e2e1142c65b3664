#define BOOST_TEST_MODULE demo_http1
#include "support/boost_test.hpp"
#include "tools/demo_app/http1.hpp"

using namespace demo;

BOOST_AUTO_TEST_CASE(a_head_is_taken_apart) {
  auto x = parse_head("POST /bars?name=b%202&x HTTP/1.1\r\nHost: h\r\n"
                      "Content-Length: 12\r\n traceparent: \r\n\r\n");
  BOOST_TEST(!x.has_value()); // A name cannot begin with a blank.
  x = parse_head("POST /bars?name=b%202&x HTTP/1.1\r\nHost: h\r\n"
                 "Content-Length:12\r\ntraceparent: 00-ab \r\n\r\n");
  BOOST_TEST_REQUIRE(x.has_value());
  BOOST_TEST(x->what.method == "POST");
  BOOST_TEST(x->what.path == "/bars");
  BOOST_TEST(x->what.query.at("name") == "b 2");
  BOOST_TEST(x->what.query.at("x").empty());
  BOOST_TEST(x->what.get("TraceParent") == "00-ab");
  BOOST_TEST(x->how.length == 12U);
  BOOST_TEST(x->how.keep_alive);
}

BOOST_AUTO_TEST_CASE(what_breaks_the_rules_is_no_head) {
  for (const auto* text :
       {"GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET x HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "G T / HTTP/1.1 \r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET /%zz HTTP/1.1\r\n\r\n"})
    BOOST_TEST(!parse_head(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(connections_stay_as_their_version_and_header_say) {
  auto stays = [](const std::string& head) {
    return parse_head(head + "\r\n")->how.keep_alive;
  };
  BOOST_TEST(stays("GET / HTTP/1.1\r\n"));
  BOOST_TEST(!stays("GET / HTTP/1.1\r\nConnection: close\r\n"));
  BOOST_TEST(!stays("GET / HTTP/1.0\r\n"));
  BOOST_TEST(stays("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n"));
}

BOOST_AUTO_TEST_CASE(chunk_sizes_are_hexadecimal) {
  BOOST_TEST(parse_chunk_size("1aF").value() == 0x1afU);
  BOOST_TEST(parse_chunk_size("0;ext=1").value() == 0U);
  BOOST_TEST(!parse_chunk_size("").has_value());
  BOOST_TEST(!parse_chunk_size("-1").has_value());
  BOOST_TEST(!parse_chunk_size("11111111111111111").has_value());
}

BOOST_AUTO_TEST_CASE(a_parameter_matches_one_segment) {
  std::map<std::string, std::string> found;
  BOOST_TEST(match("/foos/{id}", "/foos/x1", found));
  BOOST_TEST(found.at("id") == "x1");
  BOOST_TEST(match("/foos", "/foos", found));
  BOOST_TEST(!match("/foos/{id}", "/foos", found));
  BOOST_TEST(!match("/foos/{id}", "/foos/", found));
  BOOST_TEST(!match("/foos", "/foos/x1", found));
  BOOST_TEST(!match("/foos/{id}", "/foos/x1/y", found));
}

BOOST_AUTO_TEST_CASE(an_answer_says_how_long_its_body_is) {
  response x;
  x.body = "abc";
  BOOST_TEST(render_head(x, true)
             == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                "Content-Length: 3\r\n\r\n");
  x.source = [](char*, std::size_t) { return std::size_t{0}; };
  BOOST_TEST(render_head(x, false).find("chunked") != std::string::npos);
  x.status = 204;
  x.type.clear();
  x.source = nullptr;
  BOOST_TEST(render_head(x, true) == "HTTP/1.1 204 No Content\r\n\r\n");
}
