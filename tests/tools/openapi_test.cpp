#define BOOST_TEST_MODULE tools_openapi
#include "support/boost_test.hpp"
#include "tools/admin.hpp"
#include "tools/fixed_node.hpp"
#include "tools/sample_replication.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <set>

using namespace cheops;
using namespace cheops::test;

namespace json = boost::json;

namespace {

const json::value& document() {
  static const auto out = json::parse(tools::openapi_document("1.2.3"));
  return out;
}

const json::value& resolved(const json::value& x) {
  if (!x.is_object() || !x.as_object().contains("$ref"))
    return x;
  auto where = json::value_to<std::string>(x.at("$ref"));
  BOOST_REQUIRE(where.starts_with("#"));
  return document().at_pointer(where.substr(1));
}

bool is_of_type(const json::value& x, std::string_view type) {
  return (type == "null" && x.is_null()) || (type == "string" && x.is_string())
         || (type == "boolean" && x.is_bool())
         || (type == "object" && x.is_object())
         || (type == "array" && x.is_array())
         || (type == "number" && x.is_number())
         || (type == "integer" && (x.is_int64() || x.is_uint64()));
}

std::string mismatch(const json::value& x, const json::value& with,
                     const std::string& at);

std::string object_mismatch(const json::object& x, const json::value& schema,
                            const std::string& at) {
  const auto& rules = schema.as_object();
  if (const auto* required = rules.if_contains("required"))
    for (const auto& name : required->as_array())
      if (!x.contains(name.as_string()))
        return at + " lacks " + json::serialize(name);
  const auto* properties = rules.if_contains("properties");
  const auto* others = rules.if_contains("additionalProperties");
  for (const auto& member : x) {
    auto name = at + "/" + std::string{member.key()};
    const auto* known =
      properties ? properties->as_object().if_contains(member.key()) : nullptr;
    const auto* schema_of = known ? known : others;
    if (schema_of && schema_of->is_bool() && !schema_of->as_bool())
      return name + " is not in the schema";
    if (!schema_of || schema_of->is_bool())
      continue;
    if (auto wrong = mismatch(member.value(), *schema_of, name); !wrong.empty())
      return wrong;
  }
  return {};
}

/// As much of JSON Schema as the document uses; empty where `x` fits.
std::string mismatch(const json::value& x, const json::value& with,
                     const std::string& at) {
  const auto& schema = resolved(with).as_object();
  if (const auto* one = schema.if_contains("oneOf")) {
    auto fits = std::ranges::count_if(one->as_array(), [&](const auto& s) {
      return mismatch(x, s, at).empty();
    });
    return fits == 1 ? "" : at + " fits " + std::to_string(fits) + " of oneOf";
  }
  if (const auto* type = schema.if_contains("type")) {
    auto good = type->is_array() ? std::ranges::any_of(
                  type->as_array(),
                  [&](const auto& t) { return is_of_type(x, t.as_string()); })
                                 : is_of_type(x, type->as_string());
    if (!good)
      return at + " is not of type " + json::serialize(*type);
  }
  if (const auto* all = schema.if_contains("enum"))
    if (std::ranges::find(all->as_array(), x) == all->as_array().end())
      return at + " is none of " + json::serialize(*all);
  if (x.is_object())
    return object_mismatch(x.as_object(), resolved(with), at);
  if (const auto* items = schema.if_contains("items"); items && x.is_array())
    for (const auto& item : x.as_array())
      if (auto wrong = mismatch(item, *items, at + "[]"); !wrong.empty())
        return wrong;
  return {};
}

std::string lower(std::string x) {
  std::ranges::transform(x, x.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return x;
}

const json::value& operation_of(const http::route& x) {
  return document().at("paths").at(x.path).at(lower(x.method));
}

/// What the document says of an answer's body, by status and media type.
const json::value& schema_of(const http::route& route, unsigned status,
                             const char* type) {
  const auto& answer =
    operation_of(route).at("responses").at(std::to_string(status));
  return resolved(answer).at("content").at(type).at("schema");
}

/// Calls a route directly.
http::service_response
call(const std::vector<http::route>& routes, const std::string& method,
     const std::string& path, const std::string& body,
     const http::route** found,
     const std::map<std::string, std::string>& parameters = {}) {
  auto it = std::ranges::find_if(routes, [&](const auto& x) {
    return x.method == method && x.path == path;
  });
  BOOST_REQUIRE(it != routes.end());
  *found = &*it;
  http::service_request rq;
  rq.method = method;
  rq.path = path;
  rq.body = body;
  rq.parameters = parameters;
  return it->run(rq);
}

} // namespace

BOOST_AUTO_TEST_CASE(every_route_served_is_described_and_no_other) {
  fixed_node node;
  std::set<std::string> served;
  for (const auto& x : tools::admin_routes(node.context()))
    served.insert(lower(x.method) + " " + x.path);
  std::set<std::string> described;
  for (const auto& path : document().at("paths").as_object())
    for (const auto& operation : path.value().as_object())
      described.insert(std::string{operation.key()} + " "
                       + std::string{path.key()});
  BOOST_TEST(served == described, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_needs_no_token_is_described_so) {
  fixed_node node;
  for (const auto& x : tools::admin_routes(node.context())) {
    const auto* own = operation_of(x).as_object().if_contains("security");
    auto open = own && own->as_array().empty();
    BOOST_TEST(open == !x.needs_token, x.path);
  }
}

BOOST_AUTO_TEST_CASE(the_version_is_filled_in) {
  BOOST_TEST(document().at("info").at("version").as_string() == "1.2.3");
  BOOST_TEST(document().at("openapi").as_string() == "3.1.0");
}

BOOST_AUTO_TEST_CASE(every_answer_fits_its_schema) {
  fixed_node node;
  auto routes = tools::admin_routes(node.context());
  const http::route* route = nullptr;
  auto fits = [&](const std::string& method, const std::string& path,
                  const std::string& body, const char* type) {
    auto answer = call(routes, method, path, body, &route);
    BOOST_TEST(answer.type == type, path);
    auto wrong = mismatch(json::parse(answer.body),
                          schema_of(*route, answer.status, type), path);
    BOOST_TEST(wrong == "", wrong << " in " << answer.body);
  };
  const auto* plain = "application/json";
  for (const auto* path :
       {"/openapi.json", "/v1/version", "/v1/sites", "/v1/links", "/v1/fronts",
        "/v1/application", "/v1/faults"})
    fits("GET", path, "", plain);
  fits("PUT", "/v1/faults", R"({"faults": [{"peer": "Site2", "loss": 0.5}]})",
       plain);
  fits("GET", "/v1/faults", "", plain);
  for (const auto* scope :
       {"{ServiceB: Site2 || Site3}", "{ServiceA: Site1, ServiceB: Site2}",
        "{ServiceA: Site1 & Site2}", "{set: 2@Site1, 1@Site2}",
        "{around: Site1, 50ms}", "{ServiceA: Site1 % Site2, prime: Site1}"})
    fits(
      "POST", "/v1/scope:explain",
      json::serialize(json::value{{"scope", scope}, {"service", "ServiceA"}}),
      plain);
  const auto* problem = "application/problem+json";
  fits("POST", "/v1/scope:explain", R"({"scope": "{"})", problem);
  fits("POST", "/v1/scope:explain", "", problem);
  fits("PUT", "/v1/faults", R"({"faults": 1})", problem);
}

BOOST_AUTO_TEST_CASE(every_answer_about_replicants_fits_its_schema) {
  fixed_node node;
  node.replication = sample_replication();
  auto meta = to_string(node.replication->views.begin()->first);
  auto operation = node.replication->operations.begin()->first;
  auto routes = tools::admin_routes(node.context());
  const http::route* route = nullptr;
  auto fits = [&](const char* method, const char* path, const char* body,
                  unsigned status) {
    auto answer = call(routes, method, path, body, &route,
                       {{"meta", meta}, {"id", operation}});
    BOOST_TEST(answer.status == status, path << ": " << answer.body);
    auto wrong =
      mismatch(json::parse(answer.body),
               schema_of(*route, answer.status, answer.type.c_str()), path);
    BOOST_TEST(wrong == "", wrong << " in " << answer.body);
  };
  fits("GET", "/v1/replicants", "", 200);
  fits("GET", "/v1/replicants/{meta}", "", 200);
  fits("GET", "/v1/operations/{id}", "", 200);
  fits("GET", "/v1/events", "", 200);
  const auto* scale = "/v1/replicants/{meta}/scale";
  fits("POST", scale, R"({"scope": "Site1 & Site2"})", 200);
  fits("POST", scale, "{}", 400);
  fits("POST", "/v1/replicants/{meta}/retry", "", 200);
  fits("POST", "/v1/replicants/{meta}/abandon", R"({"index": 9})", 200);
  fits("POST", "/v1/replicants/{meta}/settle", R"({"local_id": "7"})", 200);
  node.replication->views.clear();
  fits("GET", "/v1/replicants/{meta}", "", 404);
  node.replication = nullptr;
  routes = tools::admin_routes(node.context());
  for (const auto* path : {"/v1/replicants", "/v1/events"})
    fits("GET", path, "", 501);
}

BOOST_AUTO_TEST_CASE(the_schema_checker_of_this_test_can_say_no) {
  const auto& version = document().at_pointer("/components/schemas/Version");
  BOOST_TEST(mismatch(json::parse(R"({"version": 1})"), version, "") != "");
  BOOST_TEST(
    mismatch(json::parse(
               R"({"version":"","site":"","application":"","started":"",
                   "x":1})"),
             version, "")
    == "/x is not in the schema");
}
