#include "two_ends.hpp"

#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::mesh;
using namespace std::chrono_literals;
using link::instant;
using link::phase;
using namespace cheops::mesh::testing;

namespace {

peer_faults faults(fault in, fault out) {
  peer_faults x;
  x.in = in;
  x.out = out;
  return x;
}

} // namespace

BOOST_AUTO_TEST_SUITE(the_rules_of_a_link)

BOOST_AUTO_TEST_CASE(the_acceptors_hello_is_its_consent) {
  two_ends x;
  x.secure();
  BOOST_TEST(all_of<link::ready>(x.a.last).empty() == false);
  BOOST_TEST(x.a.out.empty()); // Not before it is permitted.
  x.a.give(link::permitted{}, x.now);
  x.a_to_b();
  BOOST_TEST(all_of<link::greeted>(x.b.last).size() == 1U);
  BOOST_TEST(x.b.out.empty()); // Nor here.
  BOOST_TEST((x.b.rules.phase == phase::judging));
  x.b.give(link::permitted{}, x.now);
  BOOST_TEST((x.b.rules.phase == phase::confirming));
  x.b_to_a();
  BOOST_TEST(all_of<link::went_up>(x.a.last).size() == 1U);
  BOOST_TEST((x.b.rules.phase == phase::confirming));
  x.a_to_b();
  BOOST_TEST(all_of<link::went_up>(x.b.last).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_certificate_for_another_site_ends_a_dial) {
  two_ends x;
  x.a.give(link::secured{site_id{"C"}}, x.now);
  BOOST_TEST(x.a.closed() == "the certificate is for site C, not for B");
}

BOOST_AUTO_TEST_CASE(a_hello_that_differs_from_the_certificate_is_refused) {
  two_ends x{with_name("C"), with_name("B")};
  x.secure(); // The certificate says A.
  x.a.give(link::permitted{}, x.now);
  x.a_to_b();
  BOOST_TEST(x.b.closed() == "the hello says site C, the certificate says A");
  x.b_to_a();
  auto end = all_of<link::close>(x.a.last);
  BOOST_REQUIRE(end.size() == 1U);
  BOOST_TEST((end.front().said == wire::farewell::refused));
}

BOOST_AUTO_TEST_CASE(without_tls_the_hello_must_say_who_was_dialled) {
  two_ends x{with_name("A"), with_name("C")};
  x.a.give(link::secured{}, x.now);
  x.b.give(link::secured{}, x.now);
  x.a.give(link::permitted{}, x.now);
  x.a_to_b();
  x.b.give(link::permitted{}, x.now);
  x.b_to_a();
  BOOST_TEST(x.a.closed() == "site C answers where B was expected");
}

BOOST_AUTO_TEST_CASE(two_versions_that_share_none_part) {
  auto old = with_name("B");
  auto later = with_name("A");
  later.hello.version_min = later.hello.version_max = 2;
  two_ends x{later, old};
  x.secure();
  x.a.give(link::permitted{}, x.now);
  x.a_to_b();
  BOOST_TEST(x.b.closed().find("no common protocol version")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_second_hello_is_a_violation) {
  two_ends x;
  x.come_up();
  x.b.give(link::received{frame_of(wire::kind::hello,
                                   wire::encode(with_name("A").hello))},
           x.now);
  BOOST_TEST(x.b.closed() == "a hello at the wrong time");
}

BOOST_AUTO_TEST_CASE(nothing_but_a_hello_comes_first) {
  two_ends x;
  x.secure();
  x.b.give(
    link::received{frame_of(wire::kind::ping, wire::encode(wire::ping{}))},
    x.now);
  BOOST_TEST(x.b.closed() == "a frame before the hello");
}

BOOST_AUTO_TEST_CASE(before_it_is_admitted_only_small_frames_are_read) {
  two_ends x;
  x.secure();
  x.b.give(link::received{frame_of(wire::kind::envelope,
                                   std::string(wire::small_frame_bytes + 1, 0))
                            .substr(0, wire::header_bytes)},
           x.now);
  BOOST_TEST(x.b.closed().find("over the limit") != std::string::npos);
}

// The first heartbeat may have been lost: what comes after it may be long.
BOOST_AUTO_TEST_CASE(who_was_admitted_may_send_long_frames_at_once) {
  two_ends x;
  x.secure();
  x.a.give(link::permitted{}, x.now);
  x.a_to_b();
  x.b.give(link::permitted{}, x.now);
  x.b.give(link::retuned{with_name("B")}, x.now);
  x.b_to_a();
  x.a.out.clear();
  x.a.give(link::posted{wire::kind::envelope, message_of(20'000)}, x.now);
  x.a_to_b();
  BOOST_TEST(x.b.closed().empty());
  BOOST_TEST((x.b.rules.phase == phase::up));
  BOOST_TEST(all_of<link::arrived>(x.b.last).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_control_frame_stays_small) {
  two_ends x;
  x.come_up();
  x.b.give(link::received{frame_of(
             wire::kind::ping, std::string(wire::small_frame_bytes + 1, 0))},
           x.now);
  BOOST_TEST(x.b.closed() == "an oversized control frame");
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_is_skipped_only_where_it_says_so) {
  auto unknown = static_cast<wire::kind>(77);
  two_ends x;
  x.come_up();
  x.b.give(link::received{frame_of(unknown, "?", wire::flag_optional)}, x.now);
  BOOST_TEST((x.b.rules.phase == phase::up));
  x.b.give(link::received{frame_of(unknown, "?")}, x.now);
  BOOST_TEST(x.b.closed() == "a frame of the unknown kind 77");
}

BOOST_AUTO_TEST_CASE(heartbeats_keep_a_link_up) {
  two_ends x;
  x.come_up();
  for (int i = 0; i < 100; ++i) {
    x.pass(500ms);
    x.exchange_all();
  }
  BOOST_TEST((x.a.rules.phase == phase::up));
  BOOST_TEST((x.b.rules.phase == phase::up));
}

BOOST_AUTO_TEST_CASE(silence_ends_a_link) {
  two_ends x;
  x.come_up();
  for (int i = 0; i < 3; ++i) {
    x.pass(500ms);
    BOOST_TEST(x.a.closed().empty());
  }
  x.pass(500ms);
  BOOST_TEST(x.a.closed() == "nothing was heard for 2000 ms");
  BOOST_TEST((frames_in(x.a.out).back().kind == wire::kind::goodbye));
}

BOOST_AUTO_TEST_CASE(a_part_of_a_frame_is_a_sign_of_life) {
  two_ends x;
  x.come_up();
  auto big = frame_of(wire::kind::envelope, message_of(30'000));
  for (int i = 0; i < 10; ++i) {
    x.b.give(link::received{big.substr(i * 100, 100)}, x.now);
    x.pass(500ms);
  }
  BOOST_TEST((x.b.rules.phase == phase::up));
}

BOOST_AUTO_TEST_CASE(a_dial_that_is_not_answered_ends) {
  two_ends x;
  x.pass(500ms);
  BOOST_TEST(x.a.closed().empty());
  x.pass(500ms);
  BOOST_TEST(x.a.closed() == "no answer within 1000 ms");
  BOOST_TEST(x.a.out.empty());
}

BOOST_AUTO_TEST_CASE(who_connects_and_says_nothing_is_hung_up_on) {
  two_ends x;
  x.secure();
  x.pass(2500ms);
  BOOST_TEST(x.b.closed().empty());
  x.pass(500ms);
  BOOST_TEST(x.b.closed() == "no hello in time");
}

BOOST_AUTO_TEST_CASE(a_round_trip_is_the_least_of_three) {
  link::round_trip_filter f;
  BOOST_TEST(!f.value());
  f.add(0us);
  BOOST_TEST((*f.value() == 1us)); // Zero would mean the site itself.
  f.add(9ms);
  f.add(5ms);
  BOOST_TEST((*f.value() == 1us));
  f.add(7ms);
  BOOST_TEST((*f.value() == 5ms));
}

BOOST_AUTO_TEST_CASE(an_echo_of_what_was_never_sent_counts_for_nothing) {
  two_ends x;
  x.come_up();
  x.pass(500ms);
  auto sent = x.a.rules.pings.back();
  for (auto echo : {wire::pong{sent.sequence, sent.sent_us + 1},
                    wire::pong{sent.sequence + 1, sent.sent_us}}) {
    x.a.give(link::received{frame_of(wire::kind::pong, wire::encode(echo))},
             x.now);
    BOOST_TEST(x.a.rules.pings.back().sequence == sent.sequence);
  }
  x.now += 3ms;
  auto good = frame_of(wire::kind::pong,
                       wire::encode(wire::pong{sent.sequence, sent.sent_us}));
  x.a.give(link::received{good}, x.now);
  BOOST_TEST(x.a.rules.pings.empty());
  auto before = *x.a.rules.round_trip.value();
  x.a.give(link::received{good}, x.now); // Once.
  BOOST_TEST((*x.a.rules.round_trip.value() == before));
}

BOOST_AUTO_TEST_CASE(heartbeats_pass_between_the_chunks_of_a_message) {
  two_ends x;
  x.come_up();
  auto payload = message_of(3 << 20);
  x.a.give(link::posted{wire::kind::envelope, payload}, x.now);
  auto first = x.a.out.size();
  BOOST_TEST(first >= link::write_window);
  BOOST_TEST(first < link::write_window + 2 * link::chunk_bytes);
  x.pass(500ms);
  auto frames = frames_in(x.a.out);
  BOOST_TEST((frames.back().kind == wire::kind::ping));
  for (const auto& f : frames)
    BOOST_TEST(f.payload.size() <= link::chunk_bytes);
  std::vector<link::arrived> got;
  while (got.empty()) {
    BOOST_REQUIRE(!x.a.out.empty());
    x.a_to_b();
    got = all_of<link::arrived>(x.b.last);
    x.a.give(link::drained{0}, x.now);
  }
  BOOST_TEST((wire::encode(got.front().envelope) == payload));
}

BOOST_AUTO_TEST_CASE(what_waits_for_a_peer_is_bounded) {
  two_ends x;
  BOOST_TEST((link::room_for(x.a.rules, 1) == link::room::not_up));
  x.come_up();
  const auto& with = x.a.rules.with;
  BOOST_TEST((link::room_for(x.a.rules, with.message_bytes + 1)
              == link::room::too_large));
  auto message = message_of(1 << 20);
  while (link::room_for(x.a.rules, message.size()) == link::room::yes)
    x.a.give(link::posted{wire::kind::envelope, message}, x.now);
  BOOST_TEST((link::room_for(x.a.rules, message.size()) == link::room::full));
  BOOST_TEST(x.a.rules.queued + x.a.rules.in_flight <= with.output_bytes);
  BOOST_TEST(x.a.rules.queued + x.a.rules.in_flight + message.size()
             > with.output_bytes - link::chunk_bytes);
  x.exchange_all();
  while (x.a.rules.queued + x.a.rules.in_flight > 0)
    x.exchange_all();
  BOOST_TEST((link::room_for(x.a.rules, message.size()) == link::room::yes));
}

BOOST_AUTO_TEST_CASE(answers_to_a_peer_that_does_not_read_are_bounded) {
  two_ends x;
  x.come_up();
  auto pings = std::string{};
  for (int i = 0; i < 1000; ++i)
    pings += frame_of(wire::kind::ping, wire::encode(wire::ping{}));
  for (int i = 0; i < 500; ++i) // The socket takes nothing of it.
    x.b.give(link::received{pings}, x.now);
  BOOST_TEST((x.b.rules.phase == phase::up));
  BOOST_TEST(x.b.rules.in_flight <= 2 * link::write_window + 100);
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_is_a_violation) {
  auto small = with_name("B");
  small.message_bytes = 64 * 1024;
  two_ends x{with_name("A"), small};
  x.come_up();
  x.a.give(link::posted{wire::kind::envelope, message_of(100'000)}, x.now);
  x.a_to_b();
  BOOST_TEST(x.b.closed().find("a message of") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_injected_cut_is_silent_on_both_sides) {
  two_ends x;
  x.come_up();
  fault cut;
  cut.cut = true;
  x.a.give(link::faulted{faults(cut, cut)}, x.now);
  for (int i = 0; i < 4; ++i) {
    x.pass(500ms);
    x.exchange_all();
  }
  BOOST_TEST((x.a.rules.phase == phase::closed));
  BOOST_TEST((x.b.rules.phase == phase::closed));
  BOOST_TEST(x.a.rules.stats.frames_received > 0U);
}

BOOST_AUTO_TEST_CASE(an_injected_delay_keeps_the_order) {
  two_ends x;
  x.come_up();
  fault slow;
  slow.delay = 100ms;
  x.a.give(link::faulted{faults({}, slow)}, x.now);
  x.a.give(link::posted{wire::kind::envelope, message_of(1)}, x.now);
  auto due = all_of<link::wake>(x.a.last);
  BOOST_REQUIRE(due.size() == 1U);
  BOOST_TEST((due.front().at == x.now + 100ms));
  // Less delay from now on must not let the second overtake the first.
  x.a.give(link::faulted{}, x.now);
  x.a.give(link::posted{wire::kind::envelope, message_of(2)}, x.now);
  BOOST_TEST(x.a.out.empty());
  x.now += 100ms;
  x.a.give(link::ticked{}, x.now);
  x.a_to_b();
  auto got = all_of<link::arrived>(x.b.last);
  BOOST_REQUIRE(got.size() == 2U);
  BOOST_TEST(got[0].envelope.payload.size() == 1U);
  BOOST_TEST(got[1].envelope.payload.size() == 2U);
}

BOOST_AUTO_TEST_CASE(injected_loss_drops_whole_messages_only) {
  two_ends x;
  x.come_up();
  fault lossy;
  lossy.loss = 0.3;
  x.b.give(link::faulted{faults(lossy, {})}, x.now);
  std::size_t whole = 0;
  for (int i = 0; i < 200; ++i) {
    x.a.give(link::posted{wire::kind::envelope, message_of(40'000)}, x.now);
    x.a_to_b();
    for (const auto& e : all_of<link::arrived>(x.b.last)) {
      BOOST_TEST_REQUIRE(e.envelope.payload.size() == 40'000U);
      ++whole;
    }
    x.a.give(link::drained{0}, x.now);
  }
  // Of two chunks each: about half of them.
  BOOST_TEST(whole > 60U);
  BOOST_TEST(whole < 140U);
  BOOST_TEST((x.b.rules.phase == phase::up));
}

BOOST_AUTO_TEST_CASE(who_ends_a_link_says_why) {
  two_ends x;
  x.come_up();
  x.a.give(link::ended{wire::farewell::stopping, "the site is stopping"},
           x.now);
  x.a_to_b();
  auto end = all_of<link::close>(x.b.last);
  BOOST_REQUIRE(end.size() == 1U);
  BOOST_TEST((end.front().said == wire::farewell::stopping));
  BOOST_TEST(end.front().why == "said goodbye: the site is stopping");
}

BOOST_AUTO_TEST_CASE(after_the_end_nothing_has_effect) {
  two_ends x;
  x.come_up();
  x.a.give(link::ended{}, x.now);
  x.a.give(link::ticked{}, x.now + 10s);
  BOOST_TEST(x.a.last.empty());
  x.a.give(link::received{"garbage"}, x.now);
  BOOST_TEST(x.a.last.empty());
}

BOOST_AUTO_TEST_CASE(each_ping_carries_the_digest) {
  two_ends x;
  x.come_up();
  x.a.give(link::digested{42}, x.now);
  x.pass(500ms);
  x.a_to_b();
  auto said = all_of<link::compared>(x.b.last);
  BOOST_REQUIRE(!said.empty());
  BOOST_TEST(said.back().digest == 42U);
}

BOOST_AUTO_TEST_SUITE_END()
