#define BOOST_TEST_MODULE raft
#include "cluster.hpp"

#include "cheops/raft/quorum.hpp"
#include "support/boost_test.hpp"

#include <cstdlib>

using namespace cheops;
using namespace cheops::raft;
using cheops::raft::testing::cluster;

namespace {

member_id m(int i) {
  return {site_id{"S" + std::to_string(i)}, "store"};
}

configuration voters_of(int n) {
  configuration out;
  for (int i = 1; i <= n; ++i)
    out.push_back({m(i), member_role::voter});
  return out;
}

configuration two_and_a_witness() {
  return {{m(1), member_role::voter},
          {m(2), member_role::voter},
          {m(3), member_role::witness}};
}

std::uint64_t seeds() {
  return std::getenv("CHEOPS_TEST_LONG") != nullptr ? 20'000 : 100;
}

void run_seed(std::uint64_t seed, const configuration& members) {
  cluster c{seed, members};
  for (int i = 0; i < 3000; ++i)
    c.disturb();
  c.heal(400);
  for (const auto& id : c.ids()) {
    const auto& x = c.of(id);
    if (find(members, id)->role == member_role::witness)
      continue;
    BOOST_TEST_REQUIRE(c.done(id) == c.done(m(1)),
                       "seed " << seed << ": " << id.site.value
                               << " differs from S1 after healing");
    BOOST_TEST_REQUIRE(x.requests.empty(), "seed " << seed);
    BOOST_TEST_REQUIRE(x.applied == x.log.last_index(),
                       "seed " << seed << ": " << id.site.value
                               << " has applied " << x.applied << " of "
                               << x.log.last_index());
  }
  BOOST_TEST_REQUIRE(!c.anybody_awake(), "seed " << seed);
}

} // namespace

BOOST_AUTO_TEST_CASE(three_members_keep_the_papers_properties) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed)
    run_seed(seed, voters_of(3));
}

BOOST_AUTO_TEST_CASE(five_members_keep_the_papers_properties) {
  for (std::uint64_t seed = 1; seed <= seeds() / 2; ++seed)
    run_seed(seed, voters_of(5));
}

BOOST_AUTO_TEST_CASE(two_members_and_a_witness_keep_the_papers_properties) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed)
    run_seed(seed, two_and_a_witness());
}

BOOST_AUTO_TEST_CASE(a_group_of_one_decides_alone) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    run_seed(seed, voters_of(1));
}
