#include "cheops/site/network.hpp"
#include "glue/config.hpp"
#include "glue/read_config.hpp"
#include "glue/registry.hpp"
#include "support/boost_test.hpp"

#include <filesystem>
#include <fstream>

using namespace cheops;
using namespace cheops::glue;
using namespace std::chrono_literals;
using application::verb;

namespace {

const std::string demo = CHEOPS_SOURCE_DIR "/glue/applications/demo.yaml";

/// Lines 1 to 4 of a right configuration; `more` begins in line 5.
std::string small(std::string_view more = "") {
  return "site: S1\napplication: " + demo
         + "\nfronts:\n- {service: a, listen: \"127.0.0.1:9000\", backend: "
           "\"http://127.0.0.1:9001\"}\n"
         + std::string{more};
}

site::config read(const std::string& text) {
  auto x = parse_config(text, "/etc/cheops/site.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  return *x;
}

std::string refused(const std::string& text) {
  auto x = parse_config(text, "site.yaml");
  return x ? "" : to_string(x.error());
}

const std::string whole = R"(
site: Paris
data: data
threads: 2
fronts:
  - service: ServiceA
    listen: 0.0.0.0:9000
    tls: {certificate: a.pem, key: a.key, client_ca: users.pem}
    forwarded_from: [10.9.0.0/16, "fd00::1"]
    backend: http://127.0.0.1:9001
  - service: b
    listen: "[::1]:9002"
    backend:
      url: https://backend.example
      ca: b/ca.pem
      certificate: b/us.pem
      key: b/us.key
      server_name: b.internal
      verify: false
      identity: {certificate: us/node.crt, key: us/node.key}
peer_front: {listen: "0.0.0.0:9010", advertise: "paris.example:443"}
link: {listen: "10.0.0.1:9011"}
tls: {certificate: p.pem, key: p.key, ca: /ca/ca.pem, crl: crl.pem}
networks: [10.0.0.0/8, "fd00::/8"]
peers:
  - site: Berlin
    link: 10.0.0.2:9011
    allow:
      - {service: B, verbs: [read, list]}
      - {service: "*", verbs: other}
    trust: {projects: demo, roles: [member, "*"], brings: []}
    knows_hosts: true
  - {site: Rome, link: "rome.example:9011", allow: []}
default_allow: [{service: ServiceA}]
default_trust: {tokens: false, brings: [Berlin]}
service_users: [nova, neutron]
rewrite_catalogue: true
admin: {listen: "127.0.0.1:9012", token_file: token}
replication: {witnesses: [Rome, Oslo], key_file: replicants.key}
limits: {connections: 10, header_bytes: 32KiB, entry_bytes: 1MiB}
timeouts: {connect: 250ms, idle: 2m, heartbeat: 1s, link_silence: 3s}
log: {level: debug, access: "-"}
experiments: true
)";

} // namespace

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(a_whole_configuration_is_read) {
  auto x = read("application: " + demo + whole);
  BOOST_TEST(x.file == "/etc/cheops/site.yaml");
  BOOST_TEST(x.name.value == "Paris");
  BOOST_TEST(x.application_file == demo);
  BOOST_TEST(x.data == "/etc/cheops/data");
  BOOST_TEST(x.threads == 2U);
  BOOST_REQUIRE(x.fronts.size() == 2U);
  BOOST_TEST(x.fronts[0].service.value == "ServiceA");
  BOOST_TEST((x.fronts[0].listen == mesh::address{"0.0.0.0", 9000}));
  BOOST_TEST(x.fronts[0].tls.certificate == "/etc/cheops/a.pem");
  BOOST_TEST(x.fronts[0].tls.ca == "/etc/cheops/users.pem");
  BOOST_TEST((x.fronts[0].to.at == mesh::address{"127.0.0.1", 9001}));
  BOOST_TEST(!x.fronts[0].to.tls);
  BOOST_TEST((x.fronts[0].forwarded_from
              == std::vector<std::string>{"10.9.0.0/16", "fd00::1"}));
  BOOST_TEST(x.fronts[1].forwarded_from.empty());
  // An alias becomes the canonical name.
  BOOST_TEST(x.fronts[1].service.value == "ServiceB");
  BOOST_TEST((x.fronts[1].listen == mesh::address{"::1", 9002}));
  BOOST_TEST((x.fronts[1].to.at == mesh::address{"backend.example", 443}));
  BOOST_TEST(x.fronts[1].to.tls);
  BOOST_TEST(x.fronts[1].to.files.ca == "/etc/cheops/b/ca.pem");
  BOOST_TEST(x.fronts[1].to.server_name == "b.internal");
  BOOST_TEST(!x.fronts[1].to.verify);
  BOOST_TEST((x.peer_front.advertise == mesh::address{"paris.example", 443}));
  BOOST_TEST((x.link.advertise == mesh::address{"10.0.0.1", 9011}));
  BOOST_TEST(x.tls.ca == "/ca/ca.pem");
  BOOST_TEST(x.tls.crl == "/etc/cheops/crl.pem");
  BOOST_TEST(x.networks.size() == 2U);
  BOOST_REQUIRE(x.peers.size() == 2U);
  BOOST_REQUIRE(x.peers[0].allow);
  BOOST_TEST(x.peers[0].allow->at(0).service.value == "ServiceB");
  BOOST_TEST(
    (x.peers[0].allow->at(0).verbs == std::vector{verb::read, verb::list}));
  BOOST_TEST(x.peers[0].allow->at(1).service.value == "*");
  BOOST_TEST((x.peers[1].allow && x.peers[1].allow->empty()));
  BOOST_REQUIRE(x.default_allow);
  BOOST_TEST(x.default_allow->at(0).verbs.empty());
  site::trust of_berlin;
  of_berlin.projects = {"demo"};
  of_berlin.roles = {"member", "*"};
  of_berlin.brings.emplace();
  BOOST_TEST((site::trust_of(x, site_id{"berlin"}) == of_berlin));
  site::trust of_others;
  of_others.tokens = false;
  of_others.brings = {site_id{"Berlin"}};
  BOOST_TEST((site::trust_of(x, site_id{"Rome"}) == of_others));
  BOOST_TEST(site::knows_hosts(x, site_id{"Berlin"}));
  BOOST_TEST(!site::knows_hosts(x, site_id{"Rome"}));
  BOOST_TEST(site::knows_hosts(x, site_id{"paris"})); // Itself.
  BOOST_TEST((x.service_users == std::vector<std::string>{"nova", "neutron"}));
  BOOST_TEST(x.rewrite_catalogue);
  BOOST_TEST(
    (x.replication.witnesses == std::vector{site_id{"Rome"}, site_id{"Oslo"}}));
  BOOST_TEST(x.replication.key_file == "/etc/cheops/replicants.key");
  BOOST_TEST(x.replication.key_where
             == "/etc/cheops/site.yaml:39:50: replication.key_file");
  BOOST_TEST((x.admin.listen == mesh::address{"127.0.0.1", 9012}));
  BOOST_TEST(x.admin.token_file == "/etc/cheops/token");
  BOOST_TEST(x.bounds.connections == 10U);
  BOOST_TEST(x.bounds.header_bytes == 32768U);
  BOOST_TEST(x.bounds.entry_bytes == 1U << 20);
  BOOST_TEST(x.bounds.hops == site::limits{}.hops);
  BOOST_TEST((x.times.connect == 250ms));
  BOOST_TEST((x.times.idle == 2min));
  BOOST_TEST((x.times.link_silence == 3s));
  BOOST_TEST(x.log.level == "debug");
  BOOST_TEST(x.log.access == "-");
  BOOST_TEST(x.experiments);
}

BOOST_AUTO_TEST_CASE(a_node_has_an_identity_of_its_own_at_a_backend) {
  auto x = read("application: " + demo + whole);
  BOOST_REQUIRE(x.fronts.size() == 2U);
  BOOST_TEST(x.fronts[0].to.identity.empty());
  BOOST_TEST(x.fronts[1].to.identity.certificate == "/etc/cheops/us/node.crt");
  auto as_node = site::node_files(x.fronts[1].to);
  BOOST_TEST(as_node.key == "/etc/cheops/us/node.key");
  BOOST_TEST(as_node.ca == "/etc/cheops/b/ca.pem");
}

BOOST_AUTO_TEST_CASE(a_small_configuration_has_defaults) {
  auto x = read(small());
  BOOST_TEST(x.data == "/var/lib/cheops");
  BOOST_TEST(x.admin.unix_path == "/var/lib/cheops/admin.sock");
  BOOST_TEST(x.peer_front.listen.port == 0);
  BOOST_TEST(!x.default_allow);
  BOOST_TEST((x.default_trust == site::trust{}));
  BOOST_TEST(!x.rewrite_catalogue);
  BOOST_TEST(x.networks.empty());
  BOOST_TEST(!x.experiments);
  BOOST_TEST(x.log.access == "");
}

BOOST_AUTO_TEST_CASE(an_application_may_be_a_name_or_a_relative_path) {
  auto text = small();
  text.replace(text.find(demo), demo.size(), "demo");
  BOOST_TEST(read(text).application_file == demo);

  auto folder = std::filesystem::temp_directory_path()
                / ("cheops-config-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::filesystem::copy_file(demo, folder / "app.yaml");
  text.replace(text.find("demo"), 4, "app.yaml");
  std::ofstream{folder / "site.yaml"} << text;
  auto x = load_config((folder / "site.yaml").string());
  std::filesystem::remove_all(folder);
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  BOOST_TEST(x->application_file == (folder / "app.yaml").string());
  BOOST_TEST(x->file == (folder / "site.yaml").string());
}

BOOST_AUTO_TEST_CASE(default_networks_are_where_the_peers_are) {
  auto here = read(small("peer_front: {listen: \"127.0.0.1:1\"}\n"
                         "link: {listen: \"127.0.0.1:2\"}\n"
                         "peers: [{site: S2, link: \"localhost:3\"}]\n"));
  BOOST_TEST(site::contains(here.networks, "127.0.0.1"));
  BOOST_TEST(site::contains(here.networks, "::1"));
  BOOST_TEST(!site::contains(here.networks, "10.0.0.1"));
  auto there = read(small("peer_front: {listen: \"10.0.0.1:1\"}\n"
                          "link: {listen: \"10.0.0.1:2\"}\n"
                          "tls: {certificate: c, key: k, ca: a}\n"
                          "peers: [{site: S2, link: \"10.0.0.2:3\"},\n"
                          "        {site: S3, link: \"s3.example:3\"}]\n"));
  BOOST_TEST(there.networks == std::vector<std::string>{"10.0.0.2"},
             boost::test_tools::per_element());
  BOOST_TEST(read(small("networks: []\n")).networks.empty());
}

/// The example that ships, its commented sections `limits` and `timeouts`
/// brought in.
std::string example_with_defaults() {
  std::ifstream in{CHEOPS_SOURCE_DIR "/packaging/examples/site.yaml"};
  std::string out;
  auto inside = false;
  for (std::string line; std::getline(in, line);) {
    inside = line == "# limits:" || line == "# timeouts:"
             || (inside && line.starts_with("#   "));
    out += (inside ? line.substr(2) : line) + "\n";
  }
  return out;
}

BOOST_AUTO_TEST_CASE(the_example_that_ships_is_right_and_shows_the_defaults) {
  auto text = example_with_defaults();
  auto x = parse_config(text, CHEOPS_SOURCE_DIR "/packaging/examples/x.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  auto at = text.find("  dial: ");
  BOOST_REQUIRE(at != std::string::npos); // They were brought in.
  BOOST_TEST((x->bounds == site::limits{}));
  BOOST_TEST((x->times == site::timeouts{}));
}

/// The first block of YAML in a document.
std::string documented_example(const std::string& file) {
  std::ifstream in{CHEOPS_SOURCE_DIR "/docs/" + file};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  auto begin = text.find("```yaml\n");
  auto end = text.find("```", begin + 8);
  BOOST_REQUIRE_MESSAGE(end != std::string::npos, file);
  return text.substr(begin + 8, end - begin - 8);
}

BOOST_AUTO_TEST_CASE(the_documented_examples_are_right) {
  auto site = parse_config(documented_example("configuration.md"), "x.yaml");
  BOOST_TEST(site.has_value(), (site ? "" : to_string(site.error())));
  auto app = parse_description(documented_example("applications.md"), "x.yaml");
  BOOST_TEST(app.has_value(), (app ? "" : to_string(app.error())));
}

BOOST_AUTO_TEST_CASE(a_backend_is_a_host_with_a_port) {
  struct {
    std::string_view url;
    std::string_view at;
    bool tls;
  } right[] = {{"http://127.0.0.1:9001", "127.0.0.1:9001", false},
               {"http://h/", "h:80", false},
               {"https://h", "h:443", true},
               {"HTTPS://[::1]:7", "[::1]:7", true}};
  for (const auto& x : right) {
    auto at = to_origin(x.url);
    BOOST_REQUIRE_MESSAGE(at, x.url);
    BOOST_TEST(mesh::to_string(at->at) == x.at);
    BOOST_TEST(at->tls == x.tls);
  }
  for (auto x : {"", "h:80", "ftp://h", "http://", "http://h/path",
                 "http://h:0", "http://h:70000", "http://u:p@h", "http://h?q",
                 "http://h#f", "http://a%20b", "http://[v1.x]"})
    BOOST_TEST(!to_origin(x), x);
}

struct bad {
  std::string text;
  std::string says;
};

/// A configuration with that identity, in line 4.
std::string identified(std::string_view url, std::string_view identity) {
  return "site: S\napplication: " + demo
         + "\nfronts:\n- {service: a, listen: \"127.0.0.1:1\", backend: {url: "
           "\""
         + std::string{url} + "\", identity: " + std::string{identity} + "}}\n";
}

const bad wrong_configurations[] = {
  {identified("https://h", "{}"),
   "site.yaml:4:77: fronts[0].backend.identity: needs either \"certificate\" "
   "and \"key\", or \"token_file\""},
  {identified("https://h", "{certificate: c, key: k, token_file: t}"),
   "site.yaml:4:77: fronts[0].backend.identity: needs either \"certificate\" "
   "and \"key\", or \"token_file\""},
  {identified("https://h", "{certificate: c}"),
   "site.yaml:4:77: fronts[0].backend.identity: \"certificate\" and \"key\" go "
   "together"},
  {identified("http://h", "{token_file: t}"),
   "site.yaml:4:76: fronts[0].backend.identity: needs a backend whose URL is "
   "https"},
  {"fronts: []\n", "site.yaml:1:1: missing key \"site\"\n"
                   "site.yaml:1:1: missing key \"application\"\n"
                   "site.yaml:1:9: fronts: a site has at least one front"},
  {"site: S\napplication: demi\n",
   "site.yaml:2:14: application: no application is called \"demi\""},
  {"site: S\napplication: /nowhere/app.yaml\n",
   "/nowhere/app.yaml: cannot be read"},
  {"site: S\napplication: " + demo + "\nfronts: []\n",
   "site.yaml:3:9: fronts: a site has at least one front"},
  {"site: S\napplication: " + demo
     + "\nfronts:\n- {service: ServicB, listen: x, backend: "
       "\"127.0.0.1:80\"}\n",
   "site.yaml:4:13: fronts[0].service: unknown service \"ServicB\"; did you "
   "mean \"ServiceB\"?\n"
   "site.yaml:4:30: fronts[0].listen: expected host:port, found \"x\"\n"
   "site.yaml:4:42: fronts[0].backend: expected a URL such as "
   "http://127.0.0.1:9001, without a path, found \"127.0.0.1:80\""},
  {"site: S\napplication: " + demo
     + "\nfronts:\n"
       "- {service: a, listen: \"::1:80\", backend: \"http://h\"}\n"
       "- {service: A, listen: \"h.example:80\", backend: {url: http://h, "
       "verify: false}}\n",
   "site.yaml:4:24: fronts[0].listen: expected host:port, found \"::1:80\"\n"
   "site.yaml:5:13: fronts[1].service: \"ServiceA\" already has a front: "
   "fronts[0]\n"
   "site.yaml:5:24: fronts[1].listen: expected an IP address (or localhost) "
   "and a port from 1 to 65535, found \"h.example:80\"\n"
   "site.yaml:5:49: fronts[1].backend: TLS is set, but the URL is not https"},
  {small("peer_front: {listen: \"127.0.0.1:9000\"}\n"),
   "site.yaml:5:22: peer_front.listen: \"127.0.0.1:9000\" is already taken "
   "by "
   "fronts[0].listen"},
  {small("peer_front: {listen: \"127.0.0.1:1\"}\n"),
   "site.yaml:1:1: \"peer_front\" and \"link\" go together: peers need both"},
  {small("peers: [{site: S2, link: \"127.0.0.1:1\"}]\n"),
   "site.yaml:5:8: peers: peers need \"peer_front\" and \"link\" here too"},
  {small("peer_front: {listen: \"10.0.0.1:1\"}\n"
         "link: {listen: \"127.0.0.1:2\"}\n"
         "peers: [{site: S2, link: \"10.0.0.2:1\"}]\n"),
   "site.yaml:5:22: peer_front.listen: a node listens for peers beyond "
   "loopback only with TLS (key \"tls\")\n"
   "site.yaml:7:26: peers[0].link: a node calls peers beyond loopback only "
   "with TLS (key \"tls\")"},
  {small("link: {listen: \"0.0.0.0:1\"}\n"),
   "site.yaml:5:7: link: needs \"advertise\": peers cannot call "
   "\"0.0.0.0\""},
  {small("tls: {certificate: c}\n"),
   "site.yaml:5:6: tls: \"certificate\" and \"key\" go together\n"
   "site.yaml:5:6: tls: needs \"certificate\", \"key\" and \"ca\""},
  {small("networks: [10.0.0.1/8]\n"),
   "site.yaml:5:12: networks[0]: expected a network such as 10.0.0.0/8 or "
   "fd00::/8, found \"10.0.0.1/8\""},
  {small("peers:\n- {site: s1, link: \"h:0\"}\n- {site: B, link: \"h:1\"}\n"
         "- {site: b, link: \"h:2\"}\n"),
   "site.yaml:6:10: peers[0].site: is this site itself; names match whatever "
   "their case\n"
   "site.yaml:6:20: peers[0].link: expected a port from 1 to 65535, found "
   "\"h:0\"\n"
   "site.yaml:8:10: peers[2].site: \"b\" is given twice; first at "
   "site.yaml:7:10"},
  {small("default_allow: [{service: a, verbs: []}, {service: b, verbs: "
         "write}]\n"),
   "site.yaml:5:37: default_allow[0].verbs: is empty; leave it out to allow "
   "every verb\n"
   "site.yaml:5:62: default_allow[1].verbs: expected create, read, list, "
   "update, remove or other, found \"write\""},
  {small("default_trust: {roles: [], projects: [\"*\"], rules: x}\n"),
   "site.yaml:5:24: default_trust.roles: is empty; leave it out to accept "
   "every one, or say \"tokens: false\"\n"
   "site.yaml:5:39: default_trust.projects[0]: expected a name (one line, at "
   "most 253 bytes, not \"*\"), found \"*\"\n"
   "site.yaml:5:45: default_trust: unknown key \"rules\"; did you mean "
   "\"roles\"?"},
  {small("replication: {witnesses: [Rome]}\n"),
   "site.yaml:5:26: replication.witnesses: needs \"key_file\": what a witness "
   "keeps is sealed. Make one with `cheops key generate` and copy it to each "
   "site that is no witness"},
  {small("replication: {witnesses: [Rome, s1], key_file: k}\n"),
   "site.yaml:5:33: replication.witnesses[1]: is this site itself, which "
   "cannot be a witness of what it has"},
  {small("replication: {witnesses: [Rome, ROME], key_file: k}\n"),
   "site.yaml:5:33: replication.witnesses[1]: \"ROME\" is given twice"},
  {small("admin: {}\n"),
   "site.yaml:5:8: admin: needs either \"unix\", a path, or \"listen\", an "
   "address"},
  {small("admin: {listen: \"127.0.0.1:1\"}\n"),
   "site.yaml:5:8: admin: with \"listen\" it needs \"token_file\""},
  {small("admin: {listen: \"10.0.0.1:1\", token_file: t}\n"),
   "site.yaml:5:8: admin: beyond loopback it listens only with \"tls\""},
  {small("admin: {unix: /" + std::string(110, 'x') + "}\n"),
   "site.yaml:5:15: admin.unix: \"/" + std::string(110, 'x')
     + "\" is longer than 107 bytes, the system's bound for a socket"},
  {small("limits: {connections: 0, target_bytes: 2MiB, buffer: 1KiB}\n"),
   "site.yaml:5:23: limits.connections: expected a whole number (1 to "
   "1000000), found \"0\"\n"
   "site.yaml:5:40: limits.target_bytes: expected a size such as 64KiB or "
   "3MiB (64 to 1MiB), found \"2MiB\"\n"
   "site.yaml:5:46: limits: unknown key \"buffer\"; known here: connections"},
  {small("limits: {header_bytes: 1KiB}\n"),
   "site.yaml:5:9: limits: target_bytes is more than header_bytes; the "
   "target is a part of the head"},
  {small("timeouts: {heartbeat: 2s, dial: 1}\n"),
   "site.yaml:5:11: timeouts: link_silence is less than two heartbeats; a "
   "link would be cut off for one that is late\n"
   "site.yaml:5:33: timeouts.dial: expected a duration such as 50ms, 2s or "
   "1m (10ms to 24h), found \"1\""},
  {small("log: {level: verbose}\n"),
   "site.yaml:5:14: log.level: expected trace, debug, info, warn or error, "
   "found \"verbose\""},
  {small("peers: [{site: \"../x\", link: \"127.0.0.1:1\"}]\n"),
   "site.yaml:5:16: peers[0].site: expected a name of 1 to 253 bytes, without "
   "\"/\" and control characters, no space at an end, and not \"*\", \".\" or "
   "\"..\", found \"../x\""},
  {small("peer: []\n"),
   "site.yaml:5:1: unknown key \"peer\"; did you mean \"peers\"?"},
};

BOOST_AUTO_TEST_CASE(a_wrong_configuration_says_where_and_why) {
  for (const auto& x : wrong_configurations) {
    auto says = refused(x.text);
    // Lists of folders and keys are left to the documentation.
    BOOST_TEST(says.substr(0, x.says.size()) == x.says);
    BOOST_TEST((says.size() == x.says.size()
                || std::string_view{" (,:"}.find(says[x.says.size()])
                     != std::string_view::npos));
  }
}

BOOST_AUTO_TEST_SUITE_END()
