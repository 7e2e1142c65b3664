// What the command line says when something is wrong.
#include "http/service.hpp"
#include "tools/cli_runner.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace cheops;
using namespace cheops::test;

BOOST_AUTO_TEST_CASE(each_complaint_of_a_file_is_marked) {
  temporary_folder folder;
  auto file = folder.write("app.yaml", "application: x\npears: 1\n"
                                       "apples: 2\nservices: 3\n");
  auto got = cheops_run({"app", "check", file});
  BOOST_TEST(got.code == 2);
  std::istringstream lines{got.err};
  std::string line;
  int n = 0;
  for (; std::getline(lines, line); ++n)
    BOOST_TEST(line.starts_with("cheops: " + file + ":"), line);
  BOOST_TEST(n == 3, got.err);
  // The lines under a scope are one complaint.
  got = cheops_run({"explain", "{", "--app", demo_yaml, "--sites", "A"});
  BOOST_TEST(got.err.rfind("cheops: ") == 0U, got.err);
}

BOOST_AUTO_TEST_CASE(stories_that_are_not_there_are_bad_input) {
  const std::string scenario = CHEOPS_BIN_DIR "/cheops-scenario";
  temporary_folder folder;
  std::ifstream in{CHEOPS_SOURCE_DIR "/scenarios/andy-and-bo.yaml"};
  std::string story{std::istreambuf_iterator<char>{in}, {}};
  const std::string name = "description: demo.yaml";
  auto at = story.find(name);
  BOOST_REQUIRE(at != std::string::npos);
  auto lost = folder.write(
    "lost.yaml", story.replace(at, name.size(), "description: nowhere.yaml"));
  for (const auto* verb : {"run", "check"})
    for (const auto& file : {folder.path() + "/none.yaml", lost}) {
      auto got = run_program({scenario, verb, file});
      BOOST_TEST(got.code == 2, verb << " " << file << ": " << got.err);
      BOOST_TEST(has(got.err, file == lost ? "nowhere.yaml" : file), got.err);
    }
}

BOOST_FIXTURE_TEST_CASE(who_is_no_admin_endpoint_is_told_so, with_node) {
  http::service_settings with;
  with.at.listen = mesh::address{"127.0.0.1", 0};
  http::route x;
  x.method = "GET";
  x.path = "/v1/version";
  x.needs_token = false;
  x.run = [](const http::service_request&) {
    http::service_response out;
    out.type = "text/html";
    out.body = "<p>hello</p>";
    return out;
  };
  with.routes.push_back(x);
  auto other = http::service::start(std::move(with)).value();
  auto at = "127.0.0.1:" + std::to_string(other->port());
  for (const auto* command : {"sites", "links"}) {
    auto got = cheops_run({"get", command, "--admin", at});
    BOOST_TEST(got.code == 1);
    BOOST_TEST(has(got.err, "no admin endpoint"), got.err);
    BOOST_TEST(has(got.err, "not a front"), got.err);
  }
}

BOOST_FIXTURE_TEST_CASE(a_socket_may_be_named_from_where_one_is, with_node) {
  auto cut = socket().rfind('/');
  auto name = socket().substr(cut + 1);
  for (const auto& at : {name, "./" + name, "unix:" + name}) {
    auto got = run_program({"/bin/sh", "-c",
                            "cd " + socket().substr(0, cut) + " && " + program
                              + " --admin " + at + " get sites"});
    BOOST_TEST(got.code == 0, at << ": " << got.err);
  }
  BOOST_TEST(cheops_run({"get", "sites", "--admin", "./nothing"}).code == 3);
  BOOST_TEST(cheops_run({"get", "sites", "--admin", "nothing"}).code == 2);
}

BOOST_FIXTURE_TEST_CASE(a_fault_of_a_stranger_names_it, with_node) {
  BOOST_TEST(run({"faults", "set", "Site2", "--cut"}).code == 0);
  auto got = run({"faults", "set", "Site22", "--cut"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(has(got.err, "no peer \"Site22\" is known"), got.err);
  BOOST_TEST(has(got.err, "did you mean Site2?"), got.err);
}

BOOST_AUTO_TEST_CASE(a_shim_says_a_folder_that_can_be_put_on_path) {
  temporary_folder folder;
  auto relative = std::filesystem::relative(folder.path()).string();
  auto got = cheops_run({"shim", "install", "kubectl", "--dir", relative});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(has(got.err, "export PATH=" + folder.path() + ":"), got.err);
}
