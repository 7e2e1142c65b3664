// The end of a group, its members, who does not belong to it, and silence.

#include "stage.hpp"

#include "cheops/replicant/members.hpp"
#include "support/boost_test.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

struct made_everywhere : stage {
  explicit made_everywhere(int sites = 3) : stage(sites) {
    ask(1, make(change::create));
    work();
    rest();
  }
  operation change_at(change does, int site) {
    return make(does, at(site).site.local_id);
  }
  token_id scale(int site, raft::configuration members) {
    give(site, scale_asked{900, std::move(members), true});
    settle();
    return 900;
  }
};

raft::configuration on(std::vector<int> sites) {
  raft::configuration out;
  for (int i : sites)
    out.push_back({member(i), raft::member_role::voter});
  return out;
}

std::vector<std::string> names(const raft::configuration& x) {
  std::vector<std::string> out;
  for (const auto& m : x)
    out.push_back(m.id.site.value);
  std::ranges::sort(out);
  return out;
}

} // namespace

// -- silence -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_idle_group_is_silent_and_needs_no_ticks) {
  made_everywhere s;
  auto before = s.messages();
  s.tick(200);
  BOOST_TEST(s.messages() == before);
  for (int site : {1, 2, 3})
    BOOST_TEST(is_idle(s.at(site)));
}

BOOST_AUTO_TEST_CASE(a_link_that_comes_back_wakes_no_idle_group) {
  made_everywhere s;
  auto before = s.messages();
  for (int i = 0; i < 10; ++i)
    s.heal();
  BOOST_TEST(s.messages() == before);
  for (int site : {1, 2, 3})
    BOOST_TEST(!is_awake(s.at(site)));
}

BOOST_AUTO_TEST_CASE(a_site_that_was_away_catches_up_when_its_link_is_up) {
  made_everywhere s;
  s.cut(3);
  s.ask(1, s.change_at(change::patch, 1));
  s.work();
  s.rest();
  s.heal();
  s.rest();
  BOOST_TEST(s.at(3).site.done == s.at(1).site.done);
}

BOOST_AUTO_TEST_CASE(it_catches_up_though_whoever_led_is_gone) {
  made_everywhere s;
  s.cut(3);
  s.ask(1, s.change_at(change::patch, 1));
  s.work();
  s.rest();
  s.crash(1);
  s.crash(2); // Nobody leads, and nobody needs to, but for site 3.
  s.heal();
  s.rest();
  BOOST_TEST(s.at(3).site.done >= 4U);
  BOOST_TEST((state_of(s.at(3)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(a_recovered_owner_is_as_it_was_and_asks_nobody) {
  made_everywhere s;
  auto before = s.at(2).shared;
  s.crash(2);
  BOOST_TEST((s.at(2).shared == before));
  BOOST_TEST(!s.at(2).group.awake);
}

// -- the end -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_tombstone_stays_until_every_member_has_it) {
  made_everywhere s;
  s.cut(3);
  s.ask(1, s.change_at(change::remove, 1));
  s.work();
  s.tick(100);
  BOOST_TEST(s.forgotten.empty());
  s.heal();
  s.rest();
  BOOST_TEST(s.forgotten.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_tombstone_does_not_wait_for_a_store_that_was_lost) {
  made_everywhere s;
  s.cut(3);
  s.ask(1, s.change_at(change::remove, 1));
  s.work();
  for (int site : {1, 2})
    s.give(site, reachable{member(3).site, member(3).store});
  s.tick(100);
  BOOST_TEST(s.forgotten.empty()); // It is down, and may come back.
  for (int site : {1, 2})
    s.give(site, reachable{member(3).site, "another disk"});
  s.rest();
  BOOST_TEST((s.forgotten == std::set{1, 2}));
  // It was not lost after all: it is told, and its copy goes.
  s.heal();
  s.give(3,
         received{reply_to({member(3), member(1), s.at(3).mark, {}, summary{}},
                           group_gone{})});
  s.settle();
  s.answer_call(3, 204);
  s.rest();
  BOOST_TEST(s.forgotten.contains(3));
}

BOOST_AUTO_TEST_CASE(what_is_deleted_can_be_taken_from_a_site_that_is_away) {
  made_everywhere s;
  s.cut(3);
  s.ask(1, s.change_at(change::remove, 1));
  s.work();
  s.tick(100);
  BOOST_TEST(s.forgotten.empty());
  auto members = s.born.members;
  std::erase_if(members, [](const auto& m) { return m.id == member(3); });
  s.give(1, scale_asked{99, members, true});
  s.tick(100);
  BOOST_TEST((s.forgotten == std::set{1, 2}));
}

BOOST_AUTO_TEST_CASE(only_a_site_of_the_group_says_that_one_has_left) {
  made_everywhere s;
  auto says = [&](const member_id& who, message_body what) {
    s.give(1, received{{who, member(1), s.at(1).mark, {}, std::move(what)}});
  };
  says(member(9), farewell{3, true});
  says(member(9), group_gone{});
  BOOST_TEST(!s.at(1).leaving.has_value());
  says({member(2).site, "a store that came later"}, farewell{3, true});
  BOOST_TEST(s.at(1).leaving.has_value());
}

BOOST_AUTO_TEST_CASE(who_is_no_member_tells_nothing_of_itself) {
  made_everywhere s;
  auto says = [&](const member_id& who, message_body what) {
    s.give(1, received{{who, member(1), s.at(1).mark, {}, std::move(what)}});
    s.settle();
  };
  summary lie;
  lie.session = lie.version = 1'000;
  auto others = s.at(1).site.others;
  auto told = s.sent.size();
  for (const auto& who :
       {member(9), member_id{member(2).site, "a store that came later"}}) {
    says(who, lie);
    says(who, farewell_heard{});
    says(who, foreign_group{});
  }
  BOOST_TEST((s.at(1).site.others == others));
  BOOST_TEST(s.at(1).departed_told.empty());
  BOOST_TEST(s.at(1).foreign.empty());
  BOOST_TEST(s.sent.size() == told);
  // However many stores a site makes up.
  for (int i = 0; i < 1'000; ++i)
    says({member(9).site, std::to_string(i)}, lie);
  BOOST_TEST(s.at(1).heard.size() <= 2 * members_max);
}

BOOST_AUTO_TEST_CASE(who_may_be_left_is_unknown_once_all_others_have_left) {
  made_everywhere s;
  auto says = [&](const member_id& who, message_body what) {
    s.give(1, received{{who, member(1), s.at(1).mark, {}, std::move(what)}});
  };
  says(member(2), farewell_heard{});
  says(member(9), farewell{3, true});
  BOOST_TEST(!s.at(1).leaving.has_value());
  // A member that has not left is asked what it knows.
  BOOST_TEST(s.at(1).untold.contains(member(3)));
  says(member(3), farewell_heard{});
  says(member(9), farewell{3, true});
  BOOST_TEST(s.at(1).leaving.has_value());
}

BOOST_AUTO_TEST_CASE(a_tombstone_stays_while_a_site_could_not_remove_it) {
  made_everywhere s;
  s.ask(1, s.change_at(change::remove, 1));
  s.answer_call(1, 204);
  s.answer_call(2, 409);
  s.answer_call(3, 204);
  s.rest();
  BOOST_TEST(s.forgotten.empty());
  auto index = s.at(2).site.troubles.at(0).index;
  s.give(2, resolve_asked{99, index, resolution::retry, {}});
  s.settle();
  s.answer_call(2, 204);
  s.rest();
  BOOST_TEST(s.forgotten.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_is_gone_already_counts_as_removed) {
  made_everywhere s;
  auto token = s.ask(1, s.change_at(change::remove, 1));
  s.answer_call(1, 404);
  BOOST_TEST(s.answered(token)->status == 404U);
  s.answer_call(2, 410);
  s.answer_call(3, 204);
  s.rest();
  BOOST_TEST(s.forgotten.size() == 3U);
}

BOOST_AUTO_TEST_CASE(changes_behind_the_end_are_refused) {
  made_everywhere s;
  auto change = s.change_at(change::patch, 2);
  s.ask(1, s.change_at(change::remove, 1));
  auto token = s.ask(2, change);
  s.answer_call(1, 204);
  BOOST_TEST((s.answered(token).value().how == ending::refused));
  BOOST_TEST((s.answered(token)->why == refusal::over));
}

BOOST_AUTO_TEST_CASE(a_refused_create_leaves_nothing) {
  stage s{3};
  auto token = s.ask(1, make(change::create));
  s.answer_call(1, 400);
  BOOST_TEST(s.answered(token)->status == 400U);
  s.rest();
  BOOST_TEST(s.forgotten.size() == 3U);
}

BOOST_AUTO_TEST_CASE(of_two_groups_of_one_name_the_one_that_leads_nobody_goes) {
  // Site 1 still knows the store that site 2 has lost.
  auto theirs = sample_birth();
  theirs.founder.reset();
  auto ours = theirs;
  ours.members[1].id.store = "lost";
  auto meta = meta_of(*ours.key, 1);
  auto set = stage::quick();
  auto s = make_owner({meta, member(1), 1, 1, nullptr}, ours, set, true);
  std::vector<answer> told;
  std::vector<forget> gone;
  auto give = [&](const input& in) {
    auto take = [&](const std::vector<effect>& all) {
      for (const auto& e : all) {
        if (const auto* a = std::get_if<answer>(&e))
          told.push_back(*a);
        if (const auto* f = std::get_if<forget>(&e))
          gone.push_back(*f);
      }
    };
    take(step(s, in));
    take(step(s, stored{s.sequence}));
  };
  asked create;
  create.token = 7;
  create.what = make(change::create);
  give(create);
  auto says = [&](raft::message_body what, std::optional<birth> born) {
    message m{member(2), member(1), fingerprint(theirs), std::move(born), {}};
    m.body = raft_part{1, std::move(what)};
    give(received{std::move(m)});
  };
  // Who asks for a vote has nobody behind it yet; nor is it known of what.
  says(raft::vote_request{false, 0, 0, false}, theirs);
  says(raft::append_request{}, std::nullopt);
  says(raft::append_request{}, ours);
  BOOST_TEST(told.empty());
  says(raft::append_request{}, theirs);
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST((told[0].how == ending::refused));
  BOOST_TEST((told[0].why == refusal::foreign));
  BOOST_REQUIRE(gone.size() == 1U);
  BOOST_TEST(gone[0].how.untouched);
  // It may come to the other one now, as the same member.
  sim::memory_store store;
  ports::batch b;
  add(b, meta, membership{ours, member(1)});
  BOOST_REQUIRE(store.commit({&b, 1}).has_value());
  passing_rows passing;
  auto all = erase_all(store, meta, gone[0].how, passing).value();
  BOOST_REQUIRE(store.commit({&all, 1}).has_value());
  message m{member(2), member(1), fingerprint(theirs), theirs, raft_part{}};
  BOOST_TEST((first_contact(m, meta, generations{&store}) == contact::spawn));
}

BOOST_AUTO_TEST_CASE(who_has_an_entry_gives_way_to_no_other_group) {
  auto theirs = sample_birth();
  theirs.founder.reset();
  auto ours = theirs;
  ours.members[1].id.store = "lost";
  auto meta = meta_of(*ours.key, 1);
  auto s =
    make_owner({meta, member(1), 1, 1, nullptr}, ours, stage::quick(), false);
  auto says = [&](const birth& in, raft::term_id term, raft::message_body x) {
    message m{member(3), member(1), fingerprint(in), in, {}};
    m.body = raft_part{term, std::move(x)};
    (void) step(s, received{std::move(m)});
    (void) step(s, stored{s.sequence});
  };
  raft::append_request one;
  one.entries.push_back({1, 1, raft::entry_kind::noop, 0, {}, {}});
  says(ours, 1, one);
  BOOST_REQUIRE(s.group.log.last_index() == 1U);
  says(theirs, 2, raft::append_request{});
  BOOST_TEST(!s.forgotten);
}

BOOST_AUTO_TEST_CASE(a_message_without_an_owner_says_what_to_do) {
  message m{member(1), member(2), 0, sample_birth(), summary{}};
  auto meta = meta_of(*sample_birth().key, 1);
  generations over;
  m.group = 5; // Not of how it says it began.
  BOOST_TEST((first_contact(m, meta, over) == contact::unknown));
  m.group = fingerprint(sample_birth());
  BOOST_TEST((first_contact(m, meta, over) == contact::spawn));
  m.born.reset();
  BOOST_TEST((first_contact(m, meta, over) == contact::unknown));
  m.body = summary_heard{};
  BOOST_TEST((first_contact(m, meta, over) == contact::ignore));
  m.body = farewell{};
  BOOST_TEST((first_contact(m, meta, over) == contact::left));
  // An empty store never votes under a name that it left.
  over.left(meta, origin_of(member(2)));
  m.body = raft_part{};
  m.born = sample_birth();
  BOOST_TEST((first_contact(m, meta, over) == contact::left));
  m.to = joining_as(member(2), {1, 1, 1});
  BOOST_TEST((first_contact(m, meta, over) == contact::spawn));
  over.ended(meta);
  m.body = summary{};
  BOOST_TEST((first_contact(m, meta, over) == contact::gone));
  m.body = group_gone{};
  BOOST_TEST((first_contact(m, meta, over) == contact::ignore));
}

BOOST_AUTO_TEST_CASE(who_knows_the_group_is_not_told_again_how_it_began) {
  stage s{2};
  asked in;
  in.token = 1;
  in.what = make(change::create);
  s.give(1, in);
  BOOST_TEST_REQUIRE(!s.wire.empty());
  BOOST_TEST(s.wire.front().born.has_value());
  auto to = s.wire.front().to;
  auto group = s.wire.front().group;
  s.settle();
  s.answer_call(1, 201, "1-1");
  s.wire.clear();
  s.give(1, received{{to, member(1), group, {}, summary_heard{}}});
  s.tick(20);
  s.give(1, received{{to, member(1), group, {}, unknown_group{}}});
  in.what = make(change::patch, "1-1");
  s.give(1, in);
  BOOST_TEST_REQUIRE(!s.wire.empty());
  BOOST_TEST(s.wire.front().born.has_value());
}

BOOST_AUTO_TEST_CASE(a_message_of_another_group_is_answered_as_foreign) {
  made_everywhere s;
  s.give(1, received{{member(2), member(1), 77, {}, summary{}}});
  BOOST_TEST_REQUIRE(s.wire.size() == 1U);
  BOOST_TEST(std::holds_alternative<foreign_group>(s.wire.front().body));
  BOOST_TEST(s.wire.front().group == 77U);
}

// -- bounds ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(each_bound_is_kept_and_named) {
  auto with = stage::quick();
  with.entry_bytes_max = 1000;
  with.waiting_max = 3;
  stage s{1, with};
  s.ask(1, make(change::create));
  s.work();
  auto big = make(change::patch, "1-1");
  big.what.body.assign(1000, 'x');
  BOOST_TEST((s.answered(s.ask(1, big))->why == refusal::too_large));
  for (int i = 0; i < 3; ++i)
    s.ask(1, make(change::patch, "1-1"));
  auto token = s.ask(1, make(change::patch, "1-1"));
  BOOST_TEST((s.answered(token)->why == refusal::busy));
}

BOOST_AUTO_TEST_CASE(patches_end_where_they_can_no_longer_be_given_to_others) {
  auto with = stage::quick();
  with.build_bytes_max = 2000;
  stage s{1, with};
  s.ask(1, make(change::create));
  s.work();
  std::optional<refusal> why;
  for (int i = 0; i < 50 && !why; ++i) {
    auto token = s.ask(1, make(change::patch, "1-1"));
    if (auto a = s.answered(token))
      why = a->why;
    s.work();
  }
  BOOST_TEST((why == refusal::too_large));
  auto token = s.ask(1, make(change::replace, "1-1"));
  s.work();
  BOOST_TEST(s.answered(token)->status == 200U);
  token = s.ask(1, make(change::patch, "1-1"));
  s.work();
  BOOST_TEST(s.answered(token)->status == 200U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_cannot_be_read_stops_the_owner) {
  made_everywhere s;
  stored_replicant kept;
  kept.meta = s.meta;
  kept.own = {s.born, member(2)};
  kept.log = raft::log{{4, 1, s.born.members, "nonsense"}};
  kept.range = {5, 4, {}};
  auto x =
    recover_owner({s.meta, member(2), 9, 1, nullptr}, std::move(kept), s.set);
  BOOST_TEST(!x.halted.empty());
  asked in;
  in.what = make(change::patch, "2-1");
  auto out = step(x, in);
  BOOST_TEST_REQUIRE(out.size() == 1U);
  BOOST_TEST((std::get<answer>(out[0]).why == refusal::halted));
}

// -- members -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_site_joins_and_gets_what_builds_the_resource) {
  made_everywhere s{2};
  s.ask(1, s.change_at(change::patch, 1));
  s.work();
  s.rest();
  auto token = s.scale(2, on({1, 2, 3}));
  s.rest();
  BOOST_TEST((s.answered(token).value().how == ending::settled));
  BOOST_TEST((names(s.at(1).shared.members)
              == std::vector<std::string>{"S1", "S2", "S3"}));
  BOOST_TEST(s.at(3).site.exists);
  BOOST_TEST(s.at(3).site.last.size() == 2U);
  // It is a member as any other.
  auto change = s.ask(3, s.change_at(change::patch, 3));
  s.work();
  BOOST_TEST(s.answered(change)->status == 200U);
}

BOOST_AUTO_TEST_CASE(a_site_that_leaves_loses_the_resource) {
  made_everywhere s;
  s.scale(1, on({1, 2}));
  for (int i = 0; i < 100 && !s.calls(3); ++i)
    s.tick(1);
  BOOST_TEST(s.called(3).request.method == "DELETE");
  BOOST_TEST(s.called(3).request.target == "/bars/3-1");
  s.work();
  s.rest();
  BOOST_TEST((s.forgotten == std::set<int>{3}));
  auto token = s.ask(1, s.change_at(change::patch, 1), wait_for::all);
  s.work();
  s.rest();
  BOOST_TEST(s.answered(token)->sites.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_site_that_was_away_hears_that_it_left) {
  made_everywhere s;
  s.cut(3);
  s.scale(1, on({1, 2}));
  s.rest();
  BOOST_TEST(s.forgotten.empty());
  s.heal();
  s.rest();
  BOOST_TEST((s.forgotten == std::set<int>{3}));
}

BOOST_AUTO_TEST_CASE(it_hears_so_also_when_all_whom_it_knew_have_left) {
  made_everywhere s;
  s.cut(3);
  s.scale(1, on({1, 4}));
  s.rest();
  s.scale(1, on({4}));
  s.rest();
  BOOST_TEST((s.forgotten == std::set<int>{1, 2}));
  s.heal();
  s.rest();
  BOOST_TEST((s.forgotten == std::set<int>{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(who_waits_at_a_site_that_leaves_is_answered) {
  made_everywhere s;
  s.scale(1, on({1, 2}));
  s.cut(3); // Its application is asked to remove its copy.
  auto change = s.ask(3, s.change_at(change::patch, 3));
  auto read = s.read(3);
  s.heal();
  s.rest();
  BOOST_TEST((s.forgotten == std::set<int>{3}));
  BOOST_TEST(s.answered(change).has_value());
  BOOST_TEST_REQUIRE(s.read_of(read).has_value());
  BOOST_TEST(!s.read_of(read)->granted);
}

BOOST_AUTO_TEST_CASE(a_site_that_is_leaving_serves_no_reads) {
  made_everywhere s;
  s.scale(1, on({1, 2}));
  for (int i = 0; i < 100 && !s.calls(3); ++i)
    s.tick(1);
  auto read = s.read(3, false);
  BOOST_TEST((s.read_of(read).value().why == refusal::not_member));
}

BOOST_AUTO_TEST_CASE(the_leader_too_can_leave) {
  made_everywhere s;
  s.scale(1, on({2, 3}));
  s.rest();
  BOOST_TEST((s.forgotten == std::set<int>{1}));
  auto token = s.ask(2, s.change_at(change::patch, 2));
  s.rest();
  BOOST_TEST(s.answered(token).value().status == 200U);
}

BOOST_AUTO_TEST_CASE(who_comes_again_is_another_member) {
  made_everywhere s{2};
  s.scale(1, on({1, 2, 3}));
  s.rest();
  auto first = s.at(3).self;
  BOOST_TEST(first.store != member(3).store);
  BOOST_TEST((store_of(first) == member(3)));
  auto again = joining_as(first, {1, 2, 3});
  BOOST_TEST((store_of(again) == member(3)));
  BOOST_TEST((again != first));
}

BOOST_AUTO_TEST_CASE(members_that_make_no_sense_are_refused) {
  made_everywhere s;
  auto why = [&](raft::configuration x) {
    static token_id token = 500;
    s.give(1, scale_asked{++token, std::move(x), true});
    s.settle();
    return s.answered(token).value().why;
  };
  BOOST_TEST((why({}) == refusal::bad_change));
  auto twice = on({1, 2});
  twice.push_back({{member(2).site, "another"}, raft::member_role::voter});
  BOOST_TEST((why(twice) == refusal::bad_change));
  auto lonely = on({1});
  lonely.push_back({member(2), raft::member_role::witness});
  BOOST_TEST((why(lonely) == refusal::bad_change));
  // Nothing was sealed here: a witness would read it.
  auto witnessed = on({1, 2});
  witnessed.push_back({member(3), raft::member_role::witness});
  BOOST_TEST((why(witnessed) == refusal::no_key));
}

BOOST_AUTO_TEST_CASE(one_change_at_a_time_leads_to_the_members_wanted) {
  using raft::member_role;
  auto now = on({1, 2, 3});
  now.push_back({member(4), member_role::witness});
  raft::configuration wanted{{member(2), member_role::voter},
                             {member(5), member_role::voter},
                             {member(6), member_role::voter}};
  std::vector<std::string> steps;
  while (auto x = next_change(now, wanted, member(1))) {
    auto role =
      x->role ? (*x->role == member_role::voter ? "voter" : "learner") : "gone";
    steps.push_back(x->who.site.value + " " + role);
    auto i = std::ranges::find(now, x->who, &raft::member::id);
    if (!x->role)
      now.erase(i);
    else if (i != now.end())
      i->role = *x->role;
    else
      now.push_back({x->who, *x->role});
    BOOST_TEST_REQUIRE(steps.size() < 20U);
  }
  BOOST_TEST((steps
              == std::vector<std::string>{"S4 gone", "S5 learner", "S5 voter",
                                          "S6 learner", "S6 voter", "S3 gone",
                                          "S1 gone"}));
}
