#include "cheops/replicant/translate.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::replicant;

namespace {

const meta_id own = random_meta(1, 1);
const meta_id other = random_meta(2, 2);

slot segment(std::uint32_t n, const meta_id& of = own) {
  return {slot::place::segment, n, {}, of};
}
slot value(std::string pointer, const meta_id& of = other) {
  return {slot::place::body, 0, std::move(pointer), of};
}

result<templated> translated(std::string target, std::string body,
                             std::vector<slot> slots, std::string id = "77") {
  return translate(
    {"PUT", std::move(target), {}, std::move(body), std::move(slots)},
    [=](const meta_id& x) -> std::optional<std::string> {
      if (x == own)
        return id;
      return x == other ? std::optional<std::string>{"88"} : std::nullopt;
    });
}

} // namespace

BOOST_AUTO_TEST_CASE(an_id_in_the_path_becomes_this_sites) {
  BOOST_TEST(translated("/bars/1", "", {segment(1)})->target == "/bars/77");
  BOOST_TEST(translated("/bars/1/parts/2?x=1", "", {segment(3, other)})->target
             == "/bars/1/parts/88?x=1");
  BOOST_TEST(translated("/bars/1?x=/y", "", {segment(1)})->target
             == "/bars/77?x=/y");
}

BOOST_AUTO_TEST_CASE(an_id_in_the_path_is_encoded) {
  BOOST_TEST(translated("/bars/1", "", {segment(1)}, "a b/c%~-._é")->target
             == "/bars/a%20b%2Fc%25~-._%C3%A9");
}

BOOST_AUTO_TEST_CASE(ids_in_a_body_become_this_sites_and_keep_their_kind) {
  auto x = translated("/", R"({"a":{"b":["x","1"]},"n":5,"z":null})",
                      {value("/a/b/1"), value("/n")});
  BOOST_TEST(x->body == R"({"a":{"b":["x","88"]},"n":88,"z":null})");
  // A number stays one only where the new id is one.
  auto y = translated("/", R"({"n":5})", {value("/n", own)}, "abc");
  BOOST_TEST(y->body == R"({"n":"abc"})");
  auto z = translated("/", R"({"n":5})", {value("/n", own)}, "007");
  BOOST_TEST(z->body == R"({"n":"007"})");
}

BOOST_AUTO_TEST_CASE(without_slots_nothing_is_touched) {
  auto odd = R"({ "a" : 1.0 , "a" : 2 } and no JSON)";
  BOOST_TEST(translated("/bars/1", odd, {})->body == odd);
}

BOOST_AUTO_TEST_CASE(an_id_that_is_not_known_stays) {
  BOOST_TEST(translated("/bars/1", "", {segment(1, random_meta(3, 3))})->target
             == "/bars/1");
}

BOOST_AUTO_TEST_CASE(a_slot_that_does_not_exist_is_an_error_that_names_it) {
  for (auto x : {translated("/bars", "", {segment(1)}),
                 translated("/bars/1", "{}", {value("/n")}),
                 translated("/bars/1", "no JSON", {value("/n")}),
                 translated("", "", {segment(0)})}) {
    BOOST_TEST_REQUIRE(!x);
    BOOST_TEST((x.error().code == errc::bad_request));
  }
  BOOST_TEST(translated("/bars/1", "{}", {value("/n")}).error().what
             == "the request has no id at /n");
}
