#include "two_ends.hpp"

#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::mesh;
using namespace cheops::mesh::testing;

namespace {

constexpr std::size_t window = 128 * 1024;

link::settings narrow(const std::string& site) {
  auto x = with_name(site);
  x.message_bytes = window / 2;
  x.input_bytes = window;
  return x;
}

/// A sends to B, which keeps what it gets.
struct flow : two_ends {
  flow() : two_ends(with_name("A"), narrow("B")) { come_up(); }

  void post(std::size_t bytes) {
    a.give(link::posted{wire::kind::envelope, message_of(bytes)}, now);
  }

  /// What A has written goes to B, and B's answers back.
  void pass_bytes() {
    while (!a.out.empty() || !b.out.empty()) {
      a_to_b();
      for (auto& e : all_of<link::arrived>(b.last))
        kept.push_back(std::move(e));
      b_to_a();
      a.give(link::drained{0}, now);
      b.give(link::drained{0}, now);
    }
  }

  void consume(std::size_t n) {
    for (; n > 0 && !kept.empty(); --n) {
      b.give(link::consumed{kept.front().cost}, now);
      kept.erase(kept.begin());
    }
  }

  std::vector<link::arrived> kept;
};

} // namespace

BOOST_AUTO_TEST_SUITE(credit)

BOOST_AUTO_TEST_CASE(a_peer_that_does_nothing_with_it_gets_no_more) {
  flow x;
  for (int i = 0; i < 100; ++i)
    x.post(10'000);
  x.pass_bytes();
  std::size_t kept = 0;
  for (const auto& e : x.kept)
    kept += e.envelope.payload.size();
  BOOST_TEST(kept <= window);
  BOOST_TEST(kept > window / 2);
  BOOST_TEST(x.a.rules.stats.stalls == 1U);
  BOOST_TEST(x.b.rules.stats.held_bytes <= window);
  // Heartbeats pass, also for longer than any silence may last.
  for (int i = 0; i < 20; ++i) {
    x.pass(500ms);
    x.pass_bytes();
  }
  BOOST_TEST((x.a.rules.phase == phase::up));
  BOOST_TEST((x.b.rules.phase == phase::up));
}

BOOST_AUTO_TEST_CASE(what_was_done_with_makes_room_for_the_rest) {
  flow x;
  for (int i = 0; i < 100; ++i)
    x.post(10'000);
  x.pass_bytes();
  std::size_t got = 0;
  while (!x.kept.empty()) {
    got += x.kept.size();
    x.consume(x.kept.size());
    x.pass_bytes();
  }
  BOOST_TEST(got == 100U);
  BOOST_TEST(x.b.rules.stats.held_bytes == 0U);
  BOOST_TEST(x.a.rules.queued == 0U);
}

BOOST_AUTO_TEST_CASE(small_messages_count_for_the_memory_that_they_take) {
  flow x;
  for (int i = 0; i < 10'000; ++i)
    x.post(1);
  x.pass_bytes();
  BOOST_TEST(x.kept.size() <= window / wire::frame_cost);
}

BOOST_AUTO_TEST_CASE(a_message_as_long_as_may_be_passes_a_window_in_use) {
  flow x;
  x.post(window / 2 - 100);
  x.post(window / 2 - 100);
  x.post(window / 2 - 100);
  x.pass_bytes();
  BOOST_REQUIRE(x.kept.size() == 1U); // The next is there in part.
  x.consume(1);
  x.pass_bytes();
  BOOST_TEST(x.kept.size() == 1U);
  x.consume(1);
  x.pass_bytes();
  BOOST_TEST(x.kept.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_peer_that_sends_without_credit_is_hung_up_on) {
  flow x;
  std::string flood;
  for (int i = 0; i < 200; ++i)
    flood += frame_of(wire::kind::envelope, message_of(1000));
  x.b.give(link::received{flood}, x.now);
  BOOST_TEST(x.b.closed()
             == "it sent more than it was granted (limits.link_input_bytes)");
  BOOST_TEST(x.b.rules.taken <= window + 1000 + 2 * wire::frame_cost);
}

BOOST_AUTO_TEST_CASE(a_grant_that_was_lost_is_said_again_with_a_ping) {
  flow x;
  for (int i = 0; i < 100; ++i)
    x.post(10'000);
  x.pass_bytes();
  fault deaf;
  deaf.cut = true;
  peer_faults f;
  f.in = deaf;
  x.a.give(link::faulted{f}, x.now);
  x.consume(x.kept.size());
  x.pass_bytes();
  BOOST_TEST(x.kept.empty());
  x.a.give(link::faulted{}, x.now);
  x.pass(500ms);
  x.pass_bytes();
  BOOST_TEST(!x.kept.empty());
}

BOOST_AUTO_TEST_CASE(frames_that_a_fault_drops_cost_nothing) {
  for (auto at_the_sender : {true, false}) {
    flow x;
    fault lossy;
    lossy.loss = 0.5;
    peer_faults f;
    (at_the_sender ? f.out : f.in) = lossy;
    (at_the_sender ? x.a : x.b).give(link::faulted{f}, x.now);
    for (int i = 0; i < 1000; ++i) {
      x.post(40'000); // In two chunks.
      x.pass_bytes();
      x.consume(x.kept.size());
    }
    x.a.give(link::faulted{}, x.now);
    x.b.give(link::faulted{}, x.now);
    x.post(1); // The part of a message that lies there is dropped with it.
    x.pass(500ms);
    x.pass_bytes();
    x.consume(x.kept.size());
    BOOST_TEST(x.a.rules.sent == x.b.rules.taken);
    BOOST_TEST(x.b.rules.taken == x.b.rules.consumed);
  }
}

BOOST_AUTO_TEST_CASE(a_window_that_shrinks_takes_back_nothing) {
  flow x;
  auto smaller = narrow("B");
  smaller.message_bytes = window / 8;
  smaller.input_bytes = window / 4;
  x.b.give(link::retuned{smaller}, x.now);
  for (int i = 0; i < 100; ++i)
    x.post(10'000);
  x.pass_bytes();
  BOOST_TEST((x.b.rules.phase == phase::up));
  BOOST_TEST(x.b.rules.stats.held_bytes > window / 2);
  std::size_t got = 0;
  while (!x.kept.empty()) {
    got += x.kept.size();
    x.consume(x.kept.size());
    x.pass_bytes();
    BOOST_TEST(x.b.rules.stats.held_bytes <= window / 2);
  }
  BOOST_TEST(got == 100U);
}

BOOST_AUTO_TEST_CASE(new_times_count_for_a_link_that_is_up) {
  two_ends x;
  x.come_up();
  auto patient = with_name("A");
  patient.silence = 10s;
  x.a.give(link::retuned{patient}, x.now);
  x.pass(3s);
  BOOST_TEST((x.a.rules.phase == phase::up));
  BOOST_TEST((x.b.rules.phase == phase::closed));
  BOOST_TEST(x.a.rules.with.hello.window > 0U); // What it said it keeps.
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(what_is_told)

BOOST_AUTO_TEST_CASE(a_digest_is_compared_while_it_differs) {
  two_ends x;
  x.come_up();
  auto told = [&] {
    x.pass(500ms);
    x.a_to_b();
    auto out = all_of<link::compared>(x.b.last).size();
    x.b_to_a();
    return out;
  };
  BOOST_TEST(told() == 0U);
  x.a.give(link::digested{42}, x.now);
  BOOST_TEST(told() == 1U);
  BOOST_TEST(told() == 1U);
  x.b.give(link::digested{42}, x.now);
  BOOST_TEST(told() == 1U); // That it no longer does.
  BOOST_TEST(told() == 0U);
}

BOOST_AUTO_TEST_CASE(a_flood_of_pings_is_not_passed_on) {
  two_ends x;
  x.come_up();
  std::string flood;
  for (std::uint64_t i = 0; i < 1000; ++i)
    flood += frame_of(wire::kind::ping, wire::encode(wire::ping{i, 0, i % 7}));
  x.b.give(link::received{flood}, x.now);
  BOOST_TEST(all_of<link::compared>(x.b.last).size() <= 1U);
}

BOOST_AUTO_TEST_CASE(a_round_trip_is_told_when_it_changed_and_now_and_then) {
  two_ends x;
  x.come_up();
  std::size_t told = 0;
  auto heartbeat = [&](instant trip) {
    x.pass(500ms);
    x.a_to_b();
    x.now += trip;
    x.b_to_a();
    for (const auto& m : all_of<link::measured>(x.a.last)) {
      ++told;
      BOOST_TEST((m.round_trip <= trip));
    }
  };
  for (int i = 0; i < 3; ++i)
    heartbeat(10ms);
  BOOST_TEST(told >= 1U);
  told = 0;
  for (int i = 0; i < 32; ++i)
    heartbeat(i % 2 == 0 ? 10ms : 10500us);
  BOOST_TEST(told <= 7U); // Two that followed the first, then each eighth.
  BOOST_TEST(told >= 3U);
  told = 0;
  for (int i = 0; i < 3; ++i)
    heartbeat(12ms);
  BOOST_TEST(told >= 1U);
}

BOOST_AUTO_TEST_SUITE_END()
