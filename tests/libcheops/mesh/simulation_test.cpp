#define BOOST_TEST_MODULE mesh_simulation
#include "world.hpp"

#include "support/boost_test.hpp"

#include <cstdlib>

using namespace cheops;
using namespace cheops::mesh;
using namespace std::chrono_literals;
using mesh::testing::network;
using mesh::testing::world;

namespace {

/// Of each network. What is not optimised, or sanitized, takes ten times as
/// long.
std::uint64_t seeds() {
  if (std::getenv("CHEOPS_TEST_LONG") != nullptr)
    return 10'000;
#ifdef __OPTIMIZE__
  return 300;
#else
  return 40;
#endif
}

mesh::testing::settings drawn(std::uint64_t seed, network over) {
  mesh::testing::settings x;
  x.seed = seed;
  x.sites = 5 + static_cast<unsigned>(seed % 3);
  x.network = over;
  x.liar = seed % 4 == 0;
  return x;
}

/// A mesh in which all know all, and nothing has happened for a while.
world quiet(std::uint64_t seed, network over = network::stream) {
  auto with = drawn(seed, over);
  with.liar = false;
  world w{with};
  BOOST_TEST_REQUIRE(w.settle(10s), "seed " << seed << ": " << w.differences());
  w.run(5s);
  return w;
}

struct outcome {
  std::size_t forged = 0;
  std::size_t links = 0;
};

/// Disturbs a mesh, heals it, and sees it become one again; sometimes with a
/// site that does not come back.
outcome run_seed(std::uint64_t seed, network over, link::instant patience) {
  auto with = drawn(seed, over);
  world w{with};
  w.disturb(4s + seed % 5 * 1s);
  w.heal();
  auto last = with.sites - 1;
  if (seed % 5 == 0)
    w.kill(last, seed % 2 == 0);
  BOOST_TEST_REQUIRE(w.settle(patience), "seed "
                                           << seed << " with " << with.sites
                                           << " sites: " << w.differences());
  w.run(3s);
  BOOST_TEST_REQUIRE(
    w.differences().empty(),
    "seed " << seed << ", 3 s after it had settled: " << w.differences());
  return {w.forged(), w.links_up()};
}

void run_seeds(network over, link::instant patience) {
  outcome all;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    auto x = run_seed(seed, over, patience);
    all.forged += x.forged;
    all.links += x.links;
  }
  // The faults were there: statements were forged, links had to come again.
  BOOST_TEST(all.forged > seeds() / 2);
  BOOST_TEST(all.links > seeds() * 5 * 4);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_mesh_heals_over_streams_that_were_cut) {
  run_seeds(network::stream, 10s);
}

BOOST_AUTO_TEST_CASE(a_mesh_heals_after_frames_were_lost_and_reordered) {
  run_seeds(network::hostile, 70s);
}

BOOST_AUTO_TEST_CASE(a_silent_cut_is_seen_at_both_ends_within_three_seconds) {
  for (std::uint64_t seed = 1; seed <= seeds() / 4; ++seed) {
    auto w = quiet(seed);
    w.cut(0, 1, 1h);
    w.cut(1, 0, 1h);
    w.run(3s);
    BOOST_TEST_REQUIRE((w.seen(0, 1) == reach::down), "seed " << seed);
    BOOST_TEST_REQUIRE((w.seen(1, 0) == reach::down), "seed " << seed);
    BOOST_TEST_REQUIRE((w.seen(2, 0) == reach::up), "seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(a_link_is_back_within_a_second_and_a_half_of_healing) {
  for (std::uint64_t seed = 1; seed <= seeds() / 4; ++seed) {
    auto w = quiet(seed, network::hostile);
    auto time = 4s + link::instant{seed * 7919 % 1'000'000};
    w.cut(0, 1, time);
    w.cut(1, 0, time);
    w.run(time);
    BOOST_TEST_REQUIRE((w.seen(0, 1) == reach::down), "seed " << seed);
    w.run(1500ms);
    BOOST_TEST_REQUIRE((w.seen(0, 1) == reach::up), "seed " << seed);
    BOOST_TEST_REQUIRE((w.seen(1, 0) == reach::up), "seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(a_quiet_mesh_does_not_gossip) {
  for (std::uint64_t seed = 1; seed <= seeds() / 20; ++seed) {
    auto w = quiet(seed);
    auto before = w.gossip();
    w.run(60s);
    BOOST_TEST_REQUIRE(w.gossip() == before, "seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(a_statement_that_is_never_believed_is_told_ever_less) {
  for (std::uint64_t seed = 1; seed <= seeds() / 20; ++seed) {
    auto with = drawn(seed, network::stream);
    with.liar = false;
    world w{with};
    w.disbelieve(0, 1);
    w.run(30s);
    auto early = w.gossip();
    w.run(300s);
    auto late = w.gossip() - early;
    // Site 0 differs from each other for good. One pair repairs in both
    // directions, each at most once a minute by now; a pause of 32 s may
    // still have to end.
    auto most = (with.sites - 1) * 2 * (300 / 60 + 2);
    BOOST_TEST_REQUIRE(late > 0U, "seed " << seed);
    BOOST_TEST_REQUIRE(late <= most, "seed " << seed << ": " << late
                                             << " messages in 300 s, at most "
                                             << most);
  }
}
