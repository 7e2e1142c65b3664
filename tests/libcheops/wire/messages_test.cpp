#include "cheops/wire/codec.hpp"
#include "cheops/wire/messages.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::wire;

namespace {

std::string text(int max = 20) {
  return *rc::gen::resize(
    max, rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~')));
}

site_id any_site() {
  return site_id{"s" + text()};
}

statement any_statement() {
  statement x;
  x.site = any_site();
  x.incarnation = *rc::gen::arbitrary<std::uint64_t>();
  x.version = *rc::gen::arbitrary<std::uint64_t>();
  x.store = text();
  x.peer_front = {text(), *rc::gen::arbitrary<std::uint16_t>()};
  x.link = {text(), *rc::gen::arbitrary<std::uint16_t>()};
  for (auto n = *rc::gen::inRange(0, 4); n > 0; --n)
    x.services.emplace_back(text());
  for (auto n = *rc::gen::inRange(0, 4); n > 0; --n)
    x.round_trips[any_site()] =
      std::chrono::microseconds{*rc::gen::inRange(0, 1'000'000)};
  return x;
}

hello sample_hello() {
  hello x;
  x.site = site_id{"Paris"};
  x.store = "00ff";
  x.incarnation = 5;
  x.software = "cheops";
  x.window = 512 * 1024;
  return x;
}

envelope sample_envelope() {
  envelope x;
  x.to = {site_id{"Paris"}, "replicant", "r1"};
  x.from_kind = "client";
  x.from_resource = "c1";
  x.id = 9;
  x.payload = "body";
  return x;
}

/// Each byte less of a payload must be an error, never a read beyond it.
template <class Decode>
void cut_everywhere(const std::string& bytes, Decode decode) {
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    // A copy of its own size, so that a sanitizer sees a read beyond it.
    std::string part{bytes.substr(0, n)};
    part.shrink_to_fit();
    BOOST_TEST(!decode(part), n);
  }
  BOOST_TEST(!!decode(bytes));
  BOOST_TEST(!!decode(bytes + "what a later version appends"));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_hello_is_these_bytes) {
  std::string golden{"\x00\x01\x00\x01\x05Paris\x04"
                     "00ff\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\x06"
                     "cheops\0\0\0\0\0\x08\0\0",
                     46};
  BOOST_TEST(encode(sample_hello()) == golden);
  BOOST_TEST((decode_hello(golden).value() == sample_hello()));
}

BOOST_AUTO_TEST_CASE(an_envelope_is_these_bytes) {
  std::string golden{"\0\x05Paris\x09replicant\x02r1\x06"
                     "client\x02"
                     "c1\0\0\0\0\0\0\0\x09\x04"
                     "body",
                     43};
  BOOST_TEST(encode(sample_envelope()) == golden);
}

BOOST_AUTO_TEST_CASE(control_payloads_are_these_bytes) {
  BOOST_TEST(encode(ping{1, 2, 3, 4})
             == (std::string{"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02"
                             "\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04",
                             32}));
  BOOST_TEST(encode(pong{1, 2})
             == (std::string{"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02", 16}));
  BOOST_TEST(encode(credit{5}) == (std::string{"\0\0\0\0\0\0\0\x05", 8}));
  BOOST_TEST(encode(goodbye{farewell::refused, "no"}) == "\x04\x02no");
  BOOST_TEST(encode(std::vector{sealed_statement{"b", {"c", "d"}, "s"}})
             == "\x01\x01"
                "b\x02\x01"
                "c\x01"
                "d\x01"
                "s");
}

BOOST_AUTO_TEST_CASE(a_reason_that_stays_at_home_is_not_read) {
  for (auto how :
       {delivery::unreachable, delivery::full, delivery::too_large}) {
    auto x = sample_envelope();
    x.how = how;
    BOOST_TEST(!decode_envelope(encode(x)));
  }
}

BOOST_AUTO_TEST_CASE(a_statement_is_these_bytes) {
  statement x;
  x.site = site_id{"A"};
  x.incarnation = 1;
  x.version = 2;
  x.store = "s";
  x.peer_front = {"h", 80};
  x.link = {"h", 81};
  x.services = {service_id{"S"}};
  x.round_trips[site_id{"B"}] = std::chrono::microseconds{300};
  std::string golden{"\x01\x01"
                     "A\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\x01s\x01h\x00\x50"
                     "\x01h\x00\x51\x01\x01S\x01\x01"
                     "B\xac\x02",
                     37};
  BOOST_TEST(encode(x) == golden);
}

BOOST_AUTO_TEST_CASE(statements_round_trip) {
  BOOST_TEST(rc::check([] {
    auto x = any_statement();
    RC_ASSERT(decode_statement(encode(x)).value() == x);
  }));
}

BOOST_AUTO_TEST_CASE(gossip_round_trips) {
  BOOST_TEST(rc::check([] {
    std::vector<sealed_statement> all(*rc::gen::inRange<std::size_t>(0, 5));
    for (auto& x : all) {
      x.body = *rc::gen::arbitrary<std::string>();
      x.signature = *rc::gen::arbitrary<std::string>();
      x.chain.assign(*rc::gen::inRange<std::size_t>(0, chain_max + 1),
                     *rc::gen::arbitrary<std::string>());
    }
    RC_ASSERT(decode_gossip(encode(all)).value() == all);
  }));
}

BOOST_AUTO_TEST_CASE(numbers_round_trip_in_one_form) {
  BOOST_TEST(rc::check([](std::uint64_t x) {
    writer w;
    w.varint(x);
    w.u64(x);
    auto bytes = w.take();
    reader r{bytes};
    RC_ASSERT(r.varint() == x);
    RC_ASSERT(r.u64() == x);
    RC_ASSERT(r.ok());
  }));
  for (std::string longer :
       {std::string{"\x80\x00", 2}, std::string(10, '\xff'),
        std::string(11, '\x80')}) {
    reader r{longer};
    (void) r.varint();
    BOOST_TEST(!r.ok());
  }
}

BOOST_AUTO_TEST_CASE(payloads_cut_short_anywhere_are_refused) {
  cut_everywhere(encode(sample_hello()), decode_hello);
  cut_everywhere(encode(sample_envelope()), decode_envelope);
  cut_everywhere(encode(ping{1, 2, 3, 4}), decode_ping);
  cut_everywhere(encode(pong{1, 2}), decode_pong);
  cut_everywhere(encode(credit{1}), decode_credit);
  cut_everywhere(encode(goodbye{farewell::stopping, "bye"}), decode_goodbye);
  cut_everywhere(encode(std::vector{sealed_statement{"b", {"c"}, "s"}}),
                 decode_gossip);
  statement x;
  x.site = site_id{"A"};
  x.services = {service_id{"S"}};
  x.round_trips[site_id{"B"}] = std::chrono::microseconds{300};
  cut_everywhere(encode(x), decode_statement);
}

BOOST_AUTO_TEST_CASE(counts_and_lengths_beyond_the_bounds_are_refused) {
  writer w;
  w.varint(statements_max + 1);
  w.raw(std::string(4096, '\0'));
  BOOST_TEST(!decode_gossip(w.take()));
  auto x = sample_hello();
  x.site = site_id{std::string(name_bytes_max + 1, 'x')};
  BOOST_TEST(!decode_hello(encode(x)));
  x.site = site_id{"two\nlines"};
  BOOST_TEST(!decode_hello(encode(x)));
  x.site = site_id{};
  BOOST_TEST(!decode_hello(encode(x)));
}

BOOST_AUTO_TEST_CASE(releases_speak_the_highest_version_that_both_know) {
  auto older = sample_hello(), newer = sample_hello(), far = sample_hello();
  older.version_min = 1, older.version_max = 2;
  newer.version_min = 2, newer.version_max = 3;
  far.version_min = far.version_max = 4;
  BOOST_TEST(agree(older, newer).value() == 2);
  BOOST_TEST(agree(newer, older).value() == 2);
  BOOST_TEST(agree(newer, newer).value() == 3);
  BOOST_TEST(!agree(older, far));
}
