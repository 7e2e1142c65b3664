#define BOOST_TEST_MODULE tools_output
#include "support/boost_test.hpp"
#include "tools/cli/output.hpp"

#include <boost/json.hpp>

using namespace cheops::cli;
namespace json = boost::json;

namespace {

const table sites{"site",
                  {{"NAME"}, {"STATE"}, {"LINK", true}},
                  {{"Site1", "self", ""}, {"Évry", "up", "[::1]:70"}}};

} // namespace

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell) {
  BOOST_TEST(to_text(sites, false, true)
             == "NAME    STATE\n"
                "Site1   self\n"
                "Évry    up\n");
}

BOOST_AUTO_TEST_CASE(wide_shows_every_column_and_an_empty_cell_as_a_dash) {
  BOOST_TEST(to_text(sites, true, true)
             == "NAME    STATE   LINK\n"
                "Site1   self    -\n"
                "Évry    up      [::1]:70\n");
}

BOOST_AUTO_TEST_CASE(no_headers_leaves_the_rows) {
  BOOST_TEST(to_text(sites, false, false)
             == "Site1   self\n"
                "Évry    up\n");
}

BOOST_AUTO_TEST_CASE(names_carry_their_kind) {
  BOOST_TEST(render(sites, {}, format::name) == "site/Site1\nsite/Évry\n");
}

BOOST_AUTO_TEST_CASE(json_is_indented_and_parses_to_the_same_value) {
  auto value = json::parse(R"({"a":[1,{"b":null}],"c":{},"d":[]})");
  auto text = to_pretty_json(value);
  BOOST_TEST(text
             == "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n"
                "  \"c\": {},\n  \"d\": []\n}\n");
  BOOST_TEST((json::parse(text) == value));
}

BOOST_AUTO_TEST_CASE(yaml_nests_lists_in_maps_and_maps_in_lists) {
  auto value = json::parse(
    R"({"sites":[{"name":"Site1","rtt":{"Site2":40}},[1,2],[]],"x":null})");
  BOOST_TEST(to_yaml(value)
             == "sites:\n"
                "  - name: Site1\n"
                "    rtt:\n"
                "      Site2: 40\n"
                "  - - 1\n"
                "    - 2\n"
                "  - []\n"
                "x: null\n");
}

BOOST_AUTO_TEST_CASE(yaml_quotes_what_would_read_as_something_else) {
  for (const auto* text : {"yes", "NULL", "12", "1e3", "", "a: b", "- a", "#x",
                           " a", "a\nb", "true", "{", "2026-01-01"}) {
    json::object value;
    value["k"] = text;
    BOOST_TEST(to_yaml(value)
               == "k: " + json::serialize(json::value(text)) + "\n");
  }
  BOOST_TEST(to_yaml(json::value("Site-1.a")) == "Site-1.a\n");
}

BOOST_AUTO_TEST_CASE(formats_are_known_by_name) {
  BOOST_TEST((to_format("wide") == format::wide));
  BOOST_TEST(!to_format("xml").has_value());
}
