#define BOOST_TEST_MODULE glue_kubernetes
#include "glue/kubernetes/discovery.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::glue::kubernetes;

namespace {

/// As kube-apiserver 1.20.2 answers, less what nobody reads.
constexpr std::string_view apps = R"({
  "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1",
  "resources": [
    {"name": "deployments", "singularName": "", "namespaced": true,
     "kind": "Deployment", "verbs": ["create", "delete", "get"],
     "shortNames": ["deploy"], "categories": ["all"],
     "storageVersionHash": "8aSe+NMegvE="},
    {"name": "deployments/scale", "singularName": "", "namespaced": true,
     "group": "autoscaling", "version": "v1", "kind": "Scale",
     "verbs": ["get", "patch", "update"]},
    {"name": "deployments/status", "singularName": "", "namespaced": true,
     "kind": "Deployment", "verbs": ["get"]}]})";

constexpr std::string_view core = R"({
  "kind": "APIResourceList", "groupVersion": "v1",
  "resources": [
    {"name": "bindings", "singularName": "", "namespaced": true,
     "kind": "Binding", "verbs": ["create"]},
    {"name": "namespaces", "singularName": "", "namespaced": false,
     "kind": "Namespace", "verbs": ["create", "list", "watch"]},
    {"name": "namespaces/finalize", "singularName": "", "namespaced": false,
     "kind": "Namespace", "verbs": ["update"]}]})";

/// As servers since 1.26 answer to
/// `Accept:
/// application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`.
constexpr std::string_view aggregated = R"({
  "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
  "metadata": {},
  "items": [
    {"metadata": {"name": "apps", "creationTimestamp": null},
     "versions": [
       {"version": "v1", "freshness": "Current", "resources": [
         {"resource": "deployments", "scope": "Namespaced",
          "responseKind": {"group": "apps", "version": "v1",
                           "kind": "Deployment"},
          "singularResource": "deployment", "shortNames": ["deploy"],
          "verbs": ["create", "delete", "get"],
          "subresources": [
            {"subresource": "scale",
             "responseKind": {"group": "autoscaling", "version": "v1",
                              "kind": "Scale"},
             "verbs": ["get", "patch", "update"]},
            {"subresource": "status",
             "responseKind": {"group": "apps", "version": "v1",
                              "kind": "Deployment"},
             "verbs": ["get"]}]}]}]},
    {"metadata": {"name": "metrics.k8s.io", "creationTimestamp": null},
     "versions": [{"version": "v1beta1", "freshness": "Stale"}]}]})";

const api_resource deployments{
  {"apps", "v1"},
  "deployments",
  "Deployment",
  true,
  {"create", "delete", "get"},
  {{"scale", {"get", "patch", "update"}}, {"status", {"get"}}}};

errc code_of(std::string_view body) {
  auto got = read_resources(body);
  return got ? errc::none : got.error().code;
}

/// A list with one resource of that name.
std::string list_with(const std::string& name) {
  return R"({"kind": "APIResourceList", "groupVersion": "v1",
             "resources": [{"name": ")"
         + name + R"(", "namespaced": true, "kind": "K", "verbs": []}]})";
}

} // namespace

BOOST_AUTO_TEST_CASE(a_list_of_one_version_says_what_there_is) {
  auto got = read_resources(apps);
  BOOST_REQUIRE(got);
  BOOST_REQUIRE(got->resources.size() == 1);
  BOOST_TEST((got->resources[0] == deployments));
  BOOST_TEST(got->stale.empty());
}

BOOST_AUTO_TEST_CASE(the_new_form_says_the_same) {
  auto got = read_resources(aggregated);
  BOOST_REQUIRE(got);
  BOOST_REQUIRE(got->resources.size() == 1);
  BOOST_TEST((got->resources[0] == deployments));
}

BOOST_AUTO_TEST_CASE(what_another_server_does_not_answer_is_stale) {
  auto got = read_resources(aggregated);
  BOOST_REQUIRE(got);
  BOOST_TEST(
    (got->stale == std::vector{group_version{"metrics.k8s.io", "v1beta1"}}));
}

BOOST_AUTO_TEST_CASE(the_core_group_has_no_name) {
  auto got = read_resources(core);
  BOOST_REQUIRE(got);
  BOOST_REQUIRE(got->resources.size() == 2);
  BOOST_TEST(got->resources[1].of.group == "");
  BOOST_TEST(got->resources[1].name == "namespaces");
  BOOST_TEST(!got->resources[1].namespaced);
  BOOST_TEST(got->resources[0].namespaced);
  BOOST_TEST(got->resources[1].subresources[0].name == "finalize");
  auto in_new_form = read_resources(R"({"kind": "APIGroupDiscoveryList",
    "items": [{"metadata": {"name": ""}, "versions": [{"version": "v1",
    "resources": [{"resource": "nodes", "scope": "Cluster", "responseKind":
    {"group": "", "version": "", "kind": "Node"}, "verbs": ["get"]}]}]}]})");
  BOOST_REQUIRE(in_new_form);
  BOOST_TEST(
    (in_new_form->resources[0]
     == api_resource{{"", "v1"}, "nodes", "Node", false, {"get"}, {}}));
}

BOOST_AUTO_TEST_CASE(a_part_may_have_a_slash_or_no_owner) {
  auto got = read_resources(R"({"kind": "APIResourceList",
    "groupVersion": "v1", "resources": [
    {"name": "services", "namespaced": true, "kind": "Service", "verbs": []},
    {"name": "services/proxy/x", "namespaced": true, "verbs": ["get"]},
    {"name": "ghosts/status", "namespaced": true, "verbs": null}]})");
  BOOST_REQUIRE(got);
  BOOST_REQUIRE(got->resources.size() == 2);
  BOOST_TEST(got->resources[0].subresources[0].name == "proxy/x");
  BOOST_TEST(got->resources[1].name == "ghosts");
  BOOST_TEST(got->resources[1].kind == "");
  BOOST_TEST(got->resources[1].namespaced);
}

BOOST_AUTO_TEST_CASE(what_go_leaves_out_is_empty) {
  auto got = read_resources(
    R"({"kind": "APIResourceList", "groupVersion": "v1", "resources": null})");
  BOOST_REQUIRE(got);
  BOOST_TEST(got->resources.empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_discovery_is_refused) {
  for (const auto* x :
       {"", "null", "[]", "{", "{}", R"({"kind": "Status"})",
        R"({"kind": "APIResourceList", "resources": []})",
        R"({"kind": "APIResourceList", "groupVersion": "a/b/c"})",
        R"({"kind": "APIResourceList", "groupVersion": "v1",
            "resources": [1]})",
        R"({"kind": "APIGroupDiscoveryList", "items": [1]})",
        R"({"kind": "APIGroupDiscoveryList",
            "items": [{"metadata": {"name": "A b"}}]})",
        R"({"kind": "APIGroupDiscoveryList",
            "items": [{"metadata": {"name": "a"}, "versions": [{}]}]})"})
    BOOST_TEST_CONTEXT(x) {
      BOOST_TEST((code_of(x) == errc::broken));
    }
}

BOOST_AUTO_TEST_CASE(names_are_those_of_paths) {
  BOOST_TEST((code_of(list_with("pods")) == errc::none));
  for (const auto* x : {"", "Pods", "po ds", "..%2f", "/x", "pods/", "ü"})
    BOOST_TEST_CONTEXT(x) {
      BOOST_TEST((code_of(list_with(x)) == errc::broken));
    }
  BOOST_TEST((code_of(list_with(std::string(254, 'a'))) == errc::broken));
  BOOST_TEST((code_of(list_with(std::string(253, 'a'))) == errc::none));
}

BOOST_AUTO_TEST_CASE(a_resource_that_is_there_twice_is_refused) {
  BOOST_TEST((code_of(R"({"kind": "APIResourceList", "groupVersion": "v1",
    "resources": [{"name": "a", "kind": "A"}, {"name": "a", "kind": "A"}]})")
              == errc::broken));
}

BOOST_AUTO_TEST_CASE(there_is_a_bound) {
  std::string body =
    R"({"kind": "APIResourceList", "groupVersion": "v1", "resources": [)"
    R"({"name": "a", "kind": "A"})";
  for (std::size_t i = 0; i < discovered_resources_max; ++i)
    body += R"(,{"name": "a/b"})";
  BOOST_TEST((code_of(body + "]}") == errc::too_large));
}

BOOST_AUTO_TEST_CASE(an_old_server_says_which_versions_to_ask_for) {
  auto got = read_versions(R"({"kind": "APIVersions", "versions": ["v1"],
    "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0",
    "serverAddress": "127.0.2.1:6443"}]})");
  BOOST_REQUIRE(got);
  BOOST_TEST((*got == std::vector{group_version{"", "v1"}}));
  got = read_versions(R"({"kind": "APIGroupList", "apiVersion": "v1",
    "groups": [{"name": "autoscaling", "versions": [
    {"groupVersion": "autoscaling/v2", "version": "v2"},
    {"groupVersion": "autoscaling/v1", "version": "v1"}],
    "preferredVersion": {"groupVersion": "autoscaling/v1",
    "version": "v1"}}]})");
  BOOST_REQUIRE(got);
  BOOST_TEST((*got
              == std::vector{group_version{"autoscaling", "v1"},
                             group_version{"autoscaling", "v2"}}));
  for (const auto* x : {"{}", R"({"kind": "APIVersions", "versions": [1]})",
                        R"({"kind": "APIGroupList", "groups": [{"name": "a",
            "versions": [{}]}]})"}) {
    auto refused = read_versions(x);
    BOOST_REQUIRE(!refused);
    BOOST_TEST((refused.error().code == errc::broken));
  }
}

BOOST_AUTO_TEST_CASE(each_version_has_its_path) {
  BOOST_TEST(path_of({"", "v1"}) == "/api/v1");
  BOOST_TEST(path_of({"apps", "v1"}) == "/apis/apps/v1");
}

BOOST_AUTO_TEST_CASE(
  a_text_that_was_cut_or_changed_is_never_more_than_refused) {
  BOOST_TEST(rc::check([] {
    std::string text{*rc::gen::element(apps, core, aggregated)};
    auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    if (*rc::gen::arbitrary<bool>())
      text.resize(at);
    else
      text[at] = *rc::gen::arbitrary<char>();
    auto got = read_resources(text);
    RC_ASSERT((got || got.error().code == errc::broken));
    auto versions = read_versions(text);
    RC_ASSERT((versions || versions.error().code == errc::broken));
  }));
}
