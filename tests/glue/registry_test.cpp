#include "glue/registry.hpp"
#include "support/boost_test.hpp"

#include <cstdlib>

using namespace cheops;
using namespace cheops::glue;
using application::verb;

namespace {

std::string refused(std::string_view text) {
  auto x = parse_description(text, "app.yaml");
  return x ? "" : to_string(x.error());
}

/// A whole description around the operations and references of a resource.
std::string with_resource(std::string_view text) {
  return "application: x\nservices:\n- name: A\n  resources:\n  - kind: r\n"
         + std::string{text};
}

std::string in_source(std::string_view file) {
  return CHEOPS_SOURCE_DIR "/" + std::string{file};
}

} // namespace

BOOST_AUTO_TEST_SUITE(registry)

BOOST_AUTO_TEST_CASE(the_demo_is_described) {
  auto x = load_description(in_source("glue/applications/demo.yaml"));
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  BOOST_TEST(x->name == "demo");
  BOOST_REQUIRE(x->services.size() == 2U);
  const auto* a = x->find("A");
  BOOST_REQUIRE(a);
  BOOST_TEST(a->name.value == "ServiceA");
  BOOST_TEST(!a->authenticates);
  BOOST_TEST(x->reaches(service_id{"ServiceA"}, service_id{"ServiceB"}));
  BOOST_TEST(!x->reaches(service_id{"ServiceB"}, service_id{"ServiceA"}));
  BOOST_TEST((x->carry.prefix && x->carry.baggage && x->carry.trace));
  auto what = application::classify(*a, "PUT", "/foos/7");
  BOOST_REQUIRE(what.about);
  BOOST_TEST((what.does == verb::update));
  BOOST_TEST(what.id == "7");
  const auto& ref = a->resources.at(0).references.at(0);
  BOOST_TEST((ref.kind == application::dependency::requires_));
  BOOST_TEST(ref.service.value == "ServiceB");
  BOOST_TEST(ref.resource == "bar");
  BOOST_TEST(ref.pointer == "/bar");
  BOOST_TEST(ref.by_name);
  BOOST_TEST(x->clients.environment.at("SERVICE_A_URL") == "{url:ServiceA}");
}

BOOST_AUTO_TEST_CASE(each_description_that_ships_is_right) {
  for (auto name : {"demo", "openstack", "rest"}) {
    auto x = load_description(in_source("glue/applications/") + name + ".yaml");
    BOOST_TEST(x.has_value(), (x ? "" : to_string(x.error())));
    BOOST_TEST((!x || x->name == name));
  }
}

BOOST_AUTO_TEST_CASE(a_bare_name_is_looked_for_in_the_folders) {
  BOOST_TEST(is_bare_name("demo"));
  for (auto x : {"", "./demo", "demo.yaml", "demo.yml", "/demo"})
    BOOST_TEST(!is_bare_name(x), x);
  // The folders of the source tree are found from build/…/bin.
  auto x = load_description("demo");
  BOOST_TEST(x.has_value(), (x ? "" : to_string(x.error())));
  auto none = load_description("demi");
  BOOST_REQUIRE(!none);
  BOOST_TEST((none.error().code == errc::bad_config));
  BOOST_TEST(none.error().what == "no application is called \"demi\"");
  BOOST_TEST(none.error().hint.starts_with("did you mean \"demo\"?"));
}

BOOST_AUTO_TEST_CASE(the_folders_of_the_environment_come_first) {
  ::setenv("CHEOPS_APPLICATIONS", "/one::/two", 1);
  auto folders = description_folders();
  ::unsetenv("CHEOPS_APPLICATIONS");
  BOOST_REQUIRE(folders.size() > 2U);
  BOOST_TEST(folders[0] == "/one");
  BOOST_TEST(folders[1] == "/two");
  BOOST_TEST(folders.back() == "/usr/share/cheops/applications");
}

BOOST_AUTO_TEST_CASE(defaults_are_those_that_the_documentation_names) {
  auto x = parse_description(
    with_resource("    operations: {create: POST /rs}\n"), "app.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  const auto& r = x->services.at(0).resources.at(0);
  BOOST_TEST(r.id_pointer == "/id");
  BOOST_TEST(r.name_pointer == "");
  BOOST_TEST((!r.unique_name && !r.secret));
  BOOST_TEST((x->carry.prefix && !x->carry.baggage && !x->carry.trace));
  BOOST_TEST((x->errors == application::error_shape::problem));
}

BOOST_AUTO_TEST_CASE(what_replication_needs_is_read) {
  auto x = parse_description(
    "application: x\nservices:\n- name: A\n  under: [/v1, /v2]\n"
    "  resources:\n  - kind: r\n    name: /name\n    unique_names: true\n"
    "    operations: {create: \"POST /{p}/rs\", remove: \"DELETE "
    "/{p}/rs/{id}\"}\n"
    "    replicate:\n"
    "      settle: {probe: \"GET /{p}/rs?name={name}\", found: /rs}\n"
    "      settles_after: 1500ms\n      on_refusal: compensate\n"
    "      put: changes\n"
    "      fields: X-Locale\n",
    "app.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  const auto& r = x->services.at(0).resources.at(0);
  BOOST_TEST((r.copies.creates == application::settling::probe));
  BOOST_TEST(r.copies.probe == "/v1/{p}/rs?name={name}");
  BOOST_TEST(r.copies.found == "/rs");
  BOOST_TEST(r.copies.settles_after.count() == 1500);
  BOOST_TEST(r.copies.compensates);
  BOOST_TEST(!r.copies.put_replaces);
  BOOST_TEST(r.copies.fields == std::vector<std::string>{"X-Locale"});
}

BOOST_AUTO_TEST_CASE(replication_has_defaults_and_can_be_forbidden) {
  auto read = [](const std::string& text) {
    auto x = parse_description(with_resource(text), "app.yaml");
    BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
    return x->services.at(0).resources.at(0).copies;
  };
  auto plain = read("    operations: {create: POST /rs}\n");
  BOOST_TEST(plain.allowed);
  BOOST_TEST((plain.creates == application::settling::nothing));
  BOOST_TEST(plain.settles_after.count() == 0);
  BOOST_TEST(!plain.compensates);
  BOOST_TEST(plain.put_replaces);
  // The user names it in the path: once more changes nothing.
  auto put = read("    operations: {create: \"PUT /rs/{id}\"}\n");
  BOOST_TEST((put.creates == application::settling::repeat));
  auto none = read("    operations: {create: \"PUT /rs/{id}\"}\n"
                   "    replicate: {settle: none}\n");
  BOOST_TEST((none.creates == application::settling::nothing));
  auto never = read("    operations: {create: POST /rs}\n"
                    "    replicate: false\n");
  BOOST_TEST(!never.allowed);
}

BOOST_AUTO_TEST_CASE(an_operation_is_there_under_each_base) {
  auto x = parse_description("application: x\n"
                             "services:\n"
                             "- name: A\n"
                             "  under: [/, /v1, \"/a/{project}/v1\"]\n"
                             "  resources:\n"
                             "  - kind: r\n"
                             "    operations:\n"
                             "      list: GET /\n"
                             "      read: GET /{id}\n"
                             "- name: B\n"
                             "  resources:\n"
                             "  - {kind: s, operations: {list: GET /s}}\n",
                             "app.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  const auto& a = x->services.at(0);
  BOOST_TEST(a.resources.at(0).operations.size() == 6U);
  for (auto base : {"", "/v1", "/a/7/v1"}) {
    auto one = application::classify(a, "GET", std::string{base} + "/x");
    BOOST_TEST((one.about && one.does == verb::read && one.id == "x"), base);
    auto all = application::classify(a, "GET", std::string{base} + "/");
    BOOST_TEST((all.about && all.does == verb::list), base);
  }
  // The bases of one service are not those of the next.
  auto s = application::classify(x->services.at(1), "GET", "/s");
  BOOST_TEST((s.about && s.does == verb::list));
}

struct bad {
  std::string text;
  std::string says;
};

const bad wrong_descriptions[] = {
  {"services: []\n",
   "app.yaml:1:1: missing key \"application\"\n"
   "app.yaml:1:11: services: an application has at least one service"},
  {"application: x\nservices: {A: 1}\n",
   "app.yaml:2:11: services: expected a list, found a mapping"},
  {"application: x\nservices:\n- name: A\n  aliases: [b]\n- name: B\n",
   "app.yaml:5:9: services[1].name: \"B\" is already the name or alias of a "
   "service (app.yaml:4:13)"},
  {"application: x\nservices:\n- name: Alpha\n  calls: [Alhpa]\n",
   "app.yaml:4:11: services[0].calls[0]: unknown service \"Alhpa\"; did you "
   "mean \"Alpha\"?"},
  {"application: x\nservices:\n- name: A\n  autenticates: true\n",
   "app.yaml:4:3: services[0]: unknown key \"autenticates\"; did you mean "
   "\"authenticates\"?"},
  {"application: x\nadapter: opnstack\nservices: [{name: A}]\n",
   "app.yaml:2:10: adapter: unknown adapter \"opnstack\"; did you mean "
   "\"openstack\"?"},
  {"application: x\nadapter: openstack\nservices: [{name: A}]\n",
   "app.yaml:2:10: adapter: the adapter openstack needs a service with the "
   "name or alias \"identity\" (Keystone)"},
  {"application: x\nservices: [{name: \"*\"}]\n",
   "app.yaml:2:19: services[0].name: expected a name (one line, at most 253 "
   "bytes, not \"*\"), found \"*\""},
  {"application: x\nservices:\n- name: A\n  under: [v1, \"/{id}\"]\n",
   "app.yaml:4:11: services[0].under[0]: \"v1\" does not begin with \"/\"\n"
   "app.yaml:4:15: services[0].under[1]: \"/{id}\" has {id}, which is a "
   "resource's own id"},
  {"application: x\nservices:\n- name: A\n  under: [\"/{x}\", \"/{y}\"]\n"
   "  resources:\n  - kind: r\n    operations: {create: POST /rs}\n",
   "app.yaml:7:26: services[0].resources[0].operations.create: \"POST "
   "/{y}/rs\" cannot be told from the operation at app.yaml:7:26"},
  {"application: x\nservices:\n- name: A\n  under: \"/{x}\"\n"
   "  resources:\n  - kind: r\n    operations: {create: \"POST /{x}\"}\n",
   "app.yaml:7:26: services[0].resources[0].operations.create: path "
   "\"/{x}/{x}\" has {x} twice"},
  {with_resource("    operations: {crate: POST /rs}\n"),
   "app.yaml:6:25: services[0].resources[0].operations.crate: unknown verb "
   "\"crate\"; did you mean \"create\"?"},
  {with_resource("    operations: {read: /rs}\n"),
   "app.yaml:6:24: services[0].resources[0].operations.read: expected a "
   "method and a path such as \"GET /foos/{id}\", found \"/rs\""},
  {with_resource("    operations: {read: \"GET /rs/{key}\"}\n"),
   "app.yaml:6:24: services[0].resources[0].operations.read: path "
   "\"/rs/{key}\" has no {id}; that is how the resource's own id is called"},
  {with_resource("    operations: {list: \"GET /rs/{id}\"}\n"),
   "app.yaml:6:24: services[0].resources[0].operations.list: a list has no "
   "{id}; call the parameters otherwise"},
  {with_resource("    operations: {read: \"GET /rs//{id}\"}\n"),
   "app.yaml:6:24: services[0].resources[0].operations.read: path "
   "\"/rs//{id}\" has an empty segment"},
  {with_resource("    operations: {read: \"GET /rs/x{id}\"}\n"),
   "app.yaml:6:24: services[0].resources[0].operations.read: path "
   "\"/rs/x{id}\" has \"x{id}\"; a parameter is a whole segment such as "
   "{id}"},
  {with_resource("    operations:\n"
                 "      read: GET /rs/{id}\n"
                 "      other: GET /rs/{name}\n"),
   "app.yaml:8:14: services[0].resources[0].operations.other: \"GET "
   "/rs/{name}\" cannot be told from the operation at app.yaml:7:13"},
  {with_resource("    id: id\n    operations: {create: POST /rs}\n"),
   "app.yaml:6:9: services[0].resources[0].id: \"id\" is not a JSON Pointer: "
   "it does not begin with \"/\""},
  {with_resource("    unique_names: true\n"
                 "    operations: {create: POST /rs}\n"),
   "app.yaml:6:19: services[0].resources[0].unique_names: needs \"name\", "
   "the pointer to the name"},
  {with_resource("    operations: {create: POST /rs}\n"
                 "    references:\n"
                 "    - {kind: requires, resource: q, body: /q}\n"),
   "app.yaml:8:34: services[0].resources[0].references[0].resource: unknown "
   "resource of A \"q\"; did you mean \"r\"?"},
  {with_resource(
     "    operations: {create: POST /rs}\n"
     "    references:\n"
     "    - {kind: requires, service: AA, resource: q, body: /q}\n"),
   "app.yaml:8:33: services[0].resources[0].references[0].service: unknown "
   "service \"AA\"; did you mean \"A\"?"},
  {with_resource("    operations: {create: POST /rs}\n"
                 "    references:\n"
                 "    - {kind: needs, resource: r, body: /q, path: p}\n"),
   "app.yaml:8:7: services[0].resources[0].references[0]: needs either "
   "\"body\", a JSON Pointer, or \"path\", the name of a parameter\n"
   "app.yaml:8:14: services[0].resources[0].references[0].kind: expected "
   "requires, relies_on or composed_of, found \"needs\"\n"
   "app.yaml:8:50: services[0].resources[0].references[0].path: no operation "
   "of \"r\" has {p} in its path"},
  {with_resource("    operations: {create: POST /rs}\n"
                 "    references:\n"
                 "    - {kind: requires, resource: r, body: /q, by: name}\n"),
   "app.yaml:8:51: services[0].resources[0].references[0].by: \"r\" has no "
   "names: its description has no \"name\""},
  {with_resource("    operations: {create: POST /rs}\n"
                 "    replicate: {settle: {probe: POST /rs}}\n"),
   "app.yaml:7:33: services[0].resources[0].replicate.settle.probe: expected "
   "a GET such as \"GET /bars?name={name}\", found \"POST /rs\""},
  {with_resource("    operations: {create: POST /rs}\n"
                 "    replicate: {settle: {probe: \"GET /rs?n={nome}\", "
                 "found: rs}, settles_after: 2}\n"),
   "app.yaml:7:33: services[0].resources[0].replicate.settle.probe: {nome} is "
   "neither {name} nor a parameter of the path that creates a \"r\"\n"
   "app.yaml:7:33: services[0].resources[0].replicate.settle.probe: has no "
   "{name}, so it would find others too\n"
   "app.yaml:7:33: services[0].resources[0].replicate.settle.probe: finds it "
   "by its name, which needs \"unique_names: true\"\n"
   "app.yaml:7:60: services[0].resources[0].replicate.settle.found: \"rs\" is "
   "not a JSON Pointer: it does not begin with \"/\"\n"
   "app.yaml:7:80: services[0].resources[0].replicate.settles_after: expected "
   "a duration such as 50ms, 2s or 1m (at most 24h), found \"2\""},
  {with_resource("    operations: {create: POST /rs}\n"
                 "    replicate: {settle: perhaps, on_refusal: compensate, "
                 "fields: [Authorization, X Y, If-Match, Host]}\n"),
   "app.yaml:7:25: services[0].resources[0].replicate.settle: expected none or "
   "repeat, found \"perhaps\"\n"
   "app.yaml:7:46: services[0].resources[0].replicate.on_refusal: needs an "
   "operation that removes one\n"
   "app.yaml:7:67: services[0].resources[0].replicate.fields[0]: "
   "\"Authorization\" is a credential, which no other site gets\n"
   "app.yaml:7:82: services[0].resources[0].replicate.fields[1]: \"X Y\" is "
   "not the name of a field\n"
   "app.yaml:7:87: services[0].resources[0].replicate.fields[2]: \"If-Match\" "
   "is for Cheops to judge\n"
   "app.yaml:7:97: services[0].resources[0].replicate.fields[3]: \"Host\" "
   "belongs to the message itself, or to Cheops"},
  {"application: x\nservices: [{name: A}]\ncarriers: [cookie]\n",
   "app.yaml:3:12: carriers[0]: expected header, prefix, baggage or trace, "
   "found \"cookie\""},
  {"application: x\nservices: [{name: A}]\n"
   "clients: {environment: {U: \"{url:B}\", S: \"{scop}{scope32}\", 1: x}}\n",
   "app.yaml:3:28: clients.environment.U: unknown service \"B\"; did you "
   "mean \"A\"?\n"
   "app.yaml:3:42: clients.environment.S: unknown placeholder {scope32}; "
   "there are {url:SERVICE}, {scope} and {scope64}\n"
   "app.yaml:3:64: clients.environment.1: is not the name of an environment "
   "variable"},
};

BOOST_AUTO_TEST_CASE(a_wrong_description_says_where_and_why) {
  for (const auto& x : wrong_descriptions)
    BOOST_TEST(refused(x.text) == x.says);
}

BOOST_AUTO_TEST_SUITE_END()
