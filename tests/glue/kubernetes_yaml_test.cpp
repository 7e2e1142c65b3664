#include "glue/registry.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::application;

namespace {

const description& kubernetes() {
  static const auto x = glue::load_description(
    CHEOPS_SOURCE_DIR "/glue/applications/kubernetes.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  return *x;
}

/// A request as kubectl sends it, and what it is about.
struct sent {
  std::string_view method;
  std::string_view target;
  std::string_view kind; ///< Empty: no resource.
  verb does;
  std::string_view id;
};

const sent requests[] = {
  // What there is.
  {"GET", "/api?timeout=32s", "discovery", verb::list, ""},
  {"GET", "/apis", "discovery", verb::list, ""},
  {"GET", "/api/v1", "discovery", verb::list, ""},
  {"GET", "/apis/apps/v1?timeout=32s", "discovery", verb::list, ""},
  {"GET", "/openapi/v2?timeout=32s", "discovery", verb::list, ""},
  {"GET", "/version", "discovery", verb::list, ""},
  {"GET", "/readyz", "", verb::read, ""},
  // Of the core group.
  {"GET", "/api/v1/pods?limit=500", "object", verb::list, ""},
  {"GET", "/api/v1/namespaces", "object", verb::list, ""},
  {"POST", "/api/v1/namespaces?fieldManager=kubectl-create", "object",
   verb::create, ""},
  {"GET", "/api/v1/namespaces/default", "object", verb::read, "default"},
  {"DELETE", "/api/v1/namespaces/default", "object", verb::remove, "default"},
  {"PUT", "/api/v1/namespaces/default/finalize", "object", verb::update,
   "default"},
  {"GET", "/api/v1/namespaces/default/status", "object", verb::read, "default"},
  {"GET", "/api/v1/nodes/n1", "object", verb::read, "n1"},
  {"POST", "/api/v1/namespaces/default/pods", "object", verb::create, ""},
  {"GET", "/api/v1/namespaces/default/pods?watch=1", "object", verb::list, ""},
  {"GET", "/api/v1/namespaces/default/pods/purple", "object", verb::read,
   "purple"},
  {"PATCH", "/api/v1/namespaces/default/pods/purple", "object", verb::update,
   "purple"},
  {"PUT", "/api/v1/namespaces/default/pods/purple/status", "object",
   verb::update, "purple"},
  {"DELETE", "/api/v1/namespaces/default/pods/purple", "object", verb::remove,
   "purple"},
  {"DELETE", "/api/v1/namespaces/default/pods", "object", verb::other, ""},
  {"GET", "/api/v1/namespaces/default/pods/purple/log", "object", verb::read,
   "purple"},
  {"POST", "/api/v1/namespaces/default/pods/purple/exec?command=sh", "object",
   verb::other, "purple"},
  {"POST", "/api/v1/namespaces/default/serviceaccounts/robot/token", "object",
   verb::other, "robot"},
  // Of other groups, custom resources too.
  {"POST", "/apis/apps/v1/namespaces/default/deployments", "object",
   verb::create, ""},
  {"PATCH", "/apis/apps/v1/namespaces/default/deployments/web", "object",
   verb::update, "web"},
  {"PATCH", "/apis/apps/v1/namespaces/default/deployments/web/scale", "object",
   verb::update, "web"},
  {"POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "object",
   verb::create, ""},
  {"PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/x", "object",
   verb::update, "x"},
  {"DELETE", "/apis/testbed.example/v1/namespaces/default/widgets/round",
   "object", verb::remove, "round"},
  // Questions.
  {"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "review",
   verb::other, ""},
  {"POST", "/apis/authentication.k8s.io/v1/tokenreviews", "review", verb::other,
   ""},
  {"POST",
   "/apis/authorization.k8s.io/v1/namespaces/a/localsubjectaccessreviews",
   "review", verb::other, ""},
};

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_yaml)

BOOST_AUTO_TEST_CASE(requests_are_what_kubectl_means_by_them) {
  const auto* service = kubernetes().find("k8s");
  BOOST_REQUIRE(service);
  for (const auto& x : requests) {
    BOOST_TEST_CONTEXT(x.method << " " << x.target) {
      auto got = classify(*service, x.method, x.target);
      BOOST_TEST((got.about ? got.about->kind : "") == x.kind);
      BOOST_TEST(to_string(got.does) == to_string(x.does));
      BOOST_TEST(got.id == x.id);
    }
  }
}

BOOST_AUTO_TEST_CASE(errors_are_what_kubectl_reads) {
  BOOST_TEST((kubernetes().errors == error_shape::kubernetes));
  BOOST_TEST(kubernetes().carry.prefix);
}

BOOST_AUTO_TEST_CASE(what_there_is_is_told_whatever_the_scope) {
  const auto* service = kubernetes().find("k8s");
  for (const auto& x : service->resources)
    BOOST_TEST(x.discovery == (x.kind == "discovery"));
}

BOOST_AUTO_TEST_CASE(peers_may_use_it_since_it_checks_its_users) {
  BOOST_TEST(kubernetes().find("Kubernetes")->authenticates);
}

BOOST_AUTO_TEST_SUITE_END()
