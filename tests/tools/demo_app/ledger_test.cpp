#define BOOST_TEST_MODULE demo_ledger
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"
#include "tools/demo_app/collection.hpp"
#include "tools/demo_app/ledger.hpp"

#include <boost/json.hpp>

#include <fstream>

using namespace demo;

namespace {

boost::json::object named(const char* name) {
  return {{"name", name}};
}

/// A collection that begins with what a file holds.
struct opened {
  explicit opened(const std::string& file) : book(file), bars(true) {
    for (const auto& x : book.take_old())
      bars.redo(x);
    bars.note_in(book, "bar");
  }
  ledger book;
  collection bars;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_was_done_outlives_the_process, folder_fixture) {
  auto file = path("data");
  std::string kept;
  {
    opened first(file);
    kept = first.bars.create(named("kept")).now.id;
    auto gone = first.bars.create(named("gone")).now.id;
    (void) first.bars.update(kept, {{"name", "kept"}, {"size", 3}}, {});
    (void) first.bars.remove(gone, {});
  }
  opened again(file);
  auto all = again.bars.list(std::nullopt);
  BOOST_TEST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all[0].id == kept);
  BOOST_TEST(all[0].version == 2U);
  BOOST_TEST(all[0].body.at("size").as_int64() == 3);
  BOOST_TEST(
    (again.bars.create(named("kept")).what == collection::outcome::taken));
  BOOST_TEST(again.book.last() == 4U);
}

BOOST_FIXTURE_TEST_CASE(half_a_line_is_no_deed, folder_fixture) {
  auto file = path("data");
  {
    opened first(file);
    (void) first.bars.create(named("whole"));
  }
  std::ofstream(file, std::ios::app) << R"({"what":"create","kind":"b)";
  {
    opened again(file);
    BOOST_TEST(again.bars.list(std::nullopt).size() == 1U);
    (void) again.bars.create(named("after"));
  }
  opened last(file);
  BOOST_TEST(last.bars.list(std::nullopt).size() == 2U);
}

BOOST_AUTO_TEST_CASE(deeds_are_told_from_a_number_on) {
  ledger book;
  for (const auto* name : {"a", "b", "c"})
    book.add({"create", "bar", "id", name, 1, {}});
  auto all = boost::json::parse(book.render(1, 1)).as_object();
  BOOST_TEST(all.at("last").as_int64() == 3);
  auto& deeds = all.at("deeds").as_array();
  BOOST_TEST_REQUIRE(deeds.size() == 1U);
  BOOST_TEST(deeds[0].at("name").as_string() == "b");
  BOOST_TEST(deeds[0].at("number").as_int64() == 2);
  BOOST_TEST(
    boost::json::parse(book.render(9, 1)).at("deeds").as_array().empty());
}
