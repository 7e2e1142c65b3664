// cheopsd as an operator meets it: its configuration, and signals.
#define BOOST_TEST_MODULE daemon
#include "http/client.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"
#include "support/free_port.hpp"
#include "support/raw_listener.hpp"
#include "tools/run_program.hpp"
#include "tools/scenario/poll.hpp"
#include "tools/scenario/process.hpp"

#include <csignal>
#include <fstream>
#include <iterator>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

const std::string cheopsd = CHEOPS_BIN_DIR "/cheopsd";
const std::string cheops_program = CHEOPS_BIN_DIR "/cheops";

constexpr auto patience = 20s;

std::string read_file(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A node without peers, in front of a backend that the test plays.
struct lone_node : folder_fixture {
  raw_listener backend;
  std::uint16_t port = support::free_port();
  std::unique_ptr<scenario::process> node;

  void configure(const std::string& more) const {
    write("site.yaml", "site: Site1\n"
                       "application: demo\n"
                       "data: data\n"
                       "fronts:\n"
                       "  - service: ServiceB\n"
                       "    listen: 127.0.0.1:"
                         + std::to_string(port)
                         + "\n    backend: http://127.0.0.1:"
                         + std::to_string(backend.port()) + '\n' + more);
  }

  void start() {
    auto made = scenario::process::start(
      {{cheopsd, "--config", path("site.yaml")}, path("log"), -1});
    BOOST_REQUIRE(made.has_value());
    node = std::move(*made);
    BOOST_REQUIRE(logged("site Site1 is up"));
  }

  /// `cheops`, asking this node.
  test::outcome ask(std::vector<std::string> words) const {
    words.insert(words.begin(), cheops_program);
    return test::run_program(words,
                             {{"CHEOPS_ADMIN", path("data/admin.sock")}});
  }

  /// The part of a configuration that lets peers in, with one that is not
  /// there.
  static std::string mesh_of_one_peer() {
    auto at = [] {
      return "127.0.0.1:" + std::to_string(support::free_port());
    };
    return "peer_front: { listen: '" + at() + "' }\nlink: { listen: '" + at()
           + "' }\npeers: [{ site: Site2, link: '" + at() + "' }]\n";
  }

  /// Waits for a line of the log.
  [[nodiscard]] bool logged(const std::string& text) const {
    auto found = scenario::poll_until(patience, [&] {
      return read("log").find(text) != std::string::npos || node->ended();
    });
    return found && read("log").find(text) != std::string::npos;
  }

  /// The status line of a request that the backend answers, if it is asked.
  [[nodiscard]] std::string status_with_fields(int fields) {
    auto user = raw_socket::to_port(port);
    std::string head = "GET /bars HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < fields; ++i)
      head += "X-" + std::to_string(i) + ": x\r\n";
    user.write(head + "Connection: close\r\n\r\n");
    std::thread application;
    if (fields < 10)
      application = std::thread{[this] {
        auto called = backend.accept();
        called.read_until("\r\n\r\n");
        called.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
      }};
    auto status = user.read_until("\r\n");
    if (application.joinable())
      application.join();
    return status;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(cheopsd_node)

BOOST_AUTO_TEST_CASE(check_config_says_where_and_what_is_wrong) {
  test::temporary_folder folder;
  auto file = folder.write("site.yaml", "site: Site1\n"
                                        "application: demo\n"
                                        "pears: 3\n"
                                        "limits: { hops: many }\n");
  auto got = test::run_program({cheopsd, "--check-config", "-c", file});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.out.empty());
  BOOST_TEST(got.err.find(file + ":3:") != std::string::npos, got.err);
  BOOST_TEST(got.err.find("pears") != std::string::npos, got.err);
  BOOST_TEST(got.err.find(file + ":4:") != std::string::npos, got.err);
  BOOST_TEST(got.err.find("hops") != std::string::npos, got.err);
}

BOOST_AUTO_TEST_CASE(check_config_of_a_file_that_is_not_there_fails) {
  auto got = test::run_program({cheopsd, "--check-config", "-c", "/no/such"});
  BOOST_TEST(got.code != 0);
  BOOST_TEST(got.err.find("/no/such") != std::string::npos, got.err);
}

BOOST_FIXTURE_TEST_CASE(check_config_looks_at_the_key_of_replicants,
                        lone_node) {
  configure("replication: { witnesses: [Rome], key_file: replication.key }\n");
  auto says = [&](const std::string& what) {
    auto got =
      test::run_program({cheopsd, "--check-config", "-c", path("site.yaml")});
    auto there = got.err.find(what) != std::string::npos;
    BOOST_TEST(there, what << " in: " << got.err);
    BOOST_TEST((got.code == 0) == what.empty());
  };
  says(path("site.yaml") + ":8:45: replication.key_file: "
       + path("replication.key") + ": No such file");
  auto made = test::run_program(
    {cheops_program, "key", "generate", path("replication.key")});
  BOOST_TEST(made.code == 0, made.err);
  says("");
  using std::filesystem::perms;
  std::filesystem::permissions(path("replication.key"),
                               perms::owner_read | perms::others_read);
  says("others than its owner");
  std::filesystem::permissions(path("replication.key"),
                               perms::owner_read | perms::owner_write);
  write("replication.key", "0123\n");
  says("replication.key:1: a key is 64 hexadecimal digits");
}

BOOST_AUTO_TEST_CASE(an_unknown_option_is_told_before_what_is_missing) {
  auto got = test::run_program({cheopsd, "--bogus"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.find("unknown option --bogus") != std::string::npos,
             got.err);
  got = test::run_program({cheopsd}, {{"CHEOPS_CONFIG", ""}});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.find("give --config") != std::string::npos, got.err);
}

BOOST_FIXTURE_TEST_CASE(the_example_of_a_configuration_is_good,
                        folder_fixture) {
  auto ca = path("ca");
  auto example = read_file(CHEOPS_SOURCE_DIR "/packaging/examples/site.yaml");
  auto file = write("site.yaml", example);
  auto check = [&] {
    return test::run_program({cheopsd, "--check-config", "-c", file});
  };
  auto got = check();
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.find(path("tls/site.crt") + ": No such file")
               != std::string::npos,
             got.err);
  auto run_ca = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {cheops_program, "ca", "--ca-dir", ca});
    BOOST_REQUIRE(test::run_program(words).code == 0);
  };
  run_ca({"init"});
  run_ca({"issue", "Site1", "--into", path("tls")});
  got = check();
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(got.out.find("good (site Site1") != std::string::npos, got.out);
  // Everything that a start reads is looked at.
  write("tls/site.key", "not a key");
  got = check();
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.find("holds no private key") != std::string::npos,
             got.err);
  run_ca({"issue", "Site2", "--into", path("tls"), "--overwrite"});
  got = check();
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.find("Site2") != std::string::npos, got.err);
  run_ca({"issue", "Site1", "--into", path("tls"), "--overwrite"});
  auto at = example.find("# crl: tls/ca.crl");
  BOOST_REQUIRE(at != std::string::npos);
  write("site.yaml", example.replace(at, 2, ""));
  got = check();
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.find("tls/ca.crl: No such file") != std::string::npos,
             got.err);
}

BOOST_FIXTURE_TEST_CASE(sighup_reads_the_configuration_again, lone_node) {
  configure("");
  start();
  BOOST_TEST(status_with_fields(4) == "HTTP/1.1 204 No Content\r\n");

  configure("limits: { header_fields: 10 }\n");
  node->signal(SIGHUP);
  BOOST_REQUIRE(logged("configuration read again"));
  BOOST_TEST(status_with_fields(4) == "HTTP/1.1 204 No Content\r\n");
  BOOST_TEST(status_with_fields(20).starts_with("HTTP/1.1 431"));
}

BOOST_FIXTURE_TEST_CASE(sighup_with_a_wrong_file_changes_nothing, lone_node) {
  configure("");
  start();
  configure("limits: { header_fields: few }\n");
  node->signal(SIGHUP);
  BOOST_REQUIRE(logged("nothing changed: "));
  BOOST_TEST(status_with_fields(4) == "HTTP/1.1 204 No Content\r\n");
}

BOOST_FIXTURE_TEST_CASE(sighup_says_what_needs_a_restart, lone_node) {
  configure("");
  start();
  configure("log: { access: access.log }\n");
  node->signal(SIGHUP);
  BOOST_TEST(logged("nothing changed: site Site1, reload: log.access"));
  configure("threads: 7\n");
  node->signal(SIGHUP);
  BOOST_TEST(logged("nothing changed: site Site1, reload: threads"));
}

BOOST_FIXTURE_TEST_CASE(sighup_changes_what_is_logged, lone_node) {
  configure("log: { level: error }\n");
  auto made = scenario::process::start(
    {{cheopsd, "--config", path("site.yaml")}, path("log"), -1});
  BOOST_REQUIRE(made.has_value());
  node = std::move(*made);
  BOOST_REQUIRE(scenario::poll_until(patience, [&] {
    return ask({"get", "fronts"}).code == 0;
  }));
  BOOST_TEST(read("log").find("is up") == std::string::npos);
  configure("log: { level: info }\n");
  node->signal(SIGHUP);
  BOOST_TEST(logged("configuration read again"));
}

BOOST_FIXTURE_TEST_CASE(faults_end_with_the_experiments, lone_node) {
  auto peers = mesh_of_one_peer();
  configure(peers + "experiments: true\n");
  start();
  BOOST_TEST(ask({"faults", "set", "Site2", "--cut"}).code == 0);
  auto wrong = ask({"faults", "set", "Site3", "--cut"});
  BOOST_TEST(wrong.code == 2);
  BOOST_TEST(wrong.err.find("no peer \"Site3\"") != std::string::npos,
             wrong.err);

  configure(peers);
  node->signal(SIGHUP);
  BOOST_REQUIRE(logged("configuration read again"));
  auto left = ask({"get", "faults", "-o", "name"});
  BOOST_TEST(left.out == "", left.out);
  BOOST_TEST(ask({"faults", "clear"}).code == 0);
  BOOST_TEST(ask({"faults", "set", "Site2", "--cut"}).code == 5);
}

BOOST_FIXTURE_TEST_CASE(readiness_is_of_each_part, lone_node) {
  configure(mesh_of_one_peer());
  start();
  http::client_request rq;
  rq.url = "http+unix://" + path("data/admin.sock") + ":/readyz?verbose";
  auto checks = http::fetch(rq).value().body;
  for (const auto* line :
       {"[+]fronts ok\n", "[+]links ok\n", "[+]actors ok\n", "[+]store ok\n"})
    BOOST_TEST(checks.find(line) != std::string::npos, checks);
}

BOOST_FIXTURE_TEST_CASE(sigterm_lets_what_runs_end, lone_node) {
  configure("");
  start();
  auto user = raw_socket::to_port(port);
  user.write("GET /bars HTTP/1.1\r\nHost: a\r\n\r\n");
  auto called = backend.accept();
  BOOST_REQUIRE(called.read_until("\r\n\r\n").starts_with("GET /bars "));

  node->signal(SIGTERM);
  BOOST_REQUIRE(logged("site Site1 stops"));
  BOOST_TEST(!node->ended().has_value());
  called.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbars");
  auto answer = user.read_all();
  BOOST_TEST(answer.starts_with("HTTP/1.1 200 OK\r\n"), answer);
  BOOST_TEST(answer.ends_with("\r\n\r\nbars"), answer);
  BOOST_REQUIRE(node->wait(patience));
  BOOST_TEST(node->succeeded());
}

BOOST_AUTO_TEST_SUITE_END()
