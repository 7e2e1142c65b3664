#define BOOST_TEST_MODULE demo_collection
#include "support/boost_test.hpp"
#include "tools/demo_app/collection.hpp"

#include <boost/json.hpp>

using namespace demo;
using outcome = collection::outcome;

namespace {

boost::json::object named(const char* name) {
  return {{"name", name}};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_name_is_unique_where_it_must_be) {
  collection strict(true);
  BOOST_TEST((strict.create(named("b")).what == outcome::done));
  BOOST_TEST((strict.create(named("b")).what == outcome::taken));
  collection loose(false);
  BOOST_TEST((loose.create(named("b")).what == outcome::done));
  BOOST_TEST((loose.create(named("b")).what == outcome::done));
  BOOST_TEST(loose.list("b").size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_list_is_in_the_order_of_creation) {
  collection all(true);
  for (const auto* name : {"c", "a", "b"})
    (void) all.create(named(name));
  auto list = all.list(std::nullopt);
  BOOST_TEST_REQUIRE(list.size() == 3U);
  BOOST_TEST(list[0].body.at("name").as_string() == "c");
  BOOST_TEST(list[2].body.at("name").as_string() == "b");
}

BOOST_AUTO_TEST_CASE(a_stale_version_changes_nothing) {
  collection all(true);
  auto id = all.create(named("b")).now.id;
  BOOST_TEST((all.update(id, named("c"), 1).what == outcome::done));
  BOOST_TEST((all.update(id, named("d"), 1).what == outcome::stale));
  BOOST_TEST((all.remove(id, 1).what == outcome::stale));
  BOOST_TEST(all.find(id)->body.at("name").as_string() == "c");
  BOOST_TEST((all.remove(id, 2).what == outcome::done));
  BOOST_TEST(!all.find(id).has_value());
}

BOOST_AUTO_TEST_CASE(a_renamed_resource_frees_its_name) {
  collection all(true);
  auto id = all.create(named("b")).now.id;
  BOOST_TEST((all.update(id, named("c"), std::nullopt).what == outcome::done));
  BOOST_TEST((all.create(named("b")).what == outcome::done));
  BOOST_TEST((all.update(id, named("b"), std::nullopt).what == outcome::taken));
}

BOOST_AUTO_TEST_CASE(there_is_room_for_so_many_and_no_more) {
  collection all(false, 2);
  BOOST_TEST((all.create(named("a")).what == outcome::done));
  auto second = all.create(named("b"));
  BOOST_TEST((all.create(named("c")).what == outcome::full));
  (void) all.remove(second.now.id, std::nullopt);
  BOOST_TEST((all.create(named("c")).what == outcome::done));
}
