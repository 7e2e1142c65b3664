#define BOOST_TEST_MODULE scenario_free_port
#include "support/boost_test.hpp"
#include "support/raw_listener.hpp"
#include "tools/scenario/free_port.hpp"

#include <set>
#include <sys/wait.h>

using namespace cheops::scenario;

namespace {

std::uint16_t any() {
  auto port = free_port();
  BOOST_REQUIRE(port.has_value());
  return *port;
}

} // namespace

BOOST_AUTO_TEST_CASE(ports_that_the_kernel_hands_out_are_left_alone) {
  BOOST_TEST((ports_beside({32'768, 60'999}) == port_range{20'000, 32'767}));
  BOOST_TEST((ports_beside({10'000, 65'535}) == port_range{5'000, 9'999}));
  BOOST_TEST((ports_beside({1'024, 60'999}) == port_range{61'000, 65'535}));
  // There are none beside; then at least some.
  BOOST_TEST((ports_beside({1'024, 65'535}) == port_range{20'000, 32'767}));

  auto own = ephemeral_ports();
  auto range = ports_beside(own);
  BOOST_TEST(own.first > 0);
  BOOST_TEST(own.last > own.first);
  for (int i = 0; i < 100; ++i) {
    auto port = any();
    BOOST_TEST_REQUIRE(port >= range.first);
    BOOST_TEST_REQUIRE(port <= range.last);
  }
}

BOOST_AUTO_TEST_CASE(no_port_is_given_twice) {
  std::set<std::uint16_t> given;
  for (int i = 0; i < 300; ++i)
    BOOST_TEST_REQUIRE(given.insert(any()).second);
}

BOOST_AUTO_TEST_CASE(what_one_process_was_given_no_other_gets) {
  int told[2];
  int goes_on[2];
  BOOST_REQUIRE(::pipe(told) == 0);
  BOOST_REQUIRE(::pipe(goes_on) == 0);
  auto mine = any();
  auto other = ::fork();
  BOOST_REQUIRE(other >= 0);
  if (other == 0) {
    // A port of its own, and whether it could have had ours.
    auto got = free_port();
    std::uint16_t out[2] = {got ? *got : std::uint16_t{0},
                            claim_port(mine) < 0};
    auto written = ::write(told[1], out, sizeof out);
    char end = 0;
    ::close(goes_on[1]);
    auto last = ::read(goes_on[0], &end, 1); // Until the test has looked.
    ::_exit(written == sizeof out && last == 0 ? 0 : 1);
  }
  ::close(goes_on[0]);
  std::uint16_t its[2] = {};
  BOOST_REQUIRE(::read(told[0], its, sizeof its) == sizeof its);
  BOOST_TEST(its[0] != 0);
  BOOST_TEST(its[0] != mine);
  BOOST_TEST(its[1] == 1);
  BOOST_TEST(claim_port(its[0]) == -1);
  ::close(goes_on[1]);
  int status = -1;
  BOOST_REQUIRE(::waitpid(other, &status, 0) == other);
  BOOST_TEST(status == 0);
  // Its claims went with it.
  auto now_ours = claim_port(its[0]);
  BOOST_TEST(now_ours >= 0);
  ::close(now_ours);
  ::close(told[0]);
  ::close(told[1]);
}

BOOST_AUTO_TEST_CASE(a_port_that_is_listened_at_is_not_free) {
  auto port = any();
  BOOST_TEST(is_free(port));
  raw_listener elsewhere;
  BOOST_TEST(!is_free(elsewhere.port()));
}
