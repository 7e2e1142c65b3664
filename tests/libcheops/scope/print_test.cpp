#define BOOST_TEST_MODULE scope_print
#include "cheops/scope/parse.hpp"
#include "cheops/scope/tree.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>

using namespace cheops;

namespace {

std::string printed(std::string_view text) {
  return scope::to_string(scope::parse(text).value());
}

std::string json_of(std::string_view text) {
  return boost::json::serialize(scope::to_json(scope::parse(text).value()));
}

} // namespace

BOOST_AUTO_TEST_CASE(the_canonical_text_has_one_spelling) {
  const std::pair<const char*, const char*> cases[] = {
    {"S1", "S1"},
    {"{S1}", "S1"},
    {" {  A :S1,B:  S2 } ", "{A: S1, B: S2}"},
    {"{A:S1|S2;S3||S4}", "{A: S1 || S2 || S3 || S4}"},
    {"S1&S2%S3||S4", "S1 & S2 % S3 || S4"},
    {"around( S1 ,50 ms)", "{around: S1, 50ms}"},
    {"{around: S1, 50ms}", "{around: S1, 50ms}"},
    {"{A: AROUND(S1, 1500us)}", "{A: around(S1, 1500us)}"},
    {"{A: around(S1, 1.5ms)}", "{A: around(S1, 1500us)}"},
    {"{A: around(S1, 2000ms)}", "{A: around(S1, 2s)}"},
    {"{A: around(S1, 0us)}", "{A: around(S1, 0s)}"},
    {"{set: 2@S1, 03@S2}", "{set: 2@S1, 3@S2}"},
    {"2@S1 & 3@S2", "{set: 2@S1, 3@S2}"},
    {"{A: 2@S1}", "{A: 2@S1}"},
    {"{prime: S1, A: S1 % S2}", "{A: S1 % S2, prime: S1}"},
    {"{A: \"New York\"}", "{A: \"New York\"}"},
    {"{A: \"S1\"}", "{A: S1}"},
    {R"({A: "a \"b\" \\ c"})", R"({A: "a \"b\" \\ c"})"},
    {"{A: Zürich}", "{A: Zürich}"},
    {"{A: \"東 京\" & 東京}", "{A: \"東 京\" & 東京}"},
  };
  for (const auto& [text, canonical] : cases)
    BOOST_TEST(printed(text) == canonical);
}

BOOST_AUTO_TEST_CASE(names_that_are_keywords_print_quoted) {
  BOOST_TEST(printed(R"({"around": "set", "Set": "PRIME"})")
             == R"({"around": "set", "Set": "PRIME"})");
  BOOST_TEST(printed("{A: around & set & prime}")
             == R"({A: "around" & "set" & "prime"})");
  BOOST_TEST(printed("{A: around(around, 5ms) || 2@set}")
             == R"({A: around("around", 5ms) || 2@"set"})");
  BOOST_TEST(printed("{A: S1 % S2, prime: prime}")
             == R"({A: S1 % S2, prime: "prime"})");
}

BOOST_AUTO_TEST_CASE(parentheses_stand_only_where_the_tree_needs_them) {
  const std::pair<const char*, const char*> cases[] = {
    {"(S1)", "S1"},
    {"((S1)) & (((S2)))", "S1 & S2"},
    {"((S1 & S2))", "S1 & S2"},
    {"(S1 & S2) || (S3 & S4)", "S1 & S2 || S3 & S4"},
    {"S1 & (S2 || S3)", "S1 & (S2 || S3)"},
    {"(S1 || S2) % S3", "(S1 || S2) % S3"},
    {"(S1 & S2) & S3", "(S1 & S2) & S3"},
    {"S1 & (S2 & S3)", "S1 & (S2 & S3)"},
    {"S1 || (S2 || S3)", "S1 || (S2 || S3)"},
    {"S1 % (S2 % S3)", "S1 % (S2 % S3)"},
    {"(S1 % S2) & S3", "(S1 % S2) & S3"},
    {"(2@S1) & 3@S2", "{set: 2@S1, 3@S2}"},
    {"S0 & 2@S1 & 3@S2", "S0 & 2@S1 & 3@S2"},
    {"(2@S1 & 3@S2) & 4@S3", "(2@S1 & 3@S2) & 4@S3"},
    {"2@S1 & 3@S2 & (4@S3 & 5@S4)", "(2@S1 & 3@S2) & (4@S3 & 5@S4)"},
    {"2@S1 & S2 & 3@S3", "2@S1 & S2 & 3@S3"},
    {"2@S1 & 3@S2 % S3", "2@S1 & 3@S2 % S3"},
  };
  for (const auto& [text, canonical] : cases)
    BOOST_TEST(printed(text) == canonical);
}

BOOST_AUTO_TEST_CASE(json_has_the_fixed_form) {
  const std::pair<const char*, const char*> cases[] = {
    {"S1", R"({"services":{"*":{"site":"S1"}}})"},
    {"{B: S1, A: S2}", R"({"services":{"B":{"site":"S1"},"A":{"site":"S2"}}})"},
    {"{A: S1 & S2 & S3}",
     R"({"services":{"A":{"all":[{"site":"S1"},{"site":"S2"},)"
     R"({"site":"S3"}]}}})"},
    {"{A: (S1 & S2) & S3}",
     R"({"services":{"A":{"all":[{"all":[{"site":"S1"},{"site":"S2"}]},)"
     R"({"site":"S3"}]}}})"},
    {"{A: S1 % S2, prime: S2}",
     R"({"services":{"A":{"cross":[{"site":"S1"},{"site":"S2"}]}},)"
     R"("prime":"S2"})"},
    {"S1 | S2 ; S3", R"({"services":{"*":{"any":[{"site":"S1"},{"site":"S2"},)"
                     R"({"site":"S3"}]}}})"},
    {"{around: S1, 50ms}",
     R"({"services":{"*":{"around":{"site":"S1","within_us":50000}}}})"},
    {"{set: 2@S1, 3@S2}", R"({"services":{"*":{"set":[{"count":2,"site":"S1"},)"
                          R"({"count":3,"site":"S2"}]}}})"},
    {"{A: 2@S1}", R"({"services":{"A":{"set":[{"count":2,"site":"S1"}]}}})"},
  };
  for (const auto& [text, expected] : cases)
    BOOST_TEST(json_of(text) == expected);
}

BOOST_AUTO_TEST_CASE(the_longest_duration_survives) {
  auto text = "{around: S1, 9223372036854775807us}";
  BOOST_TEST(printed(text) == text);
}
