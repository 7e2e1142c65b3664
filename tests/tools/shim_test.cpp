#define BOOST_TEST_MODULE tools_shim
#include "cheops/traffic/carriers.hpp"
#include "support/boost_test.hpp"
#include "tools/cli/shim.hpp"
#include "tools/cli/url.hpp"
#include "tools/run_program.hpp"

using namespace cheops;
using namespace cheops::test;

namespace {

/// Shims and fake clients in folders of their own; PATH has the shims first.
struct machine {
  temporary_folder folder;
  std::string path =
    folder.path() + "/shims:" + folder.path() + "/real:/usr/bin:/bin";

  machine() {
    for (const auto* name : {"kubectl", "kubectl-cheops", "openstack"})
      BOOST_REQUIRE(cli::install_shim(name, folder.path() + "/shims/" + name));
    // Prints each argument in brackets, so that quoting shows.
    const std::string show =
      "#!/bin/sh\nfor x in \"$@\"; do printf '[%s]' \"$x\"; done\n";
    folder.write("real/kubectl",
                 "#!/bin/sh\nif [ \"$1 $2\" = 'config view' ]; then\n"
                 "  printf 'https://cluster:6443'\n"
                 "  printf '%s\\n' \"$*\" >"
                   + folder.path() + "/view\n  exit 0\nfi\n" + show.substr(10),
                 0755);
    folder.write("real/openstack",
                 "#!/bin/sh\ncase \"$*\" in *'configuration show'*)\n"
                 "  printf '%s' \"$*\" >"
                   + folder.path() + "/view\n  [ \"$2\" = home ] || exit 1\n"
                   + "  printf 'http://127.0.1.1:15000/identity\\n'; exit;;\n"
                   + "esac\n" + show.substr(10)
                   + "printf ' %s %s' \"${OS_AUTH_URL-}\" "
                     "\"${OS_AUTH_TYPE-}\"\n",
                 0755);
  }

  outcome run(std::vector<std::string> words,
              std::map<std::string, std::string> environment = {}) {
    environment.emplace("PATH", path);
    environment.emplace("OS_AUTH_TYPE", "");
    words[0] = folder.path() + "/shims/" + words[0];
    return run_program(words, environment);
  }
};

const std::string scope = "{A: \"New York\" & Site2}";
const std::string prefix = "/scope/" + traffic::base64url(scope);

} // namespace

BOOST_FIXTURE_TEST_CASE(without_a_scope_the_real_one_gets_its_words, machine) {
  auto got = run({"kubectl", "get", "pods", "-n", "a b", "", "it's \"q\"\n"});
  BOOST_TEST(got.out == "[get][pods][-n][a b][][it's \"q\"\n]");
  BOOST_TEST(got.code == 0);
  got = run({"openstack", "image list", "*"}, {{"OS_AUTH_URL", "http://k/v3"}});
  BOOST_TEST(got.out == "[image list][*] http://k/v3 ");
}

BOOST_FIXTURE_TEST_CASE(kubectl_gets_the_scope_in_its_server, machine) {
  auto got = run({"kubectl", "create", "--scope", scope, "ns", "x y"});
  BOOST_TEST(got.out
             == "[create][ns][x y][--server=https://cluster:6443" + prefix
                  + "]");
  got = run({"kubectl", "create", "ns", "x", "--scope=" + scope});
  BOOST_TEST(got.out
             == "[create][ns][x][--server=https://cluster:6443" + prefix + "]");
}

BOOST_FIXTURE_TEST_CASE(a_server_among_the_words_is_rewritten, machine) {
  for (const auto& server : std::vector<std::vector<std::string>>{
         {"--server", "https://s:1/"},
         {"--server=https://s:1"},
         {"-s", "https://s:1"},
         {"-s=https://s:1"},
         {"-shttps://s:1"},
         {"--server", "https://s:1/scope/b2xk"}}) {
    std::vector<std::string> words{"kubectl"};
    words.insert(words.end(), server.begin(), server.end());
    words.insert(words.end(), {"--scope", scope, "get", "pods"});
    BOOST_TEST(run(words).out
               == "[get][pods][--server=https://s:1" + prefix + "]");
  }
}

BOOST_FIXTURE_TEST_CASE(the_chosen_context_is_asked_for_its_server, machine) {
  (void) run({"kubectl", "--context", "edge 1", "--kubeconfig=/a b", "get",
              "ns", "--scope", "S"});
  auto asked = folder.read("view");
  BOOST_TEST(asked.find("--context=edge 1") != std::string::npos);
  BOOST_TEST(asked.find("--kubeconfig=/a b") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(words_behind_two_dashes_are_not_ours, machine) {
  auto got = run({"kubectl", "exec", "--scope", scope, "p", "--", "sh",
                  "--scope", "x", "-s", "y"});
  BOOST_TEST(got.out
             == "[exec][p][--server=https://cluster:6443" + prefix
                  + "][--][sh][--scope][x][-s][y]");
}

BOOST_FIXTURE_TEST_CASE(the_plugin_becomes_the_real_kubectl, machine) {
  auto got = run({"kubectl-cheops", "--scope", scope, "create", "ns", "x y"});
  BOOST_TEST(got.out
             == "[create][ns][x y][--server=https://cluster:6443" + prefix
                  + "]");
  got = run({"kubectl-cheops", "get", "pods"});
  BOOST_TEST(got.out == "[get][pods]");
}

BOOST_FIXTURE_TEST_CASE(the_plugin_explains_a_scope, machine) {
  folder.write("real/cheops", "#!/bin/sh\necho \"cheops $*\"\n", 0755);
  BOOST_TEST(run({"kubectl-cheops", "explain", "Site1 & Site2"}).out
             == "cheops explain Site1 & Site2\n");
  auto got = run({"kubectl-cheops"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.out.find("kubectl cheops --scope") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(the_plugin_tells_of_an_object, machine) {
  folder.write("real/cheops", "#!/bin/sh\necho \"cheops $*\"\n", 0755);
  folder.write("real/kubectl",
               "#!/bin/sh\ncase \"$1\" in\nconfig) echo edge ;;\n"
               "api-resources) cat <<'END'\n"
               "pods po v1 true Pod\n"
               "namespaces ns v1 false Namespace\n"
               "bindings v1 true Binding\n"
               "deployments deploy apps/v1 true Deployment\n"
               "events ev events.k8s.io/v1 true Event\n"
               "END\nesac\n",
               0755);
  auto told = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"kubectl-cheops", "status"});
    return run(words).out;
  };
  const std::string tells = "cheops describe replicant ";
  BOOST_TEST(told({"pod/purple"}) == tells + "/edge/pods/purple -o table\n");
  BOOST_TEST(told({"po", "purple", "-n", "a"})
             == tells + "/a/pods/purple -o table\n");
  BOOST_TEST(told({"Binding/x", "--namespace=b", "-ojson"})
             == tells + "/b/bindings/x -o json\n");
  BOOST_TEST(told({"ns/x", "-n", "a", "-o", "yaml"})
             == tells + "//namespaces/x -o yaml\n");
  BOOST_TEST(told({"deployment.apps/web"})
             == tells + "apps/edge/deployments/web -o table\n");
  auto got = run({"kubectl-cheops", "status", "thing/x"});
  BOOST_TEST(got.code == 1);
  BOOST_TEST(got.err.find("no resource thing") != std::string::npos);
  for (auto words : {std::vector<std::string>{}, {"pod"}, {"pod/x", "-n"}}) {
    words.insert(words.begin(), {"kubectl-cheops", "status"});
    BOOST_TEST(run(words).code == 2);
  }
}

BOOST_FIXTURE_TEST_CASE(openstack_gets_the_scope_in_its_auth_url, machine) {
  const std::map<std::string, std::string> keystone{
    {"OS_AUTH_URL", "http://127.0.1.1:15000/v3"}};
  auto wanted = " http://127.0.1.1:15000" + prefix + "/v3 v3password";
  auto got =
    run({"openstack", "server", "create", "--scope", scope, "my vm"}, keystone);
  BOOST_TEST(got.out == "[server][create][my vm]" + wanted);
  got = run({"openstack", "x", "--scope", scope, "--os-auth-url",
             "http://127.0.1.1:15000/"});
  BOOST_TEST(got.out == "[x]" + wanted);
}

BOOST_FIXTURE_TEST_CASE(the_scope_comes_before_what_keystone_is_below,
                        machine) {
  auto wanted =
    "[x] http://127.0.1.1:15000" + prefix + "/identity/v3 v3password";
  for (auto end : {"", "/", "/v3", "/v3/"}) {
    auto url = std::string{"http://127.0.1.1:15000/identity"} + end;
    auto got =
      run({"openstack", "x", "--scope", scope}, {{"OS_AUTH_URL", url}});
    BOOST_TEST(got.out == wanted);
    // A scope that is there gives way.
    url.insert(url.find("/identity"), "/scope/AAAA");
    got = run({"openstack", "x", "--scope", scope}, {{"OS_AUTH_URL", url}});
    BOOST_TEST(got.out == wanted);
  }
}

BOOST_FIXTURE_TEST_CASE(openstack_itself_finds_a_cloud, machine) {
  auto wanted = " http://127.0.1.1:15000" + prefix + "/identity/v3 v3password";
  auto got = run({"openstack", "x", "--scope", scope}, {{"OS_CLOUD", "home"}});
  BOOST_TEST(got.out == "[x]" + wanted);
  BOOST_TEST(folder.read("view")
             == "--os-cloud home configuration show -f value -c auth.auth_url");
  got = run({"openstack", "--os-cloud", "home", "x", "--scope", scope},
            {{"OS_CLOUD", "other"}});
  BOOST_TEST(got.out == "[--os-cloud][home][x]" + wanted);
  got = run({"openstack", "--os-cloud=other", "x", "--scope", scope});
  BOOST_TEST(got.code == 1);
  BOOST_TEST(got.out == "");
}

BOOST_FIXTURE_TEST_CASE(other_ways_to_log_in_are_kept, machine) {
  auto type_of = [&](const std::string& type) {
    auto out = run({"openstack", "--scope", "S"},
                   {{"OS_AUTH_URL", "http://k"}, {"OS_AUTH_TYPE", type}})
                 .out;
    return out.substr(out.rfind(' ') + 1);
  };
  BOOST_TEST(type_of("token") == "v3token");
  BOOST_TEST(type_of("v3applicationcredential") == "v3applicationcredential");
}

BOOST_FIXTURE_TEST_CASE(a_scope_that_is_missing_is_an_error, machine) {
  for (const auto& words : std::vector<std::vector<std::string>>{
         {"kubectl", "get", "--scope"}, {"kubectl", "--scope=", "get"}}) {
    auto got = run(words);
    BOOST_TEST(got.code == 2);
    BOOST_TEST(got.err.find("--scope needs a scope") != std::string::npos);
    BOOST_TEST(got.out == "");
  }
}

BOOST_FIXTURE_TEST_CASE(without_an_auth_url_it_says_what_to_do, machine) {
  auto got = run({"openstack", "x", "--scope", "S"}, {{"OS_AUTH_URL", ""}});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.find("source an openrc file") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(shims_never_call_one_another, machine) {
  BOOST_REQUIRE(
    cli::install_shim("kubectl", folder.path() + "/second/kubectl"));
  path = folder.path() + "/shims:" + folder.path() + "/second:" + folder.path()
         + "/shims:" + folder.path() + "/real:/usr/bin:/bin";
  BOOST_TEST(run({"kubectl", "version"}).out == "[version]");
}

BOOST_FIXTURE_TEST_CASE(without_a_real_client_it_says_so, machine) {
  // Only what the shim itself needs.
  for (const auto* tool : {"head", "tr", "grep", "base64", "sed"})
    std::filesystem::create_symlink(
      std::filesystem::exists(std::string{"/usr/bin/"} + tool)
        ? std::string{"/usr/bin/"} + tool
        : std::string{"/bin/"} + tool,
      [&] {
        std::filesystem::create_directories(folder.path() + "/bare");
        return folder.path() + "/bare/" + tool;
      }());
  path = folder.path() + "/shims:" + folder.path() + "/bare";
  auto got = run({"kubectl", "version"});
  BOOST_TEST(got.code == 127);
  BOOST_TEST(got.err.find("no real kubectl is on PATH") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(another_program_is_never_overwritten, machine) {
  auto done = cli::install_shim("kubectl", folder.path() + "/real/kubectl");
  BOOST_REQUIRE(!done);
  BOOST_TEST((done.error().code == errc::forbidden));
  BOOST_TEST(!cli::is_shim(folder.path() + "/real/kubectl"));
  BOOST_TEST(cli::is_shim(folder.path() + "/shims/kubectl"));
}
