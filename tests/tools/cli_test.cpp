#define BOOST_TEST_MODULE tools_cli
#include "support/boost_test.hpp"
#include "tools/cli_runner.hpp"
#include "tools/sample_replication.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <fstream>

using namespace cheops;
using namespace cheops::test;

namespace json = boost::json;

// -- replicants ---------------------------------------------------------------

/// A node that keeps a bar with Site2, where it is diverged, and a foo.
struct with_replicants : fixed_node {
  std::string meta, operation;

  with_replicants() {
    replication = sample_replication();
    meta = to_string(replication->views.begin()->first);
    operation = replication->operations.begin()->first;
    start();
  }
  outcome run(std::vector<std::string> words) {
    return cheops_run(std::move(words), {{"CHEOPS_ADMIN", socket()}});
  }
};

BOOST_FIXTURE_TEST_CASE(replicants_are_shown_in_a_table, with_replicants) {
  auto got = run({"get", "replicants"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(has(got.out, "REPLICANT"));
  BOOST_TEST(has(got.out, "diverged   Site1=diverged,Site2=ok\n"), got.out);
  BOOST_TEST(run({"get", "replicants", "--kind", "bar", "-o", "name"}).out
             == "replicant/" + meta + "\n");
  auto limited = run({"get", "replicants", "--limit", "1"});
  BOOST_TEST(has(limited.err, "There are more"));
  auto one = run({"get", "replicants", meta, "-o", "wide"});
  BOOST_TEST(has(one.out, "ServiceB   41\n"), one.out);
  BOOST_TEST(run({"get", "replicants", meta + "9"}).code == 1);
  auto none = run({"get", "replicants", "--state", "uncertain"});
  BOOST_TEST(none.err == "No replicants.\n");
}

BOOST_FIXTURE_TEST_CASE(a_replicant_is_described, with_replicants) {
  auto got = run({"describe", "replicant", meta});
  BOOST_TEST(got.code == 0);
  for (const auto* part :
       {"Kind:       bar of ServiceB\n", "Name:       x\n",
        "Leader:     Site2\n", "Site1   voter   diverged   9       41",
        "9 diverged (409)", "Troubles of this site:\n",
        "replace   diverged (409)\n", "Operations:\n", "stands   200"})
    BOOST_TEST(has(got.out, part), part << " in " << got.out);
  auto whole =
    json::parse(run({"describe", "replicant", meta, "-o", "json"}).out);
  BOOST_TEST(whole.at("leader").as_string() == "Site2");
  BOOST_TEST(run({"describe", "replicant", "x"}).code == 2);
  got = run({"describe", "replicant", "apps/default/deployments/web"});
  BOOST_TEST(got.code == 1);
  BOOST_TEST(has(got.err, "nothing called apps/default/deployments/web"));
}

BOOST_FIXTURE_TEST_CASE(an_operation_is_waited_for, with_replicants) {
  auto got = run({"wait", operation});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(has(got.out, "replace stands, at index 9\n"), got.out);
  BOOST_TEST(has(got.out, "  Site1: diverged (409)\n"), got.out);
  auto& known = replication->operations.begin()->second;
  known.what.how = replicant::fate::voided;
  BOOST_TEST(run({"wait", operation}).code == 1);
  known.known = false;
  auto late = run({"wait", operation, "--timeout", "300ms"});
  BOOST_TEST(late.code == 4);
  BOOST_TEST(has(late.err, "its fate is unknown"), late.err);
  // Of a replicant: until all sites are well.
  BOOST_TEST(run({"wait", meta, "--timeout", "300ms"}).code == 4);
  replication->views.begin()->second.members[0].state =
    replicant::site_state::ok;
  BOOST_TEST(run({"wait", meta}).code == 0);
}

BOOST_FIXTURE_TEST_CASE(events_are_listed, with_replicants) {
  auto got = run({"events", "--no-headers"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(has(got.out, "2027-01-15T08:00:00.000Z   decided"), got.out);
  BOOST_TEST(has(got.out, "diverged"));
}

BOOST_FIXTURE_TEST_CASE(a_replicant_is_scaled_and_settled, with_replicants) {
  auto got = run({"scale", "replicant", meta, "--scope", "{Site1 & Site2}"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.out
             == "replicant/" + meta + " done: Site1=ok,Site2=pending\n");
  BOOST_TEST(run({"scale", "replicant", meta, "-s", "Site9"}).code == 2);
  BOOST_TEST(run({"retry", "replicant", meta}).code == 0);
  BOOST_TEST(run({"abandon", "replicant", meta, "--index", "9"}).code == 0);
  BOOST_TEST(run({"settle", "replicant", meta, "--local-id", "7"}).code == 0);
  BOOST_TEST(run({"settle", "replicant", meta}).code == 2);
  replication->on_resolve = [](const auto& of, const auto&, auto done) {
    ports::write_answer out;
    out.meta = of;
    out.how.how = replicant::ending::refused;
    out.how.why = replicant::refusal::no_quorum;
    done(out);
  };
  BOOST_TEST(run({"retry", "replicant", meta}).code == 3);
}

BOOST_FIXTURE_TEST_CASE(without_replication_there_is_nothing_to_show,
                        with_node) {
  auto got = run({"get", "replicants"});
  BOOST_TEST(got.code == 6);
  BOOST_TEST(has(got.err, "keeps nothing on several sites"));
  BOOST_TEST(run({"events", "-w"}).code == 6);
}

// -- usage --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(help_is_grouped_and_names_every_command) {
  auto got = cheops_run({"help"});
  BOOST_TEST(got.code == 0);
  for (const auto* part :
       {"Work:", "Look:", "Operate:", "Start:", "  run ", "  http ", "  shim ",
        "  get ", "  explain ", "  check ", "  ca ", "  demo "})
    BOOST_TEST(has(got.out, part), part);
  BOOST_TEST(has(cheops_run({"help", "get", "sites"}).out, "--watch"));
  BOOST_TEST(cheops_run({"help", "nonsense"}).code == 2);
}

BOOST_AUTO_TEST_CASE(misspelt_words_have_a_near_one) {
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
    {{"gte", "sites"}, "unknown command \"gte\"\nDid you mean get?"},
    {{"get", "stes"}, "unknown command \"stes\"\nDid you mean sites?"},
    {{"get", "sites", "--tiemout", "1s"},
     "unknown option --tiemout\nDid you mean --timeout?"},
    {{"explain", "A", "/", "more"}, "one word too many: \"more\""},
    {{"get", "sites", "-o", "xml"}, "See `cheops get sites --help`."},
    {{"get", "sites", "--timeout", "5"}, "no time above 0"},
    {{"get"},
     "`cheops get` needs a command: sites, links, fronts, faults, replicants"},
  };
  for (const auto& [words, part] : wrong) {
    auto got = cheops_run(words);
    BOOST_TEST(got.code == 2, part);
    BOOST_TEST(has(got.err, part), got.err);
    BOOST_TEST(got.out == "");
  }
}

BOOST_AUTO_TEST_CASE(the_version_is_one_line) {
  auto got = cheops_run({"version"});
  BOOST_TEST(got.out.starts_with("cheops "));
  BOOST_TEST(got.code == 0);
}

// -- texts --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_scope_is_printed_as_a_tree) {
  auto got = cheops_run({"scope", "parse", "{A: S1, B: S2 || S3}"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(
    (json::parse(got.out) == json::parse(R"({"services": {"A": {"site": "S1"},
                   "B": {"any": [{"site": "S2"}, {"site": "S3"}]}}})")));
  auto piped = cheops_run({"scope", "parse", "-"}, {}, "{A: S1, B: S2|S3}\n");
  BOOST_TEST(piped.out == got.out);
}

BOOST_AUTO_TEST_CASE(a_wrong_scope_is_pointed_at_and_exits_2) {
  auto got = cheops_run({"scope", "parse", "{A: S1, B S2}"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.out == "");
  BOOST_TEST(has(got.err, "{A: S1, B S2}\n          ^"), got.err);
  BOOST_TEST(cheops_run({"scope", "parse", "-"}, {}, "").code == 2);
  std::string deep(100'000, '(');
  BOOST_TEST(cheops_run({"scope", "parse", "-"}, {}, deep).code == 2);
}

BOOST_AUTO_TEST_CASE(a_description_is_explained) {
  auto got = cheops_run({"app", "check", demo_yaml});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(has(got.out, "ServiceA (also a)"));
  BOOST_TEST(has(got.out, "create  POST    /foos"));
  BOOST_TEST(has(got.out, "the bar of ServiceB whose name is at /bar"),
             got.out);
  auto missing = cheops_run({"app", "check", "/nowhere.yaml"});
  BOOST_TEST(missing.code == 2);
  BOOST_TEST(has(missing.err, "/nowhere.yaml"));
}

BOOST_AUTO_TEST_CASE(the_service_is_the_one_that_has_the_path) {
  auto got = cheops_run({"explain", "Site2", "/bars", "--app", demo_yaml,
                         "--sites", "Site1,Site2"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(has(got.out, "GET /bars to ServiceB"), got.out);
  // Also where the scope begins with another: as its front would say.
  got = cheops_run({"explain", "{ServiceA: Site1, ServiceB: Site2}", "/bars",
                    "--app", demo_yaml, "--sites", "Site1,Site2"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(has(got.err, "a request to ServiceB can never reach ServiceA"),
             got.err);
  got = cheops_run(
    {"explain", "Site2", "/", "--app", demo_yaml, "--sites", "Site1,Site2"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(has(got.err, "ServiceA, ServiceB"), got.err);
  // -s is a scope everywhere, and no service.
  got = cheops_run({"explain", "Site2", "-s", "ServiceA"});
  BOOST_TEST(has(got.err, "unknown option -s"), got.err);
}

BOOST_AUTO_TEST_CASE(explain_works_without_a_node) {
  auto got = cheops_run({"explain", "{ServiceB: Site2 || Site3}", "/bars/1",
                         "--app", demo_yaml, "--sites", "Site1,Site2,Site3"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(
    has(got.out, "Request:      GET /bars/1 to ServiceB: read of bar 1"),
    got.out);
  BOOST_TEST(has(got.out, "Action:       share"));
  BOOST_TEST(has(got.out, "Sites:        1. Site2\n              2. Site3\n"));
  auto wrong = cheops_run({"explain", "Sitte2", "--service", "ServiceA",
                           "--app", demo_yaml, "--sites", "Site1,Site2"});
  BOOST_TEST(wrong.code == 2);
  BOOST_TEST(has(wrong.err, "^"));
  BOOST_TEST(has(wrong.err, "Site2"));
  BOOST_TEST(cheops_run({"explain", "S", "--app", demo_yaml}).code == 2);
  BOOST_TEST(cheops_run({"explain", "S", "--sites", "S"}).code == 2);
}

// -- a node -------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(sites_are_a_table, with_node) {
  auto got = run({"get", "sites"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(got.out.starts_with("NAME    STATE   RTT      SERVICES"), got.out);
  BOOST_TEST(has(got.out, "Site2   up      40.0ms   ServiceA,ServiceB"));
  BOOST_TEST(has(got.out, "Site3   down    -        ServiceA,ServiceB"));
  BOOST_TEST(run({"get", "sites", "-o", "name"}).out
             == "site/Site1\nsite/Site2\nsite/Site3\n");
  auto whole = json::parse(run({"get", "sites", "-o", "json"}).out);
  BOOST_TEST(whole.at("sites").as_array().size() == 3U);
  BOOST_TEST(has(run({"get", "sites", "-o", "yaml"}).out, "self: Site1\n"));
  BOOST_TEST(has(run({"get", "sites", "-o", "wide"}).out, "127.0.0.1:7003"));
}

BOOST_FIXTURE_TEST_CASE(one_site_can_be_asked_for, with_node) {
  BOOST_TEST(run({"get", "sites", "site2", "-o", "name"}).out
             == "site/Site2\n");
  auto none = run({"get", "sites", "Site9"});
  BOOST_TEST(none.code == 1);
  BOOST_TEST(has(none.err, "no site \"Site9\""));
}

BOOST_FIXTURE_TEST_CASE(links_and_fronts_are_tables, with_node) {
  BOOST_TEST(has(run({"get", "links", "--no-headers", "-o", "wide"}).out,
                 "no heartbeat for 2 s"));
  BOOST_TEST(run({"get", "fronts"}).out
             == "SERVICE    URL\n"
                "ServiceA   http://127.0.0.1:8101\n"
                "ServiceB   http://127.0.0.1:8103\n");
}

BOOST_FIXTURE_TEST_CASE(explain_asks_the_node, with_node) {
  auto got =
    run({"explain", "{ServiceB: Site3 || Site2}", "/bars", "-m", "POST"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(has(got.out, "POST /bars to ServiceB: create of bar"), got.out);
  auto wrong = run({"explain", "{ServiceB: Sitte3}"});
  BOOST_TEST(wrong.code == 2);
  BOOST_TEST(has(wrong.err, "^"), wrong.err);
}

BOOST_FIXTURE_TEST_CASE(faults_are_set_and_cleared_one_by_one, with_node) {
  auto got = run({"faults", "set", "Site2", "--delay", "40ms"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(run({"faults", "set", "Site3", "--cut", "--direction", "in"}).code
             == 0);
  BOOST_TEST(run({"get", "faults"}).out
             == "PEER    DIRECTION   CUT     DELAY   LOSS\n"
                "Site2   in          false   40ms    0%\n"
                "Site2   out         false   40ms    0%\n"
                "Site3   in          true    0ms     0%\n");
  BOOST_TEST(run({"faults", "clear", "Site2", "--direction", "out"}).code == 0);
  BOOST_TEST(faults().size() == 2U);
  BOOST_TEST(run({"faults", "clear"}).code == 0);
  BOOST_TEST(faults().empty());
  BOOST_TEST(run({"faults", "set", "Site2"}).code == 2);
  BOOST_TEST(run({"faults", "set", "Site2", "--loss", "2"}).code == 2);
  BOOST_TEST(run({"faults", "set", "Site9", "--cut"}).code == 2);
}

BOOST_AUTO_TEST_CASE(faults_are_refused_without_experiments) {
  fixed_node node{false};
  node.start();
  auto got =
    cheops_run({"faults", "set", "Site2", "--cut", "--admin", node.socket()});
  BOOST_TEST(got.code == 5);
  BOOST_TEST(has(got.err, "experiments: true"));
}

BOOST_AUTO_TEST_CASE(a_token_is_read_from_a_file) {
  fixed_node node;
  node.config.admin.unix_path.clear();
  node.config.admin.listen = mesh::address{"127.0.0.1", 0};
  node.config.admin.token_file =
    node.folder.write("token", "s3cret-of-many-letters\n", 0600);
  node.start();
  auto at = "127.0.0.1:" + std::to_string(node.port());
  auto got = cheops_run({"get", "sites", "--admin", at});
  BOOST_TEST(got.code == 5);
  BOOST_TEST(has(got.err, "--token-file"));
  got = cheops_run({"get", "sites", "--admin", at, "--token-file",
                    node.config.admin.token_file});
  BOOST_TEST(got.code == 0, got.err);
  got = cheops_run({"get", "sites", "--admin", at, "-v"},
                   {{"CHEOPS_ADMIN_TOKEN_FILE", node.config.admin.token_file}});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(!has(got.err, "s3cret-of-many-letters"));
}

BOOST_AUTO_TEST_CASE(a_node_that_is_not_there_exits_3) {
  temporary_folder folder;
  auto got = cheops_run({"get", "sites", "--admin", folder.path() + "/none"});
  BOOST_TEST(got.code == 3);
  BOOST_TEST(has(got.err, "is cheopsd running there?"), got.err);
  BOOST_TEST(cheops_run({"get", "sites", "--admin", "nonsense"}).code == 2);
}

BOOST_FIXTURE_TEST_CASE(http_sends_a_scope_and_shows_the_answer, with_node) {
  auto target = "http+unix://" + socket() + ":/v1/version";
  auto got = run({"http", target, "-s", "Site2", "-v"});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(has(got.out, "\"site\":\"Site1\""));
  BOOST_TEST(has(got.err, "> Scope: Site2\n"));
  BOOST_TEST(has(got.err, "< HTTP/1.1 200"));
  got = run({"http", "GET", target, "-i"});
  BOOST_TEST(got.out.starts_with("HTTP/1.1 200"));
  auto file = folder.path() + "/answer";
  BOOST_TEST(run({"http", target, "-o", file}).out == "");
  BOOST_TEST(has(folder.read("answer"), "\"site\":\"Site1\""));
}

BOOST_FIXTURE_TEST_CASE(http_takes_bodies_as_they_are, with_node) {
  auto target = "http+unix://" + socket() + ":/v1/scope:explain";
  const std::string body = R"({"scope":"Site2","service":"ServiceA"})";
  BOOST_TEST(has(run({"http", target, "-d", body}).out, "\"share\""));
  folder.write("body", body);
  auto at = folder.path() + "/body";
  BOOST_TEST(has(run({"http", target, "-d", "@" + at}).out, "\"share\""));
  BOOST_TEST(has(run({"http", "POST", target, "-T", at, "-H",
                      "Content-Type: application/json"})
                   .out,
                 "\"share\""));
  // A list is one body: no part of the command line may split it.
  auto list = run({"http", target, "-d", "[1,2]", "--fail"});
  BOOST_TEST(has(list.out, "the body must be an object"), list.out);
  BOOST_TEST(list.code == 2);
}

BOOST_FIXTURE_TEST_CASE(http_errors_count_only_with_fail, with_node) {
  auto target = "http+unix://" + socket() + ":/v1/nothing";
  BOOST_TEST(run({"http", target}).code == 0);
  BOOST_TEST(run({"http", target, "--fail"}).code != 0);
  BOOST_TEST(run({"http", "ServiceX/foos"}).code == 2);
  BOOST_TEST(run({"http", "ServiceA/foos", "-s", "{"}).code == 2);
  BOOST_TEST(run({"http", "ServiceA/foos", "-H", "nonsense"}).code == 2);
}

BOOST_FIXTURE_TEST_CASE(run_gives_a_command_its_urls_with_the_scope,
                        with_node) {
  auto got = run({"run", "--scope", "Site2", "--", "/bin/sh", "-c",
                  "echo \"$SERVICE_A_URL $CHEOPS_SCOPE\"; exit 7"});
  BOOST_TEST(got.out == "http://127.0.0.1:8101/scope/U2l0ZTI Site2\n", got.err);
  BOOST_TEST(got.code == 7);
  got = run({"run", "--print"});
  BOOST_TEST(has(got.out, "SERVICE_B_URL=http://127.0.0.1:8103\n"));
  BOOST_TEST(run({"run", "--", "/nonexistent"}).code == 127);
  BOOST_TEST(run({"run", "--", "/etc/passwd"}).code == 126);
  BOOST_TEST(run({"run", "--scope", "{", "--", "true"}).code == 2);
  BOOST_TEST(run({"run", "--scope", "Site2"}).code == 2);
}

BOOST_FIXTURE_TEST_CASE(run_leaves_the_words_of_the_command_alone, with_node) {
  auto got = run({"run", "-s", "Site2", "--", "/bin/echo", "--scope", "x", "-o",
                  "--", "get"});
  BOOST_TEST(got.out == "--scope x -o -- get\n", got.err);
}

// -- files --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(shims_are_installed_listed_and_removed) {
  temporary_folder home;
  const std::map<std::string, std::string> environment{
    {"HOME", home.path()}, {"PATH", home.path() + "/.local/bin:/usr/bin:/bin"}};
  auto got = cheops_run({"shim", "install", "openstack"}, environment);
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(has(got.out, "/.local/bin/openstack"));
  got = cheops_run({"shim", "list", "--no-headers"}, environment);
  BOOST_TEST(got.out
             == "openstack   " + home.path() + "/.local/bin/openstack   yes\n");
  BOOST_TEST(cheops_run({"shim", "uninstall", "openstack"}, environment).code
             == 0);
  got = cheops_run({"shim", "uninstall", "openstack"}, environment);
  BOOST_TEST(got.code == 1);
  BOOST_TEST(has(got.err, "is not there"));
  home.write("other/kubectl", "#!/bin/sh\n", 0755);
  got =
    cheops_run({"shim", "install", "kubectl", "--dir", home.path() + "/other"},
               environment);
  BOOST_TEST(got.code == 5);
  got = cheops_run({"shim", "install", "docker"}, environment);
  BOOST_TEST(got.code == 2);
}

BOOST_AUTO_TEST_CASE(an_authority_is_made_used_and_listed) {
  temporary_folder folder;
  auto ca = folder.path() + "/ca";
  BOOST_TEST(cheops_run({"ca", "init", "--ca-dir", ca}).code == 0);
  BOOST_TEST(cheops_run({"ca", "init", "--ca-dir", ca}).code == 2);
  auto got = cheops_run({"ca", "issue", "Site1", "--ca-dir", ca, "--into",
                         folder.path() + "/site1", "-o", "json"});
  BOOST_TEST(got.code == 0, got.err);
  auto issued = json::parse(got.out);
  BOOST_TEST(std::filesystem::exists(
    json::value_to<std::string>(issued.at("certificate"))));
  got = cheops_run({"ca", "issue-front", "api", "--dns", "localhost", "--ip",
                    "127.0.0.1", "--ca-dir", ca, "--into",
                    folder.path() + "/front"});
  BOOST_TEST(got.code == 0, got.err);
  // What is there is kept, and the way out is said.
  got = cheops_run({"ca", "issue", "Site1", "--ca-dir", ca, "--into",
                    folder.path() + "/site1"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(has(got.err, "--overwrite"), got.err);
  BOOST_TEST(got.err.find("cheops: ") == got.err.rfind("cheops: "), got.err);
  BOOST_TEST(!has(got.err, "cheops ca:"), got.err);
  // The default folder is the name: it must be one, and nowhere else.
  for (const auto* name : {"../evil", "/tmp/evil", ".", "..", "a/b", " a"}) {
    got = cheops_run({"ca", "issue", name, "--ca-dir", ca});
    BOOST_TEST(got.code == 2, name);
    BOOST_TEST(has(got.err, "cannot be a name"), got.err);
  }
  BOOST_TEST(cheops_run({"ca", "revoke", "Site1", "--ca-dir", ca}).code == 0);
  auto all =
    json::parse(cheops_run({"ca", "list", "--ca-dir", ca, "-o", "json"}).out);
  const auto& list = all.at("certificates").as_array();
  BOOST_TEST(list.size() == 2U);
  BOOST_TEST(list[0].at("revoked").is_string());
  BOOST_TEST(list[1].at("revoked").is_null());
}

BOOST_AUTO_TEST_CASE(a_key_is_made_once_and_not_printed) {
  temporary_folder folder;
  auto file = folder.path() + "/replication.key";
  auto got = cheops_run({"key", "generate", file});
  BOOST_TEST(got.code == 0, got.err);
  BOOST_TEST(has(got.out, "replication.key_file"), got.out);
  namespace fs = std::filesystem;
  BOOST_TEST((fs::status(file).permissions()
              == (fs::perms::owner_read | fs::perms::owner_write)));
  std::ifstream in{file};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  auto key = text.substr(text.rfind('\n', text.size() - 2) + 1, 64);
  BOOST_TEST(key.find_first_not_of("0123456789abcdef") == std::string::npos);
  BOOST_TEST(!has(got.out + got.err, key));
  got = cheops_run({"key", "generate", file});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(has(got.err, "is not overwritten"), got.err);
}

// -- what is made from the tree -----------------------------------------------

BOOST_AUTO_TEST_CASE(the_man_page_has_every_command_and_exit_code) {
  temporary_folder folder;
  auto page = cheops_run({"man"}).out;
  auto file = folder.write("cheops.1", page);
  for (const auto* part :
       {".TH CHEOPS 1", ".SS \"get sites\"", ".SS \"shim install\"",
        "\\fB\\-\\-scope\\fR", "\\fB127\\fR", ".SH EXAMPLES"})
    BOOST_TEST(has(page, part), part);
  if (!std::filesystem::exists("/usr/bin/groff")) {
    BOOST_TEST_MESSAGE("groff is not installed: the page is not rendered");
    return;
  }
  auto rendered =
    run_program({"/usr/bin/groff", "-man", "-ww", "-z", "-Tutf8", file});
  BOOST_TEST(rendered.code == 0);
  BOOST_TEST(rendered.err == "");
}

BOOST_AUTO_TEST_CASE(completion_knows_commands_options_and_values) {
  temporary_folder folder;
  auto script =
    folder.write("cheops.bash", cheops_run({"completion", "bash"}).out);
  BOOST_TEST(run_program({"/bin/bash", "-n", script}).code == 0);
  auto complete = [&](const std::string& line) {
    auto got =
      run_program({"/bin/bash", "-c",
                   "source " + script + "; COMP_WORDS=(" + line
                     + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _cheops; "
                       "echo \"${COMPREPLY[*]}\""});
    BOOST_TEST(got.err == "");
    return got.out;
  };
  BOOST_TEST(complete("cheops ge") == "get\n");
  BOOST_TEST(complete("cheops get ''")
             == "sites links fronts faults replicants\n");
  BOOST_TEST(complete("cheops -v get l") == "links\n");
  BOOST_TEST(complete("cheops get sites --wa") == "--wait --watch\n");
  BOOST_TEST(complete("cheops get sites -o y") == "yaml\n");
  BOOST_TEST(complete("cheops shim install k") == "kubectl kubectl-cheops\n");
  // An option's own word is no command, and may be a file.
  BOOST_TEST(complete("cheops --config get get l") == "links\n");
  BOOST_TEST(complete("cheops --config " + script.substr(0, script.size() - 2))
             == script + "\n");
  BOOST_TEST(complete("cheops help ex") == "explain\n");
  BOOST_TEST(complete("cheops demo o") == "openstack\n");
}
