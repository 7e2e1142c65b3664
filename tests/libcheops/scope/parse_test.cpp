#define BOOST_TEST_MODULE scope_parse
#include "cheops/scope/parse.hpp"
#include "support/boost_test.hpp"

using namespace cheops;

namespace {

const scope::known_names nothing;

scope::known_names known() {
  scope::known_names out;
  out.sites = {"Berlin", "New York", "Paris", "Zürich"};
  out.services = {{"nova", "Nova"}, {"compute", "Nova"}, {"glance", "Glance"}};
  return out;
}

std::string caret(std::string_view text,
                  const scope::known_names& names = nothing) {
  auto x = scope::parse(text, names);
  return x ? "it parses: " + scope::to_string(*x)
           : scope::pointed(text, x.error());
}

// Checks the three lines: the text itself, a caret at `column`, the sentence.
void check(std::string_view text, std::size_t column, std::string_view sentence,
           const scope::known_names& names = nothing) {
  BOOST_TEST(caret(text, names)
             == std::string{text} + "\n" + std::string(column, ' ') + "^\n"
                  + std::string{sentence});
}

std::string nested(std::size_t depth) {
  return std::string(depth, '(') + "S1" + std::string(depth, ')');
}

} // namespace

BOOST_AUTO_TEST_CASE(an_empty_scope_is_refused) {
  check("", 0, "an empty scope: expected a site, or {SERVICE: SITE}");
  check("   ", 0, "an empty scope: expected a site, or {SERVICE: SITE}");
  check("{}", 1, "an empty scope: expected a site, or SERVICE: SITE");
  check("{ }", 2, "an empty scope: expected a site, or SERVICE: SITE");
  check("()", 1, "unexpected \")\": expected a site or \"(\"");
}

BOOST_AUTO_TEST_CASE(the_caret_says_what_was_expected) {
  check("S1 &", 4, "the scope ends too early: expected a site or \"(\"");
  check("S1 && S2", 4, "unexpected \"&\": expected a site or \"(\"");
  check("S1 S2", 3, R"(unexpected "S2": expected "&", "%", "||" or the end)");
  check("(S1 & S2", 8,
        R"x(the scope ends too early: expected "&", "%", "||" or ")")x");
  check("S1)", 2, R"x(unexpected ")": expected "&", "%", "||" or the end)x");
  check("{A: S1", 6,
        "the scope ends too early: expected "
        R"("&", "%", "||", "," or "}")");
  check("{A: S1} x", 8, R"(unexpected "x": expected nothing after "}")");
  check("{A: }", 4, R"(unexpected "}": expected a site or "(")");
  check("{A: S1,}", 7,
        R"(unexpected "}": expected a service, a colon and a placement)");
  check("{A: S1, S2}", 10,
        R"(unexpected "}": expected ":" and a placement, )"
        "after a service's name");
  check("{S1, S2}", 3, R"(unexpected ",": expected "&", "%", "||" or "}")");
  check("{: S1}", 1, R"(unexpected ":": expected a site or "(")");
  for (const auto& names : {nothing, known()}) {
    check("A: S1", 1,
          "a service or option without braces: expected {SERVICE: SITE}",
          names);
    check("set: 2@Paris", 3,
          "a service or option without braces: expected {SERVICE: SITE}",
          names);
  }
  check("S1/a", 2,
        "a name with \"/\" in it: expected quotes around such a "
        "name");
}

BOOST_AUTO_TEST_CASE(a_thing_given_twice_is_refused) {
  check("{A: S1, B: S2, a: S3}", 15, "the service \"a\" given twice");
  check("{Nova: Paris, compute: Berlin}", 14,
        "the service \"Nova\" given twice", known());
  check("{prime: S1, A: S1 % S2, prime: S2}", 24,
        "the option prime given twice");
  check("S1 & S2 & s1", 10, "the site \"s1\" twice in one chain");
  check("S1 || S1", 6, "the site \"S1\" twice in one chain");
  check("S1 % (S2 & S1 & S2) % S3", 16, "the site \"S2\" twice in one chain");
  check("2@S1 & 3@S1", 7, "the site \"S1\" twice in one chain");
  check("S1 & 3@S1", 5, "the site \"S1\" twice in one chain");
  check("(2@S1 & 3@S2) & S1", 16, "the site \"S1\" twice in one chain");
  check("{set: 1@S1, 1@S2, 1@S1}", 18, "the site \"S1\" twice in one chain");
}

BOOST_AUTO_TEST_CASE(a_site_may_stand_in_several_chains) {
  for (auto text :
       {"S1 & (S1 || S2)", "(S1 & S2) || (S1 & S3)", "S1 || around(S1, 5ms)",
        "{A: S1, B: S1}", "(2@S1 & 3@S2) || (2@S1 & 3@S3)"})
    BOOST_TEST(scope::parse(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(prime_needs_a_percent_sign) {
  check("{prime: S1}", 1,
        "the option prime alone: expected a service with "
        "\"%\" beside it");
  auto sentence = "the option prime without a \"%\": expected a service over "
                  "several sites, such as {A: Site1 % Site2, prime: Site1}";
  check("{A: S1 & S2, prime: S1}", 13, sentence);
  check("{prime: S1, A: S1}", 1, sentence);
  check("{around: S1, 5ms, prime: S1}", 18, sentence);
  check("{set: 2@S1, prime: S1}", 12, sentence);
  BOOST_TEST(scope::parse("{A: S0 || (S1 % S2), prime: S3}").has_value());
}

BOOST_AUTO_TEST_CASE(around_and_set_entries_stand_alone) {
  auto beside = "an around or set entry beside services: expected one around "
                "or set entry alone (a service of such a name is written in "
                "quotes)";
  auto second = "a second around or set entry: expected one around or set "
                "entry alone (a service of such a name is written in quotes)";
  check("{A: S1, around: S1, 5ms}", 8, beside);
  check("{around: S1, 5ms, A: S1}", 18, beside);
  check("{A: S1, set: 2@S1}", 8, beside);
  check("{set: 2@S1, 1@S2, A: S1}", 18, beside);
  check("{around: S1, 5ms, around: S2, 5ms}", 18, second);
  check("{set: 2@S1, set: 1@S2}", 12, second);
  check("{set: 2@S1, around: S1, 5ms}", 12, second);
}

BOOST_AUTO_TEST_CASE(a_quoted_keyword_is_a_name) {
  auto x = scope::parse(R"({"around": S1, "set": S2, "prime": S3})");
  BOOST_REQUIRE(x);
  BOOST_TEST(x->services.size() == 3U);
  BOOST_TEST(!x->prime);
  check("{around: S1}", 11,
        R"(unexpected "}": expected "," and a duration (a service named )"
        "around is written in quotes)");
  check("{set: S1}", 6,
        R"(unexpected "S1": expected a count and a site, )"
        "such as 2@Site1 (a service named set is written in "
        "quotes)");
}

BOOST_AUTO_TEST_CASE(a_count_is_a_whole_number_of_at_least_one) {
  auto copies = "expected a whole number of copies, at least 1";
  check("0@S1", 0, std::string{"a count below 1: "} + copies);
  check("S0 & -2@S1", 5, std::string{"a count below 1: "} + copies);
  check("x@S1", 0, std::string{"a count that is no number: "} + copies);
  check("4294967296@S1", 0,
        "a count that is too high: expected at most 4294967295");
  check("\"2\"@S1", 0,
        "a count that is no number: expected a count and a "
        "site, such as 2@Site1");
  check("2@", 2, "the scope ends too early: expected a site, such as Site1");
}

BOOST_AUTO_TEST_CASE(a_duration_has_a_unit) {
  auto unit = "expected us, ms or s";
  check("around(S1, 50)", 13,
        std::string{"a duration without a unit: "} + unit);
  check("{around: S1, 50}", 15,
        std::string{"a duration without a unit: "} + unit);
  check("around(S1, 50min)", 13, std::string{"an unknown unit: "} + unit);
  check("around(S1, 50 hours)", 14, std::string{"an unknown unit: "} + unit);
  check("around(S1, -5ms)", 11,
        "a duration below zero: expected a duration, such as 50ms");
  check("around(S1, ms)", 11, "no duration: expected a duration, such as 50ms");
  check("around(S1, 0.5us)", 11,
        "a duration finer than a microsecond: "
        "expected a duration, such as 50ms");
  check("around(S1)", 9,
        R"x(unexpected ")": expected "," and a duration, such as 50ms)x");
}

BOOST_AUTO_TEST_CASE(a_duration_does_not_overflow) {
  auto sentence = "a duration that is too long: expected less than "
                  "9223372036854775807us";
  check("around(S1, 9223372036854775808us)", 11, sentence);
  check("around(S1, 9223372036854776ms)", 11, sentence);
  check("around(S1, 9223372036854.775808s)", 11, sentence);
  check("around(S1, 99999999999999999999999s)", 11, sentence);
}

BOOST_AUTO_TEST_CASE(controls_and_bytes_that_are_not_utf8_are_shown_escaped) {
  BOOST_TEST(caret("S1\t& S2")
             == "S1\\t& S2\n  ^\n"
                "a control character, \\t: expected a space, or nothing");
  BOOST_TEST(caret("\"a\x01"
                   "b\"")
             == "\"a\\x01b\"\n  ^\n"
                "a control character, \\x01: expected a space, or nothing");
  BOOST_TEST(caret("S1 & \xff")
             == "S1 & \\xff\n     ^\nthe byte \\xff is not "
                "UTF-8");
  BOOST_TEST(caret("\"\xc3\"") == "\"\\xc3\"\n ^\nthe byte \\xc3 is not UTF-8");
  BOOST_TEST(caret("\"x\xe2\x80\xaey\"")
             == "\"x\\u{202e}y\"\n  ^\n"
                "a control character, \\u{202e}: expected a space, or "
                "nothing");
  BOOST_TEST(caret(std::string_view{"S1\0", 3})
             == "S1\\x00\n  ^\n"
                "a control character, \\x00: expected a space, or nothing");
}

BOOST_AUTO_TEST_CASE(quotes_hold_any_other_character) {
  check("\"S1", 0, "a quote that is not closed: expected \" after the name");
  check("\"\"", 0, "an empty name: expected a name between the quotes");
  check(R"("a\b")", 2,
        R"(a backslash that escapes nothing: expected \" or )"
        R"(\\ inside quotes)");
  BOOST_TEST(scope::parse(std::string(253, 'x')).has_value());
  auto x = scope::parse(std::string(254, 'x'));
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().what == "a name of more than 253 bytes");
}

BOOST_AUTO_TEST_CASE(the_caret_counts_columns_not_bytes) {
  check("Zürich & Zürich", 9, "the site \"Zürich\" twice in one chain");
  check("{A: \"東京\" x}", 11, // Two columns each.
        R"(unexpected "x": expected "&", "%", "||", "," or "}")");
}

BOOST_AUTO_TEST_CASE(a_long_text_is_shown_through_a_window) {
  std::string text = "{A: ";
  for (auto i = 0; i < 40; ++i)
    text += "Site" + std::to_string(100 + i) + " & ";
  BOOST_TEST(caret(text + "/ & X & Y & Z & Site200 & Site201 & Site202}")
             == "... & Site137 & Site138 & Site139 & / & X & Y & Z & Site200 "
                "& Site201...\n"
                "                                    ^\n"
                "a name with \"/\" in it: expected quotes around such a name");
  BOOST_TEST(caret(text)
             == "...133 & Site134 & Site135 & Site136 & Site137 & Site138 & "
                "Site139 & \n"
                "                                                           "
                "          ^\n"
                "the scope ends too early: expected a site or \"(\"");
  BOOST_TEST(caret("/" + text)
             == "/{A: Site100 & Site101 & Site102 & Site103 & Site104 & "
                "Site105 & S...\n"
                "^\n"
                "a name with \"/\" in it: expected quotes around such a name");
}

BOOST_AUTO_TEST_CASE(nesting_ends_at_64) {
  BOOST_TEST(scope::parse(nested(64)).has_value());
  auto x = scope::parse(nested(65));
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().at == 64U);
  BOOST_TEST(x.error().what == "parentheses nested deeper than 64");
}

BOOST_AUTO_TEST_CASE(a_text_ends_at_16_kib) {
  auto fits = std::string(scope::text_bytes_max - 2, ' ') + "S1";
  BOOST_TEST(scope::parse(fits).has_value());
  auto x = scope::parse(fits + " ");
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().at == scope::text_bytes_max);
  BOOST_TEST(x.error().what == "a scope longer than 16384 bytes");
}

BOOST_AUTO_TEST_CASE(a_canonical_text_fits_too) {
  std::string text = "s0";
  for (auto i = 1; text.size() < scope::text_bytes_max - 8; ++i)
    text += "|s" + std::to_string(i);
  auto x = scope::parse(text);
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().what
             == "a scope whose canonical form is longer than 16384 bytes");
}

BOOST_AUTO_TEST_CASE(known_names_come_out_in_their_canonical_form) {
  auto x =
    scope::parse("{COMPUTE: paris || \"new york\", glance: zürich}", known());
  BOOST_REQUIRE(x);
  BOOST_TEST(scope::to_string(*x)
             == "{Nova: Paris || \"New York\", Glance: Zürich}");
  x = scope::parse("{set: 2@PARIS, 1@berlin}", known());
  BOOST_REQUIRE(x);
  BOOST_TEST(scope::to_string(*x) == "{set: 2@Paris, 1@Berlin}");
  x = scope::parse("{nova: paris % berlin, prime: PARIS}", known());
  BOOST_REQUIRE(x);
  BOOST_TEST(scope::to_string(*x) == "{Nova: Paris % Berlin, prime: Paris}");
}

BOOST_AUTO_TEST_CASE(a_misspelt_name_gets_the_nearest_known_one) {
  auto sites = "expected Berlin, \"New York\", Paris or Zürich";
  check("{Nova: Pariss}", 7,
        std::string{"no site is named \"Pariss\": "} + sites
          + "; did you mean \"Paris\"?",
        known());
  check("{Nova: Tokyo}", 7, std::string{"no site is named \"Tokyo\": "} + sites,
        known());
  check("{Novva: Paris}", 1,
        "no service is named \"Novva\": expected Nova or Glance; did you mean "
        "\"Nova\"?",
        known());
  auto x = scope::parse("{compte: Paris}", known());
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().nearest == "compute");
  BOOST_TEST((x.error().code == errc::unknown_service));
  x = scope::parse("around(Bellin, 5ms)", known());
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::unknown_site));
}

BOOST_AUTO_TEST_CASE(an_error_for_programs_has_one_sentence_and_a_way_out) {
  auto text = "{Nova: Zürich & Pariss}";
  auto e = scope::to_error(text, scope::parse(text, known()).error());
  BOOST_TEST((e.code == errc::unknown_site));
  BOOST_TEST(e.step == "parse scope");
  BOOST_TEST(e.what
             == "no site is named \"Pariss\", at character 17 of the "
                "scope");
  BOOST_TEST(e.hint
             == "expected Berlin, \"New York\", Paris or Zürich; did "
                "you mean \"Paris\"?");
}

BOOST_AUTO_TEST_CASE(no_service_can_be_called_star) {
  check("{\"*\": S1}", 1,
        "a service cannot be named \"*\": expected a "
        "placement without a service, for all of them");
}
