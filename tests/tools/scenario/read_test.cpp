#define BOOST_TEST_MODULE scenario_read
#include "support/boost_test.hpp"
#include "tools/scenario/read.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

using namespace cheops;
using namespace cheops::scenario;
namespace fs = std::filesystem;

namespace {

const fs::path here = fs::path(CHEOPS_SOURCE_DIR) / "tests/tools/scenario";

std::string content(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::string head = R"(
title: t
application: {description: demo.yaml, services: [ServiceA], command: [app], journal: /j}
sites: {Site1: {}, Site2: {}}
)";

} // namespace

// bad/NAME.yaml is refused with the complaints in bad/NAME.expected.
BOOST_AUTO_TEST_CASE(a_bad_file_is_told_where_and_what_was_expected) {
  std::set<fs::path> files;
  for (const auto& x : fs::directory_iterator(here / "bad"))
    if (x.path().extension() == ".yaml")
      files.insert(x.path());
  BOOST_TEST(files.size() >= 6U);
  for (const auto& file : files) {
    BOOST_TEST_CONTEXT(file.filename().string()) {
      auto read = read_text(content(file), file.filename().string());
      BOOST_TEST_REQUIRE(read.has_error());
      auto expected = fs::path(file).replace_extension(".expected");
      BOOST_TEST(read.error().what + '\n' == content(expected));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_scenarios_that_we_ship_are_read) {
  for (const auto* folder : {"scenarios", "tests/e2e"})
    for (const auto& x :
         fs::directory_iterator(fs::path(CHEOPS_SOURCE_DIR) / folder))
      if (x.path().extension() == ".yaml") {
        auto read = read_file(x.path().string());
        BOOST_TEST(read.has_value(),
                   (read ? "" : cheops::to_string(read.error())));
      }
}

BOOST_AUTO_TEST_CASE(a_step_keeps_what_it_says) {
  auto read = read_text(head + R"(
steps:
  - title: one
    who: Andy
    request:
      site: site1
      service: servicea
      method: POST
      path: /foos
      carry: baggage
      scope: "{ServiceA: Site2}"
      headers: {Authorization: u1}
      body: {name: f, n: 3}
    expect: {status: [200, 201], within: 3s, calls: [{site: Site2}]}
    capture: {id: /id}
)",
                        "x.yaml");
  BOOST_TEST_REQUIRE(read.has_value());
  const auto& step = read->steps.at(0);
  BOOST_TEST(step.line == 7);
  const auto& run = std::get<request_action>(step.run);
  // Names in their canonical form, whatever their case.
  BOOST_TEST(run.request.site == "Site1");
  BOOST_TEST(run.request.service == "ServiceA");
  BOOST_TEST((run.request.carry == carrier::baggage));
  BOOST_TEST(boost::json::serialize(*run.request.json)
             == R"({"name":"f","n":3})");
  BOOST_TEST(run.expect.status.size() == 2U);
  BOOST_TEST((*run.expect.within == milliseconds{3000}));
  BOOST_TEST(run.capture.at(0).second == "/id");
}

BOOST_AUTO_TEST_CASE(faults_are_cuts_distances_and_their_end) {
  auto read = read_text(head + R"(
steps:
  - title: all of them
    faults:
      - {cut: Site1}
      - {cut: [Site1, Site2]}
      - {between: [Site1, Site2], round_trip: 40ms}
      - {heal: all}
)",
                        "x.yaml");
  BOOST_TEST_REQUIRE(read.has_value());
  const auto& all = std::get<faults_action>(read->steps.at(0).run).changes;
  BOOST_TEST_REQUIRE(all.size() == 4U);
  BOOST_TEST(all[0].sites.size() == 1U);
  BOOST_TEST(all[1].sites.size() == 2U);
  BOOST_TEST((all[2].by == milliseconds{40}));
  BOOST_TEST(all[3].sites.empty());
}
