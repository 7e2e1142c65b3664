#define BOOST_TEST_MODULE glue_openstack
#include "cheops/traffic/carriers.hpp"
#include "glue/openstack/digest.hpp"
#include "glue/openstack/token.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::glue::openstack;

namespace {

const marker ours{fake_digest(1)};
const marker of_another_process{fake_digest(2)};

/// A token as Keystone's Fernet provider makes them.
rc::Gen<std::string> fernet() {
  return rc::gen::nonEmpty(rc::gen::container<std::string>(
    rc::gen::elementOf(std::string{"gAB01_-=."})));
}

rc::Gen<std::string> short_text(std::size_t most) {
  return rc::gen::suchThat(
    rc::gen::nonEmpty(rc::gen::arbitrary<std::string>()),
    [most](const std::string& x) { return x.size() <= most; });
}

} // namespace

BOOST_AUTO_TEST_SUITE(tokens)

BOOST_AUTO_TEST_CASE(a_token_without_suffix_is_all_bare) {
  for (auto text : {"", "gAAAAA", "a!b", "!x", "T!S.x", "T!", "a!s", "a!o"}) {
    auto x = read_token(text);
    BOOST_REQUIRE(x);
    BOOST_TEST(x->bare == text);
    BOOST_TEST(x->plain == text);
    BOOST_TEST(x->scope.empty());
    BOOST_TEST(!x->marked());
  }
}

BOOST_AUTO_TEST_CASE(scope_and_mark_come_back) {
  BOOST_TEST(rc::check([] {
    auto bare = *fernet();
    auto scope = *short_text(suffix_scope_bytes_max);
    auto issuer = *short_text(253);
    auto expires = *rc::gen::inRange<std::uint64_t>(1, 1'000'000'000);
    auto scoped = with_scope(bare, scope);
    RC_ASSERT(scoped.has_value());
    auto marked = ours.mark(*scoped, issuer, expires);
    auto x = read_token(marked);
    RC_ASSERT(x.has_value());
    RC_ASSERT(x->bare == bare);
    RC_ASSERT(x->plain == *scoped);
    RC_ASSERT(x->scope == scope);
    RC_ASSERT(x->issuer == issuer);
    RC_ASSERT(x->expires == expires);
    RC_ASSERT(ours.verify(*x, expires - 1).has_value());
    // What it is made of is safe in a header and in a path.
    RC_ASSERT(marked.find_first_of(" \t\r\n/?#,;\"") == std::string::npos);
  }));
}

BOOST_AUTO_TEST_CASE(no_letter_of_a_mark_can_be_changed) {
  BOOST_TEST(rc::check([] {
    auto text = ours.mark(*fernet() + "!s.e0E6IEJ9", "Berlin", 99);
    auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    auto other = *rc::gen::elementOf(std::string{"Ab0-_!.s"});
    RC_PRE(text[at] != other);
    text[at] = other;
    auto x = read_token(text);
    if (x && x->marked())
      RC_ASSERT(!ours.verify(*x, 1).has_value());
  }));
}

BOOST_AUTO_TEST_CASE(a_mark_is_good_for_its_time_its_token_and_its_process) {
  auto text = ours.mark("T", "Berlin", 100);
  auto x = read_token(text);
  BOOST_REQUIRE(x);
  BOOST_TEST(ours.verify(*x, 99).has_value());
  auto late = ours.verify(*x, 100);
  BOOST_REQUIRE(!late);
  BOOST_TEST((late.error().code == errc::forbidden));
  BOOST_TEST(late.error().what.find("Berlin") != std::string::npos);
  BOOST_TEST(!of_another_process.verify(*x, 99));
  // Behind another token it is nothing.
  auto moved = "U" + text.substr(1);
  BOOST_TEST(!ours.verify(*read_token(moved), 99));
}

BOOST_AUTO_TEST_CASE(what_looks_like_a_suffix_and_is_none_is_refused) {
  for (auto text : {"T!s.",
                    "T!s.=",
                    "T!s.QQ=",
                    "T!s.QR",
                    "T!s.a b",
                    "!s.QQ",
                    "T!s.QQ!s.QQ",
                    "T!s.QQ!",
                    "T!s.QQ!o.",
                    "T!o.QQ",
                    "T!o.QQ.1",
                    "T!o.QQ.1.",
                    "T!o.QQ.01.AAAAAAAAAAAAAAAAAAAAAA",
                    "T!o.QQ.A.AAAAAAAAAAAAAAAAAAAAAA",
                    "T!o..1.AAAAAAAAAAAAAAAAAAAAAA",
                    "T!o.QQ.1.AAAAAAAAAAAAAAAAAAAA",
                    "T!o.QQ.1.AAAAAAAAAAAAAAAAAAAAAA.x",
                    "!o.QQ.1.AAAAAAAAAAAAAAAAAAAAAA",
                    "T!o.QQ.1.AAAAAAAAAAAAAAAAAAAAAA!s.QQ",
                    "T!o.QQ.10000000000000000.AAAAAAAAAAAAAAAAAAAAAA"}) {
    auto x = read_token(text);
    BOOST_REQUIRE_MESSAGE(!x, text);
    BOOST_TEST((x.error().code == errc::bad_request));
  }
}

BOOST_AUTO_TEST_CASE(a_scope_that_would_not_fit_is_refused) {
  BOOST_TEST(
    with_scope("T", std::string(suffix_scope_bytes_max, 'x')).has_value());
  auto x = with_scope("T", std::string(suffix_scope_bytes_max + 1, 'x'));
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::too_large));
  auto code = traffic::base64url(std::string(suffix_scope_bytes_max + 1, 'x'));
  BOOST_TEST(!read_token("T!s." + code));
}

BOOST_AUTO_TEST_CASE(tokens_in_paths_lose_their_suffix) {
  auto marked = ours.mark("T!s.QQ", "B", 7);
  BOOST_TEST(bare_path("/v2.0/tokens/" + marked + "?x=" + marked)
             == "/v2.0/tokens/T?x=" + marked);
  BOOST_TEST(bare_path("/v2.0/tokens/T%21s.QQ/") == "/v2.0/tokens/T/");
  for (auto same : {"/", "*", "/a//b/", "/a!b/c", "/T!s./x", "/x?y=T!s.QQ"})
    BOOST_TEST(bare_path(same) == same);
}

BOOST_AUTO_TEST_CASE(a_table_holds_no_token) {
  auto key = ours.key_of("secret");
  BOOST_TEST(key.find("secret") == std::string::npos);
  BOOST_TEST(key == ours.key_of("secret"));
  BOOST_TEST(key != of_another_process.key_of("secret"));
}

BOOST_AUTO_TEST_SUITE_END()
