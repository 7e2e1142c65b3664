#include "glue/kubernetes/object_name.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

#include <array>

using namespace cheops;
using namespace cheops::glue::kubernetes;

namespace {

object_request about(std::string_view method, std::string_view target) {
  auto out = read_path(method, target);
  BOOST_REQUIRE_MESSAGE(out, target);
  return *out;
}

rc::Gen<std::string> part() {
  return rc::gen::suchThat(rc::gen::container<std::string>(
                             rc::gen::elementOf(std::string{"abcz09.-:_%~ +"})),
                           [](const std::string& x) {
                             return !x.empty() && x.size() < 60 && x != "."
                                    && x != ".."
                                    && x.find('%') == std::string::npos;
                           });
}

} // namespace

BOOST_AUTO_TEST_SUITE(object_names)

BOOST_AUTO_TEST_CASE(a_path_says_group_namespace_resource_and_name) {
  auto x = about("PUT", "/api/v1/namespaces/default/configmaps/purple?a=b");
  BOOST_TEST((x.object == object_name{"", "default", "configmaps", "purple"}));
  BOOST_TEST(x.version == "v1");
  BOOST_TEST(x.subresource == "");
  BOOST_TEST((x.does == object_verb::replace));

  x = about("POST", "/apis/apps/v1/namespaces/default/deployments");
  BOOST_TEST((x.object == object_name{"apps", "default", "deployments", ""}));
  BOOST_TEST((x.does == object_verb::create));

  x = about("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/"
                      "system%3Aone/");
  BOOST_TEST((x.object
              == object_name{"rbac.authorization.k8s.io", "", "clusterroles",
                             "system:one"}));
  BOOST_TEST((x.does == object_verb::remove));

  x = about("PATCH", "/apis/apps/v1/namespaces/d/deployments/web/scale");
  BOOST_TEST(x.subresource == "scale");
  x = about("GET", "/api/v1/namespaces/d/services/x:80/proxy/a/b");
  BOOST_TEST(x.subresource == "proxy/a/b");
  BOOST_TEST(x.object.name == "x:80");
}

BOOST_AUTO_TEST_CASE(a_namespace_is_of_the_whole_cluster) {
  for (auto target : {"/api/v1/namespaces/x", "/api/v1/namespaces/x/status",
                      "/api/v1/namespaces/x/finalize"})
    BOOST_TEST(
      (about("PUT", target).object == object_name{"", "", "namespaces", "x"}));
  BOOST_TEST(about("PUT", "/api/v1/namespaces/x/finalize").subresource
             == "finalize");
  BOOST_TEST((about("POST", "/api/v1/namespaces").object
              == object_name{"", "", "namespaces", ""}));
  BOOST_TEST((about("GET", "/api/v1/namespaces/x/pods").object
              == object_name{"", "x", "pods", ""}));
}

BOOST_AUTO_TEST_CASE(a_method_means_another_verb_with_a_name_than_without) {
  constexpr std::string_view all = "/api/v1/namespaces/d/pods";
  constexpr std::string_view one = "/api/v1/namespaces/d/pods/p";
  BOOST_TEST((about("GET", all).does == object_verb::list));
  BOOST_TEST((about("HEAD", one).does == object_verb::read));
  BOOST_TEST((about("DELETE", all).does == object_verb::remove_collection));
  BOOST_TEST((about("DELETE", one).does == object_verb::remove));
  BOOST_TEST((about("BREW", one).does == object_verb::other));
}

BOOST_AUTO_TEST_CASE(what_is_no_resource_has_no_name) {
  for (auto target : {"",
                      "/",
                      "/api",
                      "/api/v1",
                      "/apis",
                      "/apis/apps",
                      "/apis/apps/v1",
                      "/version",
                      "/healthz/ping/x",
                      "/openapi/v3/apis/apps/v1",
                      "/api/v1/watch/pods",
                      "/api/v1/watch/namespaces/d/pods",
                      "/apis/apps/v1/proxy/nodes/x",
                      "/api/v1//pods",
                      "/api/v1/namespaces/../pods/x",
                      "/api/v1/pods/%zz",
                      "/api/v1/pods/a%00b",
                      "/api/v1/pods/a%2525b",
                      "*",
                      "//"})
    BOOST_TEST(!read_path("GET", target), target);
}

BOOST_AUTO_TEST_CASE(an_escaped_slash_cuts_as_the_server_cuts) {
  auto x = about("GET", "/api/v1/namespaces%2Fd/configmaps%2fpurple");
  BOOST_TEST((x.object == object_name{"", "d", "configmaps", "purple"}));
}

BOOST_AUTO_TEST_CASE(a_local_id_has_four_parts_and_some_may_be_empty) {
  BOOST_TEST(to_local_id({"", "default", "configmaps", "purple"})
             == "/default/configmaps/purple");
  BOOST_TEST(to_local_id({"apps", "default", "deployments", "web"})
             == "apps/default/deployments/web");
  BOOST_TEST(to_local_id({"", "", "namespaces", "x"}) == "//namespaces/x");
  for (auto x : {"", "///", "a/b/c", "a/b/c/d/e", "a/b//d", "a/b/c/",
                 "a/../c/d", "a/b/c/%"})
    BOOST_TEST(!from_local_id(x), x);
}

BOOST_AUTO_TEST_CASE(names_come_back_from_ids_and_from_paths) {
  BOOST_TEST(rc::check([] {
    object_name x{*rc::gen::oneOf(rc::gen::just(std::string{}), part()),
                  *rc::gen::oneOf(rc::gen::just(std::string{}), part()),
                  *part(), *part()};
    auto back = from_local_id(to_local_id(x));
    RC_ASSERT(back && *back == x);
    // These words are read as what they mean in a path.
    RC_PRE(x.resource != "namespaces" && x.resource != "watch"
           && x.resource != "proxy");
    auto read = read_path("GET", path_of("v1", x));
    RC_ASSERT(read && read->object == x);
    RC_ASSERT(natural_key_of(service_id{"K"}, x).path
              == (std::vector{x.group, x.ns, x.resource, x.name}));
  }));
}

BOOST_AUTO_TEST_CASE(no_text_breaks_the_reader) {
  BOOST_TEST(rc::check([](const std::string& x) {
    if (auto read = read_path("GET", x))
      RC_ASSERT(read->object.name.empty()
                || from_local_id(to_local_id(read->object)));
    (void) query_value(x, "a");
    RC_ASSERT(without_query(x, {}).size() <= x.size());
  }));
}

BOOST_AUTO_TEST_CASE(a_parameter_is_found_however_it_is_escaped) {
  BOOST_TEST(*query_value("/x?a=1&dryRun=All&dryRun=2", "dryRun") == "All");
  BOOST_TEST(*query_value("/x?dry%52un=A%6cl", "dryRun") == "All");
  BOOST_TEST(*query_value("/x?a+b=c+d", "a b") == "c d");
  BOOST_TEST(*query_value("/x?a", "a") == "");
  BOOST_TEST(!query_value("/x?b=a", "a"));
  BOOST_TEST(!query_value("/x", "a"));
}

BOOST_AUTO_TEST_CASE(the_others_of_a_query_stay_as_they_came) {
  constexpr std::array<std::string_view, 2> gone{"dryRun", "x"};
  BOOST_TEST(without_query("/a?dryRun=All", gone) == "/a");
  BOOST_TEST(without_query("/a?b=%41&dry%52un=All&&c", gone) == "/a?b=%41&c");
  BOOST_TEST(without_query("/a?b=%zz&x", gone) == "/a?b=%zz");
  BOOST_TEST(without_query("/a", gone) == "/a");
}

BOOST_AUTO_TEST_SUITE_END()
