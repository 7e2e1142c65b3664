#define BOOST_TEST_MODULE leaks
#include "actors/box.hpp"
#include "actors/site_under_test.hpp"
#include "support/boost_test.hpp"

#include <filesystem>
#include <string>

using namespace cheops;
using namespace cheops::support;
using mesh::reach;

namespace {

std::size_t entries(const char* folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& x :
       std::filesystem::directory_iterator{folder})
    ++n;
  return n;
}

struct usage {
  std::size_t descriptors = entries("/proc/self/fd");
  std::size_t threads = entries("/proc/self/task");
};

std::string to_text(const usage& x) {
  return std::to_string(x.descriptors) + " descriptors, "
         + std::to_string(x.threads) + " threads";
}

} // namespace

BOOST_FIXTURE_TEST_CASE(fifty_starts_and_stops_leave_nothing, mesh_fixture) {
  auto a = secured("A"), b = secured("B"), nobody = secured("C");
  declare(a, b);
  declare(b, a);
  declare(a, nobody); // Dials that come to nothing are under way, too.
  auto life = [&](int i) {
    site_under_test sa{a}, sb{b};
    BOOST_TEST_REQUIRE(sa.until("B", reach::up));
    BOOST_TEST_REQUIRE(sb.until("A", reach::up));
    box asks{sa.node->system(), *sa.node->router(), "asker"};
    box foo{sb.node->system(), *sb.node->router(), "foo"};
    sa.node->router()->post(
      asks.to("B", "foo", "1", std::string(100'000, 'x')));
    BOOST_TEST_REQUIRE(foo.take().has_value());
    // Every other time both stop with a message under way.
    if (i % 2 == 0)
      sa.node->router()->post(
        asks.to("B", "foo", "1", std::string(3'000'000, 'x')));
  };
  life(0); // What is made once for the process.
  usage before;
  for (int i = 1; i <= 50; ++i)
    life(i);
  usage after; // Threads that were about to end may have ended.
  BOOST_TEST(after.descriptors == before.descriptors,
             "before: " << to_text(before) << "; after: " << to_text(after));
  BOOST_TEST(after.threads <= before.threads,
             "before: " << to_text(before) << "; after: " << to_text(after));
}
