#define BOOST_TEST_MODULE application
#include "cheops/application/description.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::application;

namespace {

service shop() {
  service x;
  x.name = service_id{"shop"};
  resource bar;
  bar.kind = "bar";
  bar.operations = {{"POST", "/bars", verb::create},
                    {"GET", "/bars", verb::list},
                    {"GET", "/bars/{id}", verb::read},
                    {"PUT", "/bars/{id}", verb::update},
                    {"DELETE", "/bars/{id}", verb::remove},
                    {"POST", "/bars/{id}/action", verb::other}};
  resource search;
  search.kind = "search";
  search.operations = {{"GET", "/bars/search", verb::list},
                       {"POST", "/bars/search", verb::create}};
  resource part;
  part.kind = "part";
  part.operations = {{"GET", "/{bar}/parts/{id}", verb::read},
                     {"GET", "/bars/parts/{id}", verb::read},
                     {"GET", "/bars/{bar}/{id}", verb::other}};
  resource root;
  root.kind = "root";
  root.operations = {{"GET", "/", verb::read}};
  x.resources = {bar, search, part, root};
  return x;
}

struct row {
  std::string_view method;
  std::string_view target;
  std::string_view kind; ///< "": not a resource.
  verb does;
  std::string_view id;
};

} // namespace

BOOST_AUTO_TEST_CASE(requests_are_classified_by_method_and_path) {
  auto of = shop();
  const row table[] = {
    {"POST", "/bars", "bar", verb::create, ""},
    {"GET", "/bars", "bar", verb::list, ""},
    {"GET", "/bars/7", "bar", verb::read, "7"},
    {"HEAD", "/bars/7", "bar", verb::read, "7"},
    {"PUT", "/bars/7", "bar", verb::update, "7"},
    {"DELETE", "/bars/7", "bar", verb::remove, "7"},
    {"POST", "/bars/7/action", "bar", verb::other, "7"},
    {"GET", "/", "root", verb::read, ""},
    // The path is known, the method there is not.
    {"PATCH", "/bars/7", "bar", verb::other, "7"},
    {"OPTIONS", "/bars", "bar", verb::other, ""},
    {"get", "/bars/7", "bar", verb::other, "7"},
    // Not a resource: the verb is guessed.
    {"GET", "/health", "", verb::read, ""},
    {"HEAD", "/health", "", verb::read, ""},
    {"POST", "/login", "", verb::create, ""},
    {"PATCH", "/login", "", verb::update, ""},
    {"DELETE", "/login", "", verb::remove, ""},
    {"OPTIONS", "*", "", verb::other, ""},
    {"GET", "", "", verb::read, ""},
    {"GET", "bars", "", verb::read, ""},
    {"GET", "/BARS/7", "", verb::read, ""},
    {"GET", "/bars/7/action/8", "", verb::read, ""},
  };
  for (const auto& x : table) {
    auto is = classify(of, x.method, x.target);
    BOOST_TEST_CONTEXT(x.method << " " << x.target) {
      BOOST_TEST(is.of == &of);
      BOOST_TEST((is.about ? is.about->kind : "") == x.kind);
      BOOST_TEST(to_string(is.does) == to_string(x.does));
      BOOST_TEST(is.id == x.id);
    }
  }
}

BOOST_AUTO_TEST_CASE(literal_segments_win_over_parameters) {
  auto of = shop();
  BOOST_TEST(classify(of, "GET", "/bars/search").about->kind == "search");
  // One that knows the method wins over a more literal one that does not.
  BOOST_TEST(classify(of, "DELETE", "/bars/search").about->kind == "bar");
  // The first segment counts most: /bars/parts/{id}, then /bars/{bar}/{id}.
  auto first = classify(of, "GET", "/bars/parts/7");
  BOOST_TEST((first.does == verb::read));
  BOOST_TEST(first.id == "7");
  BOOST_TEST((classify(of, "GET", "/bars/x/7").does == verb::other));
  BOOST_TEST((classify(of, "GET", "/x/parts/7").does == verb::read));
}

BOOST_AUTO_TEST_CASE(spellings_of_one_path_are_one_resource) {
  auto of = shop();
  for (auto target :
       {"/bars/7", "/bars/7/", "//bars//7", "/./bars/./7", "/x/../bars/7",
        "/../bars/7", "/bars/x/../7", "/bars/7/x/..", "/b%61rs/%37",
        "/%2e/bars/%2E%2e/bars/7", "/bars/7?x=/../9", "/bars/7?", "/bars/7#f",
        "/bars/%37?y"}) {
    auto is = classify(of, "DELETE", target);
    BOOST_TEST_CONTEXT(target) {
      BOOST_REQUIRE(is.about);
      BOOST_TEST(is.about->kind == "bar");
      BOOST_TEST((is.does == verb::remove));
      BOOST_TEST(is.id == "7");
    }
  }
}

BOOST_AUTO_TEST_CASE(an_id_is_decoded_and_stays_one_segment) {
  auto of = shop();
  BOOST_TEST(classify(of, "GET", "/bars/a%2Fb").id == "a/b");
  BOOST_TEST(classify(of, "GET", "/bars/New%20York+1").id == "New York+1");
  BOOST_TEST(classify(of, "GET", "/bars/%C3%A9").id == "\xc3\xa9");
  BOOST_TEST(classify(of, "GET", "/bars/%252e").id == "%2e");
  BOOST_TEST(classify(of, "GET", "/bars/...").id == "...");
}

BOOST_AUTO_TEST_CASE(a_malformed_escape_is_no_resource) {
  auto of = shop();
  for (auto target :
       {"/bars/%", "/bars/%2", "/bars/%zz", "/bars/%2g", "/bars/7%", "/%bars"})
    BOOST_TEST(!classify(of, "GET", target).about, target);
}

BOOST_AUTO_TEST_CASE(a_path_of_any_depth_is_answered) {
  auto of = shop();
  std::string deep;
  std::string back;
  for (int i = 0; i < 1000; ++i) {
    deep += "/x";
    back += "/..";
  }
  BOOST_TEST(!classify(of, "GET", deep).about);
  BOOST_TEST(classify(of, "GET", deep + back + "/bars/7").id == "7");
  BOOST_TEST(classify(of, "GET", "/bars/" + std::string(100'000, 'x')).id.size()
             == 100'000U);
}

BOOST_AUTO_TEST_CASE(a_match_says_where_the_parameters_stand) {
  auto of = shop();
  auto x = match(of, "GET", "//bars/./a/../%61%2Fb/parts%3F/?q={id}");
  BOOST_REQUIRE(x.by);
  BOOST_TEST(x.by->path == "/bars/{bar}/{id}");
  BOOST_REQUIRE(x.parameters.size() == 2U);
  BOOST_TEST(x.parameters[0].name == "bar");
  BOOST_TEST(x.parameters[0].value == "a/b");
  BOOST_TEST(x.parameters[0].segment == 5U);
  BOOST_TEST(x.parameters[1].name == "id");
  BOOST_TEST(x.parameters[1].value == "parts?");
  BOOST_TEST(x.parameters[1].segment == 6U);
  BOOST_TEST(x.what.id == "parts?");
  // The path is known, the method there is not.
  auto y = match(of, "PATCH", "/bars/7");
  BOOST_REQUIRE(y.by);
  BOOST_TEST(to_string(y.what.does) == "other");
  BOOST_TEST(y.parameters.at(0).value == "7");
  auto none = match(of, "GET", "/nothing/here");
  BOOST_TEST((!none.by && none.parameters.empty()));
}
