// What a running node takes of files that have changed, and what it refuses.
#define BOOST_TEST_MODULE tools_site_files
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"
#include "tools/site_files.hpp"

using namespace cheops;

namespace {

using change = void (*)(site::config&);

struct running_site : folder_fixture {
  tools::site_files was;

  running_site() {
    write("app.yaml", read_demo());
    write("site.yaml", "site: Site1\napplication: ./app.yaml\n"
                       "fronts:\n"
                       "  - {service: ServiceA, listen: '127.0.0.1:8001', "
                       "backend: 'http://127.0.0.1:9001'}\n"
                       "  - {service: ServiceB, listen: '127.0.0.1:8002', "
                       "backend: 'http://127.0.0.1:9002'}\n");
    was = tools::load_site(path("site.yaml")).value();
  }

  static std::string read_demo() {
    std::ifstream in{CHEOPS_SOURCE_DIR "/glue/applications/demo.yaml"};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  /// What is said of a reload with that change; "" if it is taken.
  std::string refusal(change what) const {
    auto next = was;
    auto config = *was.config;
    what(config);
    next.config = std::make_shared<const site::config>(std::move(config));
    auto ok = tools::check_reload(was, next);
    return ok ? "" : to_string(ok.error());
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_counts_at_the_start_only_is_refused_by_its_key,
                        running_site) {
  const std::pair<const char*, change> table[] = {
    {"site", [](auto& x) { x.name = site_id{"Site2"}; }},
    {"application", [](auto& x) { x.application_file = "other"; }},
    {"data", [](auto& x) { x.data = "/elsewhere"; }},
    {"threads", [](auto& x) { x.threads = 7; }},
    {"fronts (their number)", [](auto& x) { x.fronts.pop_back(); }},
    {"fronts[1], ServiceB: listen",
     [](auto& x) { x.fronts[1].listen.port = 8009; }},
    {"fronts[0], ServiceA: tls",
     [](auto& x) {
       x.fronts[0].tls = {"a.crt", "a.key", "", ""};
     }},
    {"peer_front.listen",
     [](auto& x) {
       x.peer_front.listen = {"127.0.0.1", 7443};
     }},
    {"link.listen",
     [](auto& x) {
       x.link.listen = {"127.0.0.1", 7444};
     }},
    {"tls",
     [](auto& x) {
       x.tls = {"a.crt", "a.key", "ca.crt", ""};
     }},
    {"admin.unix", [](auto& x) { x.admin.unix_path = "/other.sock"; }},
    {"admin.listen",
     [](auto& x) {
       x.admin.listen = mesh::address{"127.0.0.1", 1};
     }},
    {"admin.token_file", [](auto& x) { x.admin.token_file = "token"; }},
    {"admin.tls", [](auto& x) { x.admin.tls.certificate = "a.crt"; }},
    {"replication.witnesses",
     [](auto& x) { x.replication.witnesses = {site_id{"Rome"}}; }},
    {"replication.key_file",
     [](auto& x) { x.replication.key_file = "other.key"; }},
    {"log.access", [](auto& x) { x.log.access = "-"; }},
    {"limits.tokens", [](auto& x) { ++x.bounds.tokens; }},
    {"limits.scoped_resources", [](auto& x) { ++x.bounds.scoped_resources; }},
    {"limits.entry_bytes", [](auto& x) { ++x.bounds.entry_bytes; }},
    {"limits.replicant_bytes", [](auto& x) { ++x.bounds.replicant_bytes; }},
    {"limits.application_calls",
     [](auto& x) { ++x.bounds.application_calls; }}};
  for (const auto& [key, what] : table) {
    auto said = refusal(what);
    BOOST_TEST(said.find(std::string{key} + " ") != std::string::npos,
               key << ": " << said);
    BOOST_TEST(said.find("restart cheopsd") != std::string::npos, said);
  }
}

BOOST_FIXTURE_TEST_CASE(the_rest_is_taken, running_site) {
  const change table[] = {
    [](auto&) {},
    [](auto& x) { std::swap(x.fronts[0], x.fronts[1]); },
    [](auto& x) { x.fronts[0].to.at.port = 9009; },
    [](auto& x) { x.fronts[0].forwarded_from = {"10.0.0.0/8"}; },
    [](auto& x) { x.log.level = "debug"; },
    [](auto& x) { x.experiments = true; },
    [](auto& x) { x.networks = {"10.0.0.0/8"}; },
    [](auto& x) { x.default_allow.emplace(); },
    [](auto& x) { ++x.bounds.connections; },
    [](auto& x) { x.times.drain *= 2; }};
  for (auto what : table)
    BOOST_TEST(refusal(what) == "");
}

BOOST_FIXTURE_TEST_CASE(another_description_needs_a_restart, running_site) {
  write("app.yaml", read_demo() + "# and more\n");
  auto now = tools::load_site(path("site.yaml")).value();
  auto ok = tools::check_reload(was, now);
  BOOST_REQUIRE(!ok);
  BOOST_TEST(to_string(ok.error()).find(path("app.yaml")) != std::string::npos);
}
