#define BOOST_TEST_MODULE scenario_book
#include "support/boost_test.hpp"
#include "tools/scenario/book.hpp"

using namespace cheops::scenario;
using verb = change_verb;
using fate = change_fate;

namespace {

life named(std::vector<change_note> changes) {
  return {"r", "m", std::move(changes)};
}

change_note created(std::uint64_t index = 1, fate how = fate::stands) {
  return {verb::create, 10, "Site1", how, index};
}

std::string wrong(const life& x, const held_tags& held) {
  auto all = deviations({"w", {x}, 0, 0}, held);
  if (all.empty())
    return "";
  auto why = all.begin()->second;
  return all.begin()->first + ": " + why.substr(0, why.find(" ("));
}

} // namespace

BOOST_AUTO_TEST_CASE(the_last_acknowledged_change_by_index_is_what_stands) {
  auto x = named({created(),
                  {verb::update, 12, "Site2", fate::stands, 5},
                  {verb::update, 11, "Site1", fate::stands, 3}});
  BOOST_TEST(wrong(x, {{"r", 12}}).empty());
  BOOST_TEST(wrong(x, {{"r", 11}}) == "r: it has 11; allowed: with 12");
  BOOST_TEST(wrong(x, {}) == "r: it is not there; allowed: with 12");
}

BOOST_AUTO_TEST_CASE(a_change_whose_fate_is_open_may_be_the_last_or_not_be) {
  auto x = named({created(), {verb::update, 11, "Site1", fate::open, 0}});
  BOOST_TEST(wrong(x, {{"r", 10}}).empty());
  BOOST_TEST(wrong(x, {{"r", 11}}).empty());
  BOOST_TEST(!wrong(x, {}).empty());
  x.changes.push_back({verb::remove, 12, "Site1", fate::open, 0});
  BOOST_TEST(wrong(x, {}).empty());
}

BOOST_AUTO_TEST_CASE(what_was_surely_not_done_is_seen_by_nobody) {
  auto x = named({created(), {verb::update, 11, "Site1", fate::not_done, 0}});
  BOOST_TEST(!wrong(x, {{"r", 11}}).empty());
  BOOST_TEST(wrong(named({created(0, fate::not_done)}), {}).empty());
  BOOST_TEST(!wrong(named({created(0, fate::not_done)}), {{"r", 10}}).empty());
}

BOOST_AUTO_TEST_CASE(what_was_removed_stays_removed) {
  auto x = named({created(),
                  {verb::update, 11, "Site1", fate::open, 0},
                  {verb::remove, 12, "Site1", fate::stands, 4}});
  BOOST_TEST(wrong(x, {}).empty());
  BOOST_TEST(wrong(x, {{"r", 11}}) == "r: it has 11; allowed: gone");
}

BOOST_AUTO_TEST_CASE(what_one_site_did_alone_is_no_change_of_the_resource) {
  auto x = named({created(),
                  {verb::update, 11, "Site2", fate::apart, 0},
                  {verb::remove, 12, "Site3", fate::apart, 0}});
  BOOST_TEST(wrong(x, {{"r", 10}}).empty());
  BOOST_TEST(wrong(x, {{"r", 11}}) == "r: it has 11; allowed: with 10");
  BOOST_TEST(wrong(x, {}) == "r: it is not there; allowed: with 10");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_with_what_clients_know) {
  auto x = named({created(), {verb::remove, 12, "Site3", fate::apart, 0}});
  BOOST_TEST(deviations({"w", {x}, 0, 0}, {}).at("r")
             == "it is not there; allowed: with 10 (create 10 at Site1 stands "
                "as 1, remove 12 at Site3 done there alone)");
}

BOOST_AUTO_TEST_CASE(two_of_one_name_and_one_of_nobody_are_wrong) {
  auto x = named({created()});
  BOOST_TEST(wrong(x, {{"r", 10}, {"r", 10}})
             == "r: it has 10 and 10; allowed: with 10");
  BOOST_TEST(wrong(x, {{"r", 10}, {"s", 1}}) == "s: nobody made it");
}
