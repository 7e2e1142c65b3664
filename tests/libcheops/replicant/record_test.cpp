#include "samples.hpp"

#include "cheops/raft/quorum.hpp"
#include "cheops/replicant/record.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

/// A record, and the log that made it.
struct book {
  record now = empty_record(voters(3));
  std::vector<note> decided;

  index_id add(const log_entry& x) { return add_raw(as_entry(now.at + 1, x)); }
  index_id add_raw(const raft::entry& x) {
    decided = take(now, x);
    BOOST_TEST_REQUIRE(broken_invariant(now) == "");
    return x.index;
  }
  /// Submits and lets it stand.
  index_id stands(change does) {
    auto i = add(sample_submission(does, ++sequence));
    add(verdict{i, true, 200});
    return i;
  }
  index_id open(change does) {
    return add(sample_submission(does, ++sequence));
  }
  fate of(index_id i) const {
    const auto* n = find(now, i);
    return n == nullptr ? fate::open : n->how;
  }
  std::uint64_t sequence = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(an_entry_is_open_until_its_verdict) {
  book b;
  auto i = b.open(change::create);
  BOOST_TEST(b.decided.empty());
  BOOST_TEST(b.now.open.size() == 1U);
  b.add(verdict{i, true, 201});
  BOOST_TEST((b.of(i) == fate::stands));
  BOOST_TEST(b.now.created_at == i);
  BOOST_TEST_REQUIRE(b.now.build.size() == 1U);
  BOOST_TEST(b.now.build[0].index == i);
}

BOOST_AUTO_TEST_CASE(the_first_verdict_counts) {
  book b;
  auto i = b.open(change::create);
  b.add(verdict{i, true, 0});
  b.add(verdict{i, false, 409});
  BOOST_TEST((b.of(i) == fate::stands));
}

BOOST_AUTO_TEST_CASE(what_is_voided_is_nowhere) {
  book b;
  b.stands(change::create);
  auto i = b.open(change::patch);
  b.add(verdict{i, false, 422});
  BOOST_TEST((b.of(i) == fate::voided));
  BOOST_TEST(find(b.now, i)->status == 422U);
  BOOST_TEST(b.now.build.size() == 1U);
  BOOST_TEST(b.now.ended_at == 0U);
}

BOOST_AUTO_TEST_CASE(a_verdict_that_comes_early_waits_for_its_turn) {
  book b;
  auto a = b.open(change::create);
  auto c = b.open(change::patch);
  b.add(verdict{c, true, 200});
  BOOST_TEST((b.of(c) == fate::open));
  b.add(verdict{a, true, 201});
  BOOST_TEST((b.of(a) == fate::stands));
  BOOST_TEST((b.of(c) == fate::stands));
  BOOST_TEST(b.decided.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_precondition_that_is_too_old_is_stale_everywhere) {
  book b;
  auto first = b.stands(change::create);
  auto fits = sample_submission(change::patch, ++b.sequence);
  fits.read_at = first + 1; // Read behind the verdict.
  auto second = b.add(fits);
  b.add(verdict{second, true, 200});
  auto late = sample_submission(change::patch, ++b.sequence);
  late.read_at = first;
  auto third = b.add(late);
  BOOST_TEST((b.of(second) == fate::stands));
  BOOST_TEST((b.of(third) == fate::stale));
}

BOOST_AUTO_TEST_CASE(a_precondition_waits_for_the_fate_of_what_is_before_it) {
  book b;
  auto made = b.stands(change::create);
  auto other = b.open(change::patch);
  auto mine = sample_submission(change::patch, ++b.sequence);
  mine.read_at = made;
  auto i = b.add(mine);
  b.add(verdict{other, false, 400});
  BOOST_TEST((b.of(i) == fate::open)); // Nothing was changed: it fits.
  b.add(verdict{i, true, 200});
  BOOST_TEST((b.of(i) == fate::stands));
}

BOOST_AUTO_TEST_CASE(an_operation_that_came_twice_is_taken_once) {
  book b;
  b.stands(change::create);
  auto x = sample_submission(change::patch, ++b.sequence);
  auto i = b.add(x);
  b.add(x);
  BOOST_TEST(b.now.open.size() == 1U);
  b.add(verdict{i, true, 200});
  b.add(x);
  BOOST_TEST(b.now.open.empty());
  BOOST_TEST(find(b.now, x.id)->index == i);
}

BOOST_AUTO_TEST_CASE(what_its_origin_no_longer_waits_for_is_not_taken) {
  book b;
  b.stands(change::create);
  auto late = sample_submission(change::patch, ++b.sequence);
  auto x = sample_submission(change::patch, ++b.sequence);
  x.floor = x.id.sequence;
  b.add(x);
  b.add(late);
  BOOST_TEST(b.now.open.size() == 1U);
  // So is what an earlier start of the origin asked.
  auto newer = sample_submission(change::patch, 1);
  newer.id.session = 2;
  b.add(newer);
  auto older = sample_submission(change::patch, ++b.sequence);
  b.add(older);
  BOOST_TEST(b.now.open.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_retry_with_the_clients_key_is_the_first_again) {
  book b;
  auto x = sample_submission(change::create, ++b.sequence);
  x.key = client_key{digest_of("k"), digest_of("r")};
  auto i = b.add(x);
  b.add(verdict{i, true, 201});
  auto again = sample_submission(change::create, ++b.sequence);
  again.key = x.key;
  auto j = b.add(again);
  BOOST_TEST((b.of(j) == fate::repeated));
  BOOST_TEST(find(b.now, j)->first == i);
  auto other = sample_submission(change::create, ++b.sequence);
  other.key = client_key{digest_of("k"), digest_of("another")};
  BOOST_TEST((b.of(b.add(other)) == fate::key_reused));
  BOOST_TEST(b.now.build.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_came_to_nothing_leaves_its_key_free) {
  book b;
  auto made = b.stands(change::create);
  auto x = sample_submission(change::patch, ++b.sequence);
  x.key = client_key{digest_of("k"), digest_of("r")};
  auto i = b.add(x);
  auto meanwhile = x;
  meanwhile.id.sequence = ++b.sequence;
  auto j = b.add(meanwhile);
  BOOST_TEST((b.of(j) == fate::repeated)); // Nobody knows yet.
  b.add(verdict{i, false, 503});
  BOOST_TEST(!stood(b.now, i, change::patch));
  x.id.sequence = ++b.sequence;
  x.read_at = made - 1;
  BOOST_TEST((b.of(b.add(x)) == fate::stale));
  x.id.sequence = ++b.sequence;
  x.read_at.reset();
  auto k = b.add(x);
  BOOST_TEST((b.of(k) == fate::open));
  b.add(verdict{k, true, 200});
  BOOST_TEST(stood(b.now, k, change::patch));
  x.id.sequence = ++b.sequence;
  BOOST_TEST((b.of(b.add(x)) == fate::repeated));
}

BOOST_AUTO_TEST_CASE(what_stood_is_known_for_longer_than_its_note) {
  book b;
  auto made = b.stands(change::create);
  auto x = sample_submission(change::patch, ++b.sequence);
  x.key = client_key{digest_of("k"), digest_of("r")};
  auto i = b.add(x);
  BOOST_TEST(!stood(b.now, i, change::patch));
  b.add(verdict{i, true, 200});
  for (std::size_t n = 0; n < notes_max; ++n)
    b.stands(change::patch);
  BOOST_TEST((find(b.now, i) == nullptr));
  BOOST_TEST(stood(b.now, i, change::patch));
  BOOST_TEST(stood(b.now, made, change::create));
  BOOST_TEST(!stood(b.now, made + 1, change::create));
}

BOOST_AUTO_TEST_CASE(nothing_is_changed_before_it_is_made_or_after_it_ended) {
  book b;
  BOOST_TEST((b.of(b.open(change::patch)) == fate::absent));
  b.stands(change::create);
  auto gone = b.stands(change::remove);
  BOOST_TEST(b.now.ended_at == gone);
  BOOST_TEST((b.of(b.open(change::patch)) == fate::over));
  BOOST_TEST((b.of(b.open(change::create)) == fate::over));
}

BOOST_AUTO_TEST_CASE(a_group_whose_create_was_refused_is_over) {
  book b;
  auto i = b.open(change::create);
  auto j = b.open(change::create);
  b.add(verdict{i, false, 400});
  BOOST_TEST(b.now.ended_at == 0U); // Another tries.
  b.add(verdict{j, false, 400});
  BOOST_TEST(b.now.ended_at == j);
}

BOOST_AUTO_TEST_CASE(a_replacement_drops_the_changes_before_it) {
  book b;
  auto made = b.stands(change::create);
  b.stands(change::patch);
  b.stands(change::replace);
  b.stands(change::patch);
  auto whole = b.stands(change::replace);
  auto last = b.stands(change::patch);
  BOOST_TEST_REQUIRE(b.now.build.size() == 3U);
  BOOST_TEST(b.now.build[0].index == made);
  BOOST_TEST(b.now.build[1].index == whole);
  BOOST_TEST(b.now.build[2].index == last);
  auto end = b.stands(change::remove);
  BOOST_TEST_REQUIRE(b.now.build.size() == 1U);
  BOOST_TEST(b.now.build[0].index == end);
}

BOOST_AUTO_TEST_CASE(only_the_newest_change_can_be_compensated) {
  book b;
  b.stands(change::create);
  auto i = b.stands(change::patch);
  auto j = b.stands(change::patch);
  b.add(compensation{i});
  BOOST_TEST((b.of(i) == fate::stands));
  auto later = b.open(change::patch);
  b.add(compensation{j}); // What is open may be done already.
  BOOST_TEST((b.of(j) == fate::stands));
  b.add(verdict{later, false, 400});
  auto undo = b.add(compensation{j});
  BOOST_TEST((b.of(j) == fate::undone));
  BOOST_TEST(b.now.build.back().undoes == j);
  BOOST_TEST(b.now.changed_at == undo);
  BOOST_TEST(b.now.ended_at == 0U);
}

BOOST_AUTO_TEST_CASE(to_compensate_a_create_ends_the_group) {
  book b;
  auto i = b.stands(change::create);
  auto undo = b.add(compensation{i});
  BOOST_TEST(b.now.ended_at == undo);
  BOOST_TEST((b.of(b.open(change::patch)) == fate::over));
}

BOOST_AUTO_TEST_CASE(a_goal_and_the_members_follow_the_log) {
  book b;
  membership_goal goal{{7, 1, ++b.sequence}, 0, voters(2), false};
  b.add(goal);
  raft::entry x;
  x.term = 1;
  x.index = b.now.at + 1;
  x.kind = raft::entry_kind::configure;
  x.members = voters(2);
  b.add_raw(x);
  BOOST_TEST((b.now.members == voters(2)));
  BOOST_TEST_REQUIRE(b.now.departed.size() == 1U);
  BOOST_TEST((b.now.departed[0].who == member(3)));
  BOOST_TEST(!b.now.departed[0].remove);
  x.index = b.now.at + 1;
  x.members = voters(3);
  b.add_raw(x);
  BOOST_TEST(b.now.departed.empty());
}

BOOST_AUTO_TEST_CASE(a_goal_names_who_is_here_and_gives_others_new_ids) {
  book b;
  membership_goal goal{{7, 1, ++b.sequence}, 0, voters(4), false};
  b.add(goal);
  auto comes = joining_as(member(4), goal.id);
  BOOST_TEST((raft::find(b.now.goal->members, member(1)) != nullptr));
  BOOST_TEST((raft::find(b.now.goal->members, comes) != nullptr));
  auto configure = [&](raft::configuration members) {
    raft::entry x;
    x.term = 1;
    x.index = b.now.at + 1;
    x.kind = raft::entry_kind::configure;
    x.members = std::move(members);
    b.add_raw(x);
  };
  // An earlier goal brought it in under another id: that counts.
  auto other = joining_as(member(4), {7, 1, 99});
  auto with = voters(3);
  with.push_back({other, raft::member_role::learner});
  configure(with);
  BOOST_TEST((raft::find(b.now.goal->members, other) != nullptr));
  BOOST_TEST((raft::find(b.now.goal->members, comes) == nullptr));
  // And it took out one that is wanted: that one comes back as another.
  configure(voters(3));
  BOOST_TEST((raft::find(b.now.goal->members, other) == nullptr));
  BOOST_TEST(b.now.goal->members.size() == 4U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_passed_over) {
  book b;
  auto i = b.stands(change::create);
  auto x = as_entry(b.now.at + 1, verdict{});
  x.payload = "nonsense";
  b.add_raw(x);
  BOOST_TEST(b.now.at == x.index);
  BOOST_TEST((b.of(i) == fate::stands));
}

namespace {

log_entry any_entry(index_id at, std::uint64_t sequence) {
  auto what = *rc::gen::inRange(0, 10);
  auto some = [&] {
    return static_cast<index_id>(*rc::gen::inRange<int>(1, int(at) + 1));
  };
  if (what < 5) {
    auto x = sample_submission(static_cast<change>(*rc::gen::inRange(0, 4)),
                               *rc::gen::inRange<std::uint64_t>(1, sequence));
    x.id.origin = *rc::gen::inRange<std::uint64_t>(1, 3);
    x.content = "x";
    if (*rc::gen::inRange(0, 3) == 0)
      x.key = client_key{{*rc::gen::inRange<std::uint64_t>(0, 3), 0}, {}};
    if (*rc::gen::inRange(0, 3) == 0)
      x.read_at = some();
    if (*rc::gen::inRange(0, 6) == 0)
      x.floor = *rc::gen::inRange<std::uint64_t>(1, sequence);
    return x;
  }
  if (what < 9)
    return verdict{some(), *rc::gen::inRange(0, 3) != 0, 200};
  return compensation{some()};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_record_is_the_same_whether_folded_or_not) {
  rc::check("folding anywhere changes nothing", [] {
    auto whole = empty_record(voters(3));
    auto folded = whole;
    auto n = *rc::gen::inRange<std::uint64_t>(2, 60);
    for (std::uint64_t i = 1; i < n; ++i) {
      auto e = as_entry(i, any_entry(i, n));
      auto a = take(whole, e);
      folded = decode_record(encode(folded)).value();
      auto b = take(folded, e);
      RC_ASSERT(a == b);
      RC_ASSERT(whole == folded);
      RC_ASSERT(broken_invariant(whole).empty());
    }
  });
}

BOOST_AUTO_TEST_CASE(what_is_decided_stays_so_but_for_compensation) {
  rc::check("one fate each", [] {
    auto now = empty_record(voters(3));
    std::map<index_id, fate> known;
    for (std::uint64_t i = 1; i < 60; ++i)
      for (const auto& n : take(now, as_entry(i, any_entry(i, 60)))) {
        RC_ASSERT(n.how != fate::open);
        RC_ASSERT(known.emplace(n.index, n.how).second);
      }
  });
}
