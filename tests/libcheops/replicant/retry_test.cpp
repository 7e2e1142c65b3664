// Preconditions, and retries under a client's key.
#include "stage.hpp"

#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

/// A change under a client's key.
operation keyed(made& s) {
  auto out = s.change_at(change::patch, 1);
  out.key = client_key{digest_of("k"), digest_of("r")};
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_precondition_that_is_too_old_is_refused) {
  made s;
  auto read = s.at(2).site.done;
  s.ask(1, s.change_at(change::patch, 1));
  s.work();
  auto what = s.change_at(change::patch, 2);
  what.read_at = read;
  what.stale_status = 409;
  auto token = s.ask(2, what);
  BOOST_TEST(is(s.answered(token), refusal::stale));
  BOOST_TEST(s.answered(token)->status == 409U);
  BOOST_TEST(!s.calls(2));
}

BOOST_AUTO_TEST_CASE(a_retry_under_its_key_gets_the_first_answer) {
  made s;
  auto what = keyed(s);
  s.ask(1, what);
  s.work();
  s.rest();
  auto again = s.change_at(change::patch, 2);
  again.key = what.key;
  auto token = s.ask(2, again);
  BOOST_TEST(is(s.answered(token), ending::settled));
  BOOST_TEST(s.answered(token)->status == 200U);
  BOOST_TEST(!s.calls(2));
  again.key->request = digest_of("another");
  BOOST_TEST(is(s.answered(s.ask(2, again)), refusal::key_reused));
}

BOOST_AUTO_TEST_CASE(a_retry_stands_where_the_first_does) {
  made s;
  auto what = keyed(s);
  auto first = s.ask(1, what);
  s.work();
  auto between = s.ask(2, s.change_at(change::replace, 2));
  s.work();
  s.rest();
  auto again = s.ask(1, what);
  BOOST_TEST(is(s.answered(again), ending::settled));
  BOOST_TEST(s.answered(again)->index == s.answered(first)->index);
  BOOST_TEST(s.answered(again)->index < s.answered(between)->index);
}

BOOST_AUTO_TEST_CASE(a_retry_waits_for_the_first) {
  made s;
  auto what = keyed(s);
  s.ask(1, what);
  auto token = s.ask(1, what);
  BOOST_TEST(!s.answered(token));
  s.answer_call(1, 200);
  BOOST_TEST(is(s.answered(token), ending::settled));
}

BOOST_AUTO_TEST_CASE(a_retry_of_what_was_not_run_is_a_new_try) {
  made s;
  auto what = keyed(s);
  auto token = s.ask(1, what);
  s.stay_down(1, token);
  BOOST_TEST(is(s.answered(token), refusal::application_down));
  auto again = s.ask(1, what);
  BOOST_TEST_REQUIRE(s.calls(1));
  s.answer_call(1, 200);
  BOOST_TEST(is(s.answered(again), ending::application));
}

BOOST_AUTO_TEST_CASE(a_retry_is_the_first_for_longer_than_its_note_is_kept) {
  made s;
  auto what = keyed(s);
  auto first = s.ask(1, what);
  s.work();
  for (std::size_t i = 0; i < notes_max; ++i) {
    s.ask(1, s.change_at(change::replace, 1));
    s.work();
  }
  auto index = s.answered(first)->index;
  BOOST_TEST((find(s.at(1).shared, index) == nullptr));
  auto again = s.ask(1, what);
  BOOST_TEST(is(s.answered(again), ending::settled));
  BOOST_TEST(s.answered(again)->index == index);
  BOOST_TEST(!s.calls(1));
}
