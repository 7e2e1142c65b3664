#define BOOST_TEST_MODULE replicant_owner
#include "stage.hpp"

#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

/// Others go on after few ticks.
settings hasty() {
  auto x = stage::quick();
  x.judge_ticks = 8;
  return x;
}

} // namespace

// -- the order of things -----------------------------------------------------

BOOST_AUTO_TEST_CASE(the_asking_site_calls_first_and_the_others_behind_it) {
  stage s{3};
  auto token = s.ask(1, make(change::create));
  BOOST_TEST(s.calls(1));
  BOOST_TEST(!s.calls(2));
  BOOST_TEST(!s.answered(token));
  s.answer_call(1, 201, "1-1");
  BOOST_TEST(is(s.answered(token), ending::application));
  BOOST_TEST(s.answered(token)->status == 201U);
  BOOST_TEST(s.answered(token)->local_id == "1-1");
  BOOST_TEST(s.calls(2));
  BOOST_TEST(s.calls(3));
  s.work();
  s.rest();
  for (int site : {1, 2, 3}) {
    BOOST_TEST(s.at(site).site.exists);
    BOOST_TEST((state_of(s.at(site)) == site_state::ok));
  }
}

BOOST_AUTO_TEST_CASE(each_site_is_called_with_its_own_id) {
  made s;
  s.ask(2, s.change_at(change::patch, 2));
  BOOST_TEST(s.called(2).request.target == "/bars/2-1");
  s.answer_call(2, 200);
  BOOST_TEST(s.called(1).request.target == "/bars/1-1");
  BOOST_TEST(s.called(3).request.target == "/bars/3-1");
}

BOOST_AUTO_TEST_CASE(what_the_asking_site_refuses_is_called_nowhere_else) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 422);
  BOOST_TEST(is(s.answered(token), ending::application));
  BOOST_TEST(s.answered(token)->status == 422U);
  s.rest();
  BOOST_TEST(!s.calls(2));
  for (int site : {1, 2, 3})
    BOOST_TEST((state_of(s.at(site)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(a_refusal_is_told_once_the_log_has_it) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.cut(2);
  s.cut(3);
  s.answer_call(1, 422);
  BOOST_TEST(!s.answered(token));
  s.heal();
  s.tick(60);
  BOOST_TEST(s.answered(token)->status == 422U);
}

BOOST_AUTO_TEST_CASE(the_intent_is_stored_before_the_call) {
  made s;
  s.slow = {1};
  s.ask(1, s.change_at(change::patch, 1));
  s.store(1); // The entry.
  s.settle();
  BOOST_TEST(!s.calls(1));
  s.store(1); // The intent.
  BOOST_TEST(s.calls(1));
}

BOOST_AUTO_TEST_CASE(an_intent_that_can_be_settled_is_stored_with_its_entry) {
  made s;
  s.slow = {1};
  auto what = s.change_at(change::patch, 1);
  what.settle = settling::repeat;
  s.ask(1, what);
  s.store(1);
  s.settle();
  BOOST_TEST(s.calls(1));
}

BOOST_AUTO_TEST_CASE(the_client_is_told_once_the_outcome_is_stored) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.slow = {1};
  s.answer_call(1, 200);
  BOOST_TEST(!s.answered(token));
  s.store(1);
  BOOST_TEST(is(s.answered(token), ending::application));
}

BOOST_AUTO_TEST_CASE(entries_are_done_one_after_the_other) {
  made s;
  auto a = s.ask(1, s.change_at(change::patch, 1));
  auto b = s.ask(1, s.change_at(change::replace, 1));
  BOOST_TEST(s.called(1).request.method == "PATCH");
  s.answer_call(1, 200);
  BOOST_TEST(s.called(1).request.method == "PUT");
  s.work();
  BOOST_TEST(s.answered(a)->index < s.answered(b)->index);
}

// -- whom a client waits for -------------------------------------------------

BOOST_AUTO_TEST_CASE(who_waits_for_none_is_told_when_it_is_committed) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1), wait_for::decided);
  BOOST_TEST(is(s.answered(token), ending::accepted));
  BOOST_TEST(s.answered(token)->index > 0U);
}

BOOST_AUTO_TEST_CASE(who_waits_for_all_is_told_when_every_site_has_done_it) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1), wait_for::all);
  s.answer_call(1, 200);
  s.answer_call(2, 200);
  BOOST_TEST(!s.answered(token));
  s.answer_call(3, 200);
  BOOST_TEST(is(s.answered(token), ending::application));
  auto lines = s.answered(token)->sites;
  for (const auto& line : lines) {
    BOOST_TEST((line.state == site_state::ok));
    BOOST_TEST(line.status == 200U);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_shows_the_sites_that_are_still_to_do_it) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 200);
  auto sites = s.answered(token)->sites;
  BOOST_TEST_REQUIRE(sites.size() == 3U);
  BOOST_TEST((sites[0].state == site_state::ok));
  BOOST_TEST((sites[1].state == site_state::pending));
}

// -- without a majority ------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_left_for_nowhere_is_refused_and_may_be_tried_again) {
  made s;
  s.crash(2); // Knows no leader any more.
  s.cut(2);
  auto token = s.ask(2, s.change_at(change::patch, 2));
  s.tick(45);
  BOOST_TEST(is(s.answered(token), refusal::no_quorum));
}

BOOST_AUTO_TEST_CASE(what_left_has_an_open_fate) {
  made s;
  s.cut(1);
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.tick(45);
  BOOST_TEST(is(s.answered(token), ending::open));
  BOOST_TEST((s.answered(token)->operation != operation_id{}));
}

BOOST_AUTO_TEST_CASE(an_application_that_does_not_answer_leaves_it_open) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.tick(59);
  BOOST_TEST(!s.answered(token));
  s.tick(1);
  BOOST_TEST(is(s.answered(token), ending::open));
  BOOST_TEST(s.answered(token)->index > 0U);
}

BOOST_AUTO_TEST_CASE(a_site_whose_application_is_down_says_no_and_means_it) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.stay_down(1, token);
  BOOST_TEST(is(s.answered(token), refusal::application_down));
  s.work();
  s.rest();
  BOOST_TEST(s.at(2).site.last.size() == 1U); // The create alone.
}

// -- crashes and calls of unknown fate ---------------------------------------

BOOST_AUTO_TEST_CASE(after_a_crash_a_probe_finds_what_was_done) {
  made s;
  auto what = s.change_at(change::patch, 1);
  what.settle = settling::probe;
  what.probe = templated{"GET", "/bars/1-1", {}, {}, {}};
  s.ask(1, what);
  BOOST_TEST(s.calls(1));
  s.crash(1);
  s.tick(30);
  BOOST_TEST(!s.calls(1));
  BOOST_TEST_REQUIRE(s.probes(1));
  s.answer_probe(1, finding::found);
  s.work();
  s.rest();
  for (int site : {1, 2, 3})
    BOOST_TEST((state_of(s.at(site)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(what_a_probe_does_not_find_is_called_again) {
  made s;
  auto what = s.change_at(change::patch, 1);
  what.settle = settling::probe;
  what.probe = templated{"GET", "/bars/1-1", {}, {}, {}};
  s.ask(1, what);
  s.answer_call(1, 0, {}, call_end::cut);
  BOOST_TEST(!s.probes(1)); // It may still act.
  s.tick(10);
  s.answer_probe(1, finding::absent);
  s.tick(5);
  BOOST_TEST(s.calls(1));
}

BOOST_AUTO_TEST_CASE(what_can_be_repeated_is_repeated_once_it_cannot_act) {
  made s;
  auto what = s.change_at(change::replace, 1);
  what.settle = settling::repeat;
  auto token = s.ask(1, what);
  s.answer_call(1, 500);
  BOOST_TEST(!s.calls(1));
  s.tick(10);
  BOOST_TEST(s.calls(1));
  s.answer_call(1, 200);
  BOOST_TEST(is(s.answered(token), ending::application));
}

BOOST_AUTO_TEST_CASE(what_nobody_can_tell_is_uncertain_and_not_repeated) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 0, {}, call_end::cut);
  s.tick(20);
  BOOST_TEST(!s.calls(1));
  BOOST_TEST(is(s.answered(token), ending::open));
  BOOST_TEST((state_of(s.at(1)) == site_state::uncertain));
  s.work();
  s.rest();
  BOOST_TEST((state_of(s.at(2)) == site_state::ok)); // It may stand.
  BOOST_TEST(
    (s.at(2).site.others.at(member(1)).state == site_state::uncertain));
}

BOOST_AUTO_TEST_CASE(a_replacement_heals_what_was_uncertain) {
  made s;
  s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 0, {}, call_end::cut);
  s.work();
  s.rest();
  s.ask(1, s.change_at(change::replace, 1));
  s.work();
  BOOST_TEST((state_of(s.at(1)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(nothing_heals_a_call_that_may_act_at_any_time) {
  made s;
  auto what = s.change_at(change::patch, 1);
  what.settles_after_ms = 0;
  s.ask(1, what);
  s.answer_call(1, 0, {}, call_end::cut);
  BOOST_TEST((state_of(s.at(1)) == site_state::uncertain));
  s.ask(1, s.change_at(change::replace, 1));
  s.work();
  BOOST_TEST((state_of(s.at(1)) == site_state::uncertain));
}

BOOST_AUTO_TEST_CASE(an_uncertain_create_holds_all_until_a_person_says) {
  stage s{2};
  s.ask(1, make(change::create));
  s.answer_call(1, 201, "1-1");
  s.answer_call(2, 0, {}, call_end::cut);
  s.tick(20);
  BOOST_TEST((state_of(s.at(2)) == site_state::uncertain));
  s.ask(1, make(change::patch, "1-1"));
  s.answer_call(1, 200);
  BOOST_TEST(!s.calls(2));
  auto index = s.at(2).site.troubles.at(0).index;
  s.crash(2); // It still holds.
  s.tick(3);
  BOOST_TEST(!s.calls(2));
  s.give(2, resolve_asked{99, index, resolution::exists, "2-7"});
  s.settle();
  BOOST_TEST(is(s.answered(99), ending::settled));
  BOOST_TEST(s.called(2).request.target == "/bars/2-7");
}

// -- sites that differ -------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_site_that_refuses_what_another_accepted_is_diverged) {
  made s;
  auto token = s.ask(1, s.change_at(change::patch, 1), wait_for::all);
  s.answer_call(1, 200);
  s.answer_call(2, 409);
  s.answer_call(3, 200);
  BOOST_TEST((state_of(s.at(2)) == site_state::diverged));
  auto sites = s.answered(token).value().sites;
  BOOST_TEST((sites[1].state == site_state::diverged));
  BOOST_TEST(sites[1].status == 409U);
}

BOOST_AUTO_TEST_CASE(a_diverged_entry_can_be_tried_again) {
  made s;
  s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 200);
  s.answer_call(2, 409);
  s.work();
  auto index = s.at(2).site.troubles.at(0).index;
  s.give(2, resolve_asked{99, index, resolution::retry, {}});
  s.settle();
  BOOST_TEST(is(s.answered(99), ending::settled));
  s.answer_call(2, 200);
  BOOST_TEST((state_of(s.at(2)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(a_retry_out_of_order_is_refused) {
  made s;
  s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 200);
  s.answer_call(2, 409);
  s.work();
  s.ask(1, s.change_at(change::patch, 1));
  s.work();
  auto index = s.at(2).site.troubles.at(0).index;
  s.give(2, resolve_asked{99, index, resolution::retry, {}});
  s.settle();
  BOOST_TEST(is(s.answered(99), refusal::busy));
  s.give(2, resolve_asked{100, index, resolution::abandon, {}});
  s.settle();
  BOOST_TEST((state_of(s.at(2)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(a_refused_create_is_undone_where_its_rule_says_so) {
  stage s{3};
  auto what = make(change::create);
  what.on_refusal = refusal_rule::compensate;
  s.ask(1, what);
  s.answer_call(1, 201, "1-1");
  s.answer_call(3, 201, "3-1");
  s.answer_call(2, 409);
  BOOST_TEST(s.called(1).request.method == "DELETE");
  BOOST_TEST(s.called(1).request.target == "/bars/1-1");
  BOOST_TEST(s.called(3).request.target == "/bars/3-1");
  BOOST_TEST(!s.calls(2));
  s.work();
  s.rest();
  BOOST_TEST(s.forgotten.size() == 3U);
}

BOOST_AUTO_TEST_CASE(answers_of_5xx_are_tried_again_and_shown_in_the_end) {
  made s;
  auto what = s.change_at(change::replace, 1);
  what.settle = settling::probe;
  what.probe = templated{"GET", "/bars", {}, {}, {}};
  s.ask(1, what);
  s.answer_call(1, 200);
  s.answer_call(3, 200);
  for (int i = 0; i < 3; ++i) {
    for (int t = 0; t < 20 && !s.calls(2); ++t)
      s.tick(1);
    s.answer_call(2, 500);
    s.tick(10);
    s.answer_probe(2, finding::absent);
  }
  s.tick(20);
  BOOST_TEST(!s.calls(2));
  BOOST_TEST((state_of(s.at(2)) == site_state::diverged));
  BOOST_TEST(s.at(2).site.troubles.at(0).status == 500U);
}

// -- a site that says nothing ------------------------------------------------

BOOST_AUTO_TEST_CASE(others_go_on_without_the_asking_sites_word) {
  made s{3, hasty()};
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.tick(40);
  BOOST_TEST(s.calls(2));
  s.work();
  BOOST_TEST(is(s.answered(token), ending::application));
  s.rest();
  for (int site : {1, 2, 3})
    BOOST_TEST((state_of(s.at(site)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(a_word_that_came_too_late_makes_its_site_diverged) {
  made s{3, hasty()};
  auto token = s.ask(1, s.change_at(change::patch, 1));
  s.tick(40);
  s.answer_call(1, 422);
  BOOST_TEST(s.answered(token)->status == 422U);
  BOOST_TEST((s.answered(token)->sites[0].state == site_state::diverged));
  BOOST_TEST((state_of(s.at(1)) == site_state::diverged));
}

// -- other replicants --------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_entry_waits_for_what_it_refers_to) {
  made s;
  auto what = s.change_at(change::patch, 1);
  auto other = random_meta(8, 9);
  what.what.body = R"({"foo":"55"})";
  what.what.slots.push_back({slot::place::body, 0, "/foo", other});
  what.after.push_back({other, 4});
  s.ask(1, what);
  BOOST_TEST(!s.calls(1));
  BOOST_TEST_REQUIRE(s.awaits(1).size() == 1U);
  BOOST_TEST((s.awaits(1)[0].on == other));
  s.give(1, reached{other, 3, "66"}); // Not far enough.
  BOOST_TEST(!s.calls(1));
  s.give(1, reached{other, 4, "66"});
  s.settle();
  BOOST_TEST(s.called(1).request.body == R"({"foo":"66"})");
}

BOOST_AUTO_TEST_CASE(what_it_refers_to_is_not_waited_for_for_ever) {
  made s;
  auto what = s.change_at(change::patch, 1);
  what.after.push_back({random_meta(8, 9), 4});
  auto token = s.ask(1, what);
  s.tick(25);
  BOOST_TEST(is(s.answered(token), ending::settled));
  BOOST_TEST(s.answered(token)->status == 424U);
  BOOST_TEST(!s.calls(1));
}

BOOST_AUTO_TEST_CASE(elsewhere_it_is_shown_and_done_as_soon_as_it_can_be) {
  made s;
  auto what = s.change_at(change::patch, 1);
  auto other = random_meta(8, 9);
  what.after.push_back({other, 4});
  s.ask(1, what);
  s.give(1, reached{other, 4, {}});
  s.settle();
  s.answer_call(1, 200);
  s.give(3, reached{other, 5, {}});
  s.settle();
  s.answer_call(3, 200);
  s.tick(25);
  BOOST_TEST((state_of(s.at(2)) == site_state::diverged));
  BOOST_TEST(s.at(2).site.troubles.at(0).status == 424U);
  s.give(2, reached{other, 4, {}});
  s.settle();
  s.answer_call(2, 200);
  BOOST_TEST((state_of(s.at(2)) == site_state::ok));
}

// -- reads -------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_linearizable_read_waits_for_what_was_answered_before) {
  made s;
  s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 200);
  auto token = s.read(2);
  BOOST_TEST(!s.read_of(token));
  s.answer_call(2, 200);
  BOOST_TEST_REQUIRE(!!s.read_of(token));
  BOOST_TEST(s.read_of(token)->granted);
  BOOST_TEST(s.read_of(token)->local_id == "2-1");
  // A plain one is served at once, and says how far it is.
  auto plain = s.read(3, false);
  BOOST_TEST(s.read_of(plain)->granted);
  BOOST_TEST((s.read_of(plain)->state == site_state::pending));
  BOOST_TEST(s.read_of(plain)->index < s.read_of(token)->index);
}

BOOST_AUTO_TEST_CASE(a_linearizable_read_is_refused_where_the_site_differs) {
  made s;
  s.ask(1, s.change_at(change::patch, 1));
  s.answer_call(1, 200);
  s.answer_call(2, 409);
  s.work();
  auto token = s.read(2);
  BOOST_TEST(!s.read_of(token)->granted);
  BOOST_TEST((s.read_of(token)->state == site_state::diverged));
  BOOST_TEST(s.read_of(s.read(2, false))->granted);
  BOOST_TEST(s.read_of(s.read(3))->granted);
}

BOOST_AUTO_TEST_CASE(without_a_majority_only_plain_reads_go_on) {
  made s;
  s.cut(2);
  s.cut(3);
  auto token = s.read(1);
  BOOST_TEST(s.read_of(s.read(1, false))->granted);
  s.tick(45);
  BOOST_TEST(!s.read_of(token)->granted);
  BOOST_TEST((s.read_of(token)->why == refusal::no_quorum));
}
