#define BOOST_TEST_MODULE wire
#include "cheops/wire/frame.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::wire;

namespace {

frame any_frame() {
  frame x;
  x.kind = static_cast<kind>(*rc::gen::inRange(1, 250));
  x.flags = *rc::gen::arbitrary<std::uint16_t>();
  x.chunk = *rc::gen::arbitrary<std::uint16_t>();
  x.message = *rc::gen::arbitrary<std::uint32_t>();
  x.payload = *rc::gen::arbitrary<std::string>();
  return x;
}

/// Everything that a cutter makes of bytes that come in pieces.
std::vector<frame> cut(std::string_view bytes, std::size_t piece) {
  cutter c{1 << 20};
  std::vector<frame> out;
  while (!bytes.empty()) {
    c.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (auto x = c.next().value())
      out.push_back(std::move(*x));
  }
  return out;
}

frame chunk(std::uint32_t message, std::uint16_t n, bool more,
            std::string payload) {
  frame x;
  x.kind = kind::envelope;
  x.flags = more ? flag_more : 0;
  x.chunk = n;
  x.message = message;
  x.payload = std::move(payload);
  return x;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_header_is_these_bytes) {
  frame x{kind::ping, flag_optional, 3, 0x01020304, "hi"};
  std::string golden{"\xc4\xe0\x01\x02\x00\x02\x00\x03\x01\x02\x03\x04"
                     "\x00\x00\x00\x02hi",
                     18};
  BOOST_TEST(encode(x) == golden);
}

BOOST_AUTO_TEST_CASE(frames_come_back_however_the_stream_is_cut) {
  BOOST_TEST(rc::check([] {
    auto n = *rc::gen::inRange(0, 5);
    std::vector<frame> all;
    std::string bytes;
    for (int i = 0; i < n; ++i) {
      all.push_back(any_frame());
      bytes += encode(all.back());
    }
    auto piece = *rc::gen::inRange<std::size_t>(1, 40);
    RC_ASSERT(cut(bytes, piece) == all);
  }));
}

BOOST_AUTO_TEST_CASE(a_frame_cut_short_anywhere_is_not_a_frame) {
  auto bytes = encode(chunk(7, 0, false, "payload"));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    cutter c{100};
    c.feed(std::string_view{bytes}.substr(0, n));
    BOOST_TEST(!c.next().value());
  }
}

BOOST_AUTO_TEST_CASE(a_length_over_the_limit_is_refused_by_the_header_alone) {
  auto bytes = encode(chunk(7, 0, false, ""));
  bytes.replace(12, 4, "\xff\xff\xff\xff");
  cutter c{1 << 20};
  c.feed(bytes);
  auto x = c.next();
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(what_is_not_a_frame_is_refused_at_its_first_bytes) {
  for (std::string text : {"G", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01"}) {
    cutter c{100};
    c.feed(text);
    BOOST_TEST(!c.next(), text);
  }
}

BOOST_AUTO_TEST_CASE(chunks_make_the_message) {
  assembler a{100};
  BOOST_TEST(!a.add(chunk(1, 0, true, "ab")).value());
  BOOST_TEST(!a.add(chunk(1, 1, true, "cd")).value());
  auto x = a.add(chunk(1, 2, false, "e")).value();
  BOOST_REQUIRE(x);
  BOOST_TEST(x->payload == "abcde");
}

BOOST_AUTO_TEST_CASE(a_lost_chunk_loses_its_message_and_no_other) {
  assembler a{100};
  BOOST_TEST(!a.add(chunk(1, 0, true, "ab")).value());
  BOOST_TEST(!a.add(chunk(1, 2, false, "e")).value());
  BOOST_TEST(!a.add(chunk(2, 1, false, "e")).value());
  auto x = a.add(chunk(3, 0, false, "whole")).value();
  BOOST_REQUIRE(x);
  BOOST_TEST(x->payload == "whole");
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_is_refused) {
  assembler a{5};
  BOOST_TEST(!a.add(chunk(1, 0, true, "abc")).value());
  BOOST_TEST(!a.add(chunk(1, 1, true, "def")));
}
