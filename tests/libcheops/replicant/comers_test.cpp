// Who was asked in later and has nothing yet, and who leaves with something
// that the log does not show there.
#include "stage.hpp"

#include "support/boost_test.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

/// A group that site 2 began alone, and site 1 as it was asked in by site 3,
/// which came later too.
struct asked_in {
  asked_in() {
    born.members = {{member(2), raft::member_role::voter}};
    born.founder = member(2);
    as = joining_as(member(1), {1, 1, 1});
    owner.emplace(make_owner({random_meta(1, 2), as, 1, 1, nullptr}, born,
                             stage::quick(), false));
  }
  /// Whether it forgets the group because of that message.
  std::optional<forget> told(const raft::member_id& to, message_body what) {
    message m{joining_as(member(3), {1, 1, 2}), to, owner->mark, born,
              std::move(what)};
    auto out = step(*owner, received{std::move(m)});
    std::ranges::move(step(*owner, stored{owner->sequence}),
                      std::back_inserter(out));
    for (auto& e : out)
      if (auto* x = std::get_if<forget>(&e))
        return *x;
    return std::nullopt;
  }
  birth born;
  raft::member_id as;
  std::optional<state> owner;
};

raft_part append_of(raft::term_id term, std::vector<raft::entry> entries = {}) {
  raft::append_request x;
  x.entries = std::move(entries);
  return {term, std::move(x)};
}

} // namespace

BOOST_FIXTURE_TEST_CASE(it_believes_whoever_says_that_it_left, asked_in) {
  auto gone = told(as, farewell{5, true});
  BOOST_REQUIRE(gone.has_value());
  BOOST_TEST(!gone->how.untouched); // Never again under that id.
}

BOOST_FIXTURE_TEST_CASE(it_gives_way_to_the_id_under_which_it_is_asked_again,
                        asked_in) {
  BOOST_TEST(!told(as, append_of(2)).has_value());
  auto anew = joining_as(member(1), {1, 1, 3});
  BOOST_TEST(!told(anew, raft_part{3, raft::vote_request{}}).has_value());
  auto gone = told(anew, append_of(3));
  BOOST_REQUIRE(gone.has_value());
  BOOST_TEST(gone->how.untouched);
}

BOOST_FIXTURE_TEST_CASE(it_does_neither_once_it_has_an_entry, asked_in) {
  BOOST_TEST(
    !told(as, append_of(2, {{1, 1, raft::entry_kind::noop, 0, {}, {}}}))
       .has_value());
  BOOST_TEST(!told(as, farewell{5, true}).has_value());
  BOOST_TEST(!told(joining_as(member(1), {1, 1, 3}), append_of(3)).has_value());
}

BOOST_AUTO_TEST_CASE(who_leaves_removes_what_it_made_before_the_word_on_it) {
  auto hasty = stage::quick();
  hasty.judge_ticks = 8;
  stage s{3, hasty};
  s.ask(1, make(change::create));
  s.cut(1);
  s.answer_call(1, 201, "1-1");
  for (int i = 0; i < 200 && !s.at(2).site.exists; ++i) {
    s.tick(1);
    s.work();
  }
  BOOST_TEST_REQUIRE(s.at(2).site.exists);
  raft::configuration others{{member(2), raft::member_role::voter},
                             {member(3), raft::member_role::voter}};
  s.give(2, scale_asked{900, others, true});
  s.tick(100);
  BOOST_TEST_REQUIRE(s.answered(900).has_value());
  BOOST_TEST_REQUIRE(!s.at(1).shared.open.empty());
  s.heal();
  for (int i = 0; i < 100 && !s.calls(1); ++i)
    s.tick(1);
  BOOST_TEST_REQUIRE(s.calls(1));
  BOOST_TEST(s.called(1).request.method == "DELETE");
  BOOST_TEST(s.called(1).request.target == "/bars/1-1");
}

BOOST_AUTO_TEST_CASE(who_is_left_with_a_trouble_of_its_own_wakes_nobody) {
  made s;
  s.ask(1, s.change_at(change::remove, 1));
  s.answer_call(1, 204);
  for (int i = 0; i < 100 && !s.calls(3); ++i)
    s.tick(1);
  s.answer_call(3, 422);
  s.work();
  s.rest();
  auto& left = s.at(3);
  BOOST_TEST_REQUIRE(left.shared.ended_at != 0U);
  BOOST_TEST_REQUIRE(left.site.troubles.size() == 1U);
  left.group.awake = true; // It would ask for votes, and nobody is there.
  BOOST_TEST(is_awake(left));
  message m{member(1), member(3), left.mark, std::nullopt, group_gone{}};
  s.give(3, received{m});
  s.settle();
  BOOST_TEST(!left.forgotten);
  left.group.awake = true;
  BOOST_TEST(!is_awake(left));
}
