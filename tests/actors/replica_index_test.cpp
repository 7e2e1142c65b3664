#include "actors/create_board.hpp"
#include "actors/replica_index.hpp"
#include "cheops/replicant/storage.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::actors;
using replicant::site_state;

namespace {

const replicant::natural_key lamp{service_id{"B"}, "bar", {"lamp"}};

std::string key_of(std::string_view id) {
  return replicant::key_of_local(service_id{"B"}, "bar", id);
}

} // namespace

BOOST_AUTO_TEST_SUITE(replica_indexes)

BOOST_AUTO_TEST_CASE(a_copy_is_found_by_its_local_id) {
  replica_index index;
  BOOST_TEST(!index.find(service_id{"B"}, "bar", "7"));
  auto meta = replicant::random_meta(1, 2);
  index.put(key_of("7"), {meta, 3, site_state::ok});
  index.put(key_of("7"), {meta, 4, site_state::diverged});
  BOOST_TEST(index.size() == 1U);
  auto x = index.find(service_id{"B"}, "bar", "7");
  BOOST_REQUIRE(x);
  BOOST_TEST(x->done == 4U);
  BOOST_TEST(!index.find(service_id{"B"}, "foo", "7"));
  index.erase(key_of("7"), replicant::random_meta(3, 4)); // Another's.
  BOOST_TEST(index.size() == 1U);
  index.erase(key_of("7"), meta);
  BOOST_TEST(index.size() == 0U);
  BOOST_TEST(!index.find(service_id{"B"}, "bar", "7"));
}

BOOST_AUTO_TEST_CASE(what_is_named_is_found_by_its_name) {
  replica_index index;
  auto first = replicant::meta_of(lamp, 1);
  auto second = replicant::meta_of(lamp, 2);
  index.put(key_of("7"), {first, 3, site_state::ok});
  BOOST_TEST(index.size() == 1U);
  auto x = index.find(lamp);
  BOOST_REQUIRE(x);
  BOOST_TEST((x->meta == first));
  BOOST_TEST(!index.find({service_id{"B"}, "bar", {"lamps"}}));
  // The next of that name is there before the last one is forgotten.
  index.put(key_of("8"), {second, 1, site_state::ok});
  index.erase(key_of("7"), first);
  x = index.find(lamp);
  BOOST_REQUIRE(x);
  BOOST_TEST((x->meta == second));
  index.erase(key_of("8"), second);
  BOOST_TEST(!index.find(lamp));
  BOOST_TEST(index.size() == 0U);
}

BOOST_AUTO_TEST_CASE(creates_that_run_are_told_by_kind_and_name) {
  create_board board;
  const service_id b{"B"};
  auto of = [](std::uint64_t n) { return replicant::random_meta(n, n); };
  BOOST_TEST(board.empty());
  BOOST_TEST(!board.find(b, "bar", ""));
  board.begin(of(1), b, "bar", "lamp");
  board.begin(of(2), b, "foo", "lamp");
  board.begin(of(3), b, "bar", "desk");
  board.begin(of(1), b, "bar", "lamp"); // Known: it keeps its place.
  auto all = board.find(b, "bar", "");
  BOOST_REQUIRE(all);
  BOOST_TEST(all->oldest == 1U);
  BOOST_TEST(all->newest == 3U);
  BOOST_TEST(board.find(b, "bar", "desk")->oldest == 3U);
  BOOST_TEST(!board.find(b, "bar", "chair"));
  BOOST_TEST(!board.find(b, "bar", "sk"));
  board.begin(of(5), b, "object", "apps/default/web");
  for (auto id : {"apps/default/web", "web"})
    BOOST_TEST(board.find(b, "object", id).has_value());
  for (auto id : {"apps/other/web", "eb", "default"})
    BOOST_TEST(!board.find(b, "object", id));
  board.end(of(5));
  BOOST_TEST(!board.find(b, "ba", ""));
  // A create whose name is not known may be of any.
  board.begin(of(4), b, "bar", "");
  BOOST_TEST(board.find(b, "bar", "chair")->oldest == 5U);
  board.end(of(1));
  board.end(of(9));
  BOOST_TEST(board.find(b, "bar", "")->oldest == 3U);
  for (std::uint64_t n : {2, 3, 4})
    board.end(of(n));
  BOOST_TEST(board.empty());
}

BOOST_AUTO_TEST_SUITE_END()
