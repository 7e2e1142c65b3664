#define BOOST_TEST_MODULE scenario_sim_world
#include "cheops/sim/run.hpp"
#include "support/boost_test.hpp"
#include "tools/scenario/read.hpp"
#include "tools/scenario/sim_world.hpp"

using namespace cheops;
using namespace cheops::scenario;

namespace {

const std::string head = R"(title: t
application: {description: demo.yaml, services: [ServiceB], command: [app], deeds: /deeds}
sites: {Site1: {}, Site2: {}, Site3: {}}
workloads:
  - name: users
    clients_in_all: 4
    rate: 10
    lasts: 4s
    changes: {service: ServiceB, path: /bars, list: /bars, resources: 5,
              scope: "Site1 & Site2 & Site3",
              mix: {create: 2, update: 3, remove: 1, read: 4}}
)";

scenario::scenario read(const std::string& text) {
  auto out = read_text(head + text, "s.yaml");
  BOOST_TEST_REQUIRE(out.has_value(), (out ? "" : out.error().what));
  return *out;
}

std::string refused(const std::string& text) {
  auto out = simulated(read(text), true, 1);
  BOOST_TEST_REQUIRE(out.has_error());
  return out.error().what;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_file_becomes_a_plan) {
  auto plan = simulated(read(R"(
random_faults:
  events: 10
  kinds: {kill: 3, cut: 1, cut_one_way: 1, pause_application: 2}
  every: {from: 500ms, to: 1500ms}
  lasts: {from: 100ms, to: 200ms}
)"),
                        true, 7);
  BOOST_TEST_REQUIRE(plan.has_value());
  BOOST_TEST(plan->seed == 7U);
  BOOST_TEST(plan->sites == 3U);
  BOOST_TEST(plan->clients == 4U);
  BOOST_TEST(plan->resources == 5U);
  BOOST_TEST(plan->reads == 400U);
  BOOST_TEST(plan->removes == 25U);
  BOOST_TEST(plan->run_us == 10'000'000U);
  BOOST_TEST(plan->operations == 300U);
  BOOST_TEST(plan->fault_every_us == 1'000'000U);
  BOOST_TEST(plan->fault_us_max == 200'000U);
  BOOST_TEST(plan->faults.crash == 3U);
  BOOST_TEST(plan->faults.cut == 2U);
  BOOST_TEST(plan->faults.pause == 0U);
  BOOST_TEST(plan->faults.application == 2U);
  BOOST_TEST((plan->enforces == sim::enforcement::names));
  auto loose = simulated(read(""), false, 7);
  BOOST_TEST((loose->enforces == sim::enforcement::nothing));
  BOOST_TEST(loose->fault_every_us == 0U);
}

BOOST_AUTO_TEST_CASE(what_the_simulated_world_has_not_is_told_with_its_line) {
  BOOST_TEST(refused("checks: [converged, memory_flat]\n")
             == "s.yaml:12: expected converged, acknowledged, no_duplicates or "
                "uncertain_shown: the simulated world has nothing to tell of "
                "memory_flat");
  BOOST_TEST(
    refused("\nsteps:\n  - {title: x, process: {site: Site1, do: kill}}\n")
    == "s.yaml:14: expected no steps: the simulated world has workloads with "
       "changes, random faults and checks of them; use --world nodes");
  BOOST_TEST(
    refused("\n\n  - name: http\n    requests: [{service: ServiceB}]\n")
    == "s.yaml:14: expected changes: the simulated world has no HTTP "
       "for requests");
}

BOOST_AUTO_TEST_CASE(a_plan_of_a_file_runs_and_is_checked) {
  auto plan = simulated(read(R"(
random_faults: {events: 5, every: {from: 300ms, to: 600ms}, lasts: {from: 50ms, to: 400ms}}
)"),
                        true, 3);
  BOOST_TEST_REQUIRE(plan.has_value());
  auto got = sim::run(*plan);
  BOOST_TEST(got.failure.empty(), got.failure);
  BOOST_TEST(got.done > 0U);
}
