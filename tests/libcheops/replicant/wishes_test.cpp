#include "cheops/replicant/wishes.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::replicant;
using namespace std::chrono_literals;

namespace {

wishes said(std::vector<traffic::field> fields) {
  auto x = wishes_of({"PUT", "/", fields});
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  return *x;
}

std::string refused(std::vector<traffic::field> fields) {
  auto x = wishes_of({"PUT", "/", fields});
  return x ? "" : to_string(x.error());
}

} // namespace

BOOST_AUTO_TEST_SUITE(wishes_of_clients)

BOOST_AUTO_TEST_CASE(without_a_word_the_site_itself_is_waited_for) {
  auto x = said({});
  BOOST_TEST((x.until == wait_for::here));
  BOOST_TEST(!x.respond_async);
  BOOST_TEST((x.patience == 0ms));
  BOOST_TEST((!x.read_at && x.if_match.empty() && x.key.empty()));
}

BOOST_AUTO_TEST_CASE(a_client_says_how_long_it_waits) {
  BOOST_TEST((said({{"cheops-wait", "ALL"}}).until == wait_for::all));
  BOOST_TEST((said({{"Cheops-Wait", "decided"}}).until == wait_for::decided));
  BOOST_TEST((said({{"Prefer", "return=minimal, respond-async"}}).until
              == wait_for::decided));
  BOOST_TEST((said({{"Prefer", "wait=7;x=y"}}).patience == 7s));
  BOOST_TEST((said({{"Prefer", "wait = \"8\""}}).patience == 8s));
  // RFC 7240, 4.3: wait so long, then say that it goes on.
  auto both = said({{"Prefer", "respond-async"}, {"Prefer", "wait=9"}});
  BOOST_TEST((both.until == wait_for::here && both.respond_async));
  BOOST_TEST((both.patience == 9s));
  // What is not understood is passed over (RFC 7240, 2).
  BOOST_TEST((said({{"Prefer", "wait=soon, x=\", respond-async\""}}).until
              == wait_for::here));
}

BOOST_AUTO_TEST_CASE(what_was_read_and_the_key_are_taken) {
  auto x = said({{"Cheops-Replicant-Index", "17"},
                 {"If-Match", "\"a\""},
                 {"If-Match", "\"b\""},
                 {"Idempotency-Key", "k-1"}});
  BOOST_TEST((x.read_at == std::optional<index_id>{17}));
  BOOST_TEST(x.if_match == "\"a\", \"b\"");
  BOOST_TEST(x.key == "k-1");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_meant_is_refused) {
  BOOST_TEST(refused({{"Cheops-Wait", "forever"}})
             == "read the request: Cheops-Wait is \"forever\" (write here, all "
                "or decided)");
  BOOST_TEST(refused({{"Cheops-Replicant-Index", "-1"}})
             == "read the request: Cheops-Replicant-Index is \"-1\" (send back "
                "the number that came with the resource)");
  BOOST_TEST(
    !refused({{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}}).empty());
  std::string long_key(idempotency_key_bytes_max + 1, 'k');
  BOOST_TEST(!refused({{"Idempotency-Key", long_key}}).empty());
  std::vector<traffic::field> dated{{"If-Unmodified-Since", "today"}};
  auto x = wishes_of({"PUT", "/", dated});
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::not_built));
}

BOOST_AUTO_TEST_CASE(a_read_is_local_unless_it_says_otherwise) {
  auto read = [](std::vector<traffic::field> fields) {
    return wants_linearizable({"GET", "/", fields});
  };
  BOOST_TEST(!*read({}));
  BOOST_TEST(!*read({{"Cheops-Consistency", "local"}}));
  BOOST_TEST(*read({{"Cheops-Consistency", "linearizable"}}));
  BOOST_TEST(!read({{"Cheops-Consistency", "strong"}}));
}

BOOST_AUTO_TEST_CASE(entity_tags_are_compared_strongly) {
  BOOST_TEST(matches_etag("\"a\", \"b,c\"", "\"b,c\""));
  BOOST_TEST(matches_etag("*", "\"x\""));
  BOOST_TEST(!matches_etag("\"a\"", "\"b\""));
  BOOST_TEST(!matches_etag("W/\"a\"", "W/\"a\""));
  BOOST_TEST(!matches_etag("\"a\"", ""));
}

BOOST_AUTO_TEST_SUITE_END()
