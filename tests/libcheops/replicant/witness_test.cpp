// What a group with a witness seals, and who can read it.

#include "stage.hpp"

#include "cheops/replicant/codec.hpp"
#include "cheops/replicant/members.hpp"
#include "support/boost_test.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

using raft::member_role;

raft::configuration on(std::vector<int> voters, int witness = 0) {
  raft::configuration out;
  for (int i : voters)
    out.push_back({member(i), member_role::voter});
  if (witness != 0)
    out.push_back({member(witness), member_role::witness});
  return out;
}

birth born_at(raft::configuration members) {
  birth out;
  out.members = std::move(members);
  out.founder = member(1);
  return out;
}

/// Site 3 is the witness.
struct witnessed : stage {
  explicit witnessed(std::set<int> with_key = {1, 2})
    : stage(born_at(on({1, 2}, 3)), std::move(with_key)) {
    ask(1, make(change::create));
    work();
    rest();
  }
};

/// How many operations in clear were sent to that site.
std::size_t shown_to(const stage& s, int site) {
  auto in_clear = [](const std::string& payload) {
    auto what = decode_entry(payload);
    const auto* x = what ? std::get_if<submission>(&*what) : nullptr;
    return x != nullptr && !x->sealed;
  };
  std::size_t out = 0;
  for (const auto& m : s.sent) {
    const auto* part = std::get_if<raft_part>(&m.body);
    if (m.to.site != member(site).site || part == nullptr)
      continue;
    if (const auto* a = std::get_if<raft::append_request>(&part->body))
      out += static_cast<std::size_t>(
        std::ranges::count_if(a->entries, [&](const raft::entry& e) {
          return e.kind == raft::entry_kind::operation && in_clear(e.payload);
        }));
    if (const auto* f = std::get_if<raft::forwarded>(&part->body))
      out += in_clear(f->payload) ? 1 : 0;
  }
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_witness_is_sent_nothing_that_it_can_read) {
  witnessed s;
  BOOST_TEST(s.at(1).site.exists);
  BOOST_TEST(s.at(2).site.exists);
  BOOST_TEST(!s.at(3).site.exists);
  BOOST_TEST(shown_to(s, 3) == 0U);
  BOOST_TEST(!lacks_key(s.at(2)));
}

BOOST_AUTO_TEST_CASE(a_group_without_a_witness_is_not_sealed) {
  stage s{born_at(on({1, 2})), {1}};
  s.ask(1, make(change::create));
  s.work();
  s.rest();
  // Site 2 has no key, and needs none.
  BOOST_TEST(s.at(2).site.exists);
  BOOST_TEST(shown_to(s, 2) > 0U);
}

BOOST_AUTO_TEST_CASE(who_is_to_read_what_is_sealed_and_has_no_key_says_so) {
  witnessed s{{1}};
  BOOST_TEST(s.at(1).site.exists);
  BOOST_TEST(!s.at(2).site.exists);
  BOOST_TEST((state_of(s.at(2)) == site_state::diverged));
  BOOST_TEST(lacks_key(s.at(2)));
  BOOST_TEST(std::ranges::any_of(s.events(), [](const event& e) {
    return e.what == event_kind::diverged && e.text == sealed_for_others;
  }));
  auto asked = s.ask(2, make(change::replace, "x"));
  BOOST_TEST((s.answered(asked).value().why == refusal::no_key));
  // It gets the key, and a person has it tried again.
  s.keyed = {1, 2};
  s.crash(2);
  BOOST_TEST(!lacks_key(s.at(2)));
  auto index = s.at(2).site.troubles.at(0).index;
  s.give(2, resolve_asked{700, index, resolution::retry, {}});
  s.settle();
  s.work();
  s.rest();
  BOOST_TEST(s.at(2).site.exists);
  BOOST_TEST((state_of(s.at(2)) == site_state::ok));
}

BOOST_AUTO_TEST_CASE(who_comes_as_a_witness_finds_nothing_from_before) {
  stage s{born_at(on({1, 2})), {1, 2}};
  s.ask(1, make(change::create));
  s.work();
  s.rest();
  BOOST_TEST(shown_to(s, 2) > 0U);
  s.give(1, scale_asked{900, on({1, 2}, 3), true});
  s.settle();
  s.rest();
  BOOST_TEST((s.answered(900).value().how == ending::settled));
  s.cut(2);
  auto asked = s.ask(1, make(change::replace, s.at(1).site.local_id));
  s.tick(30, 1);
  s.work();
  BOOST_TEST((s.answered(asked).value().how == ending::application));
  BOOST_TEST(shown_to(s, 3) == 0U);
}

BOOST_AUTO_TEST_CASE(a_copy_may_become_the_witness_under_another_id) {
  stage s{born_at(on({1, 2, 3})), {1, 2, 3}};
  s.ask(1, make(change::create));
  s.work();
  s.rest();
  s.give(1, scale_asked{900, on({1, 2}, 3), true});
  for (int i = 0; i < 20; ++i) {
    s.tick(5);
    if (s.calls(3))
      s.work();
  }
  BOOST_TEST((s.answered(900).value().how == ending::settled));
  const auto& now = s.at(1).shared.members;
  BOOST_TEST(now.size() == 3U);
  auto third =
    std::ranges::find(now, member_role::witness, &raft::member::role);
  BOOST_TEST_REQUIRE((third != now.end()));
  BOOST_TEST((third->id != member(3)));
  BOOST_TEST((store_of(third->id) == member(3)));
}

BOOST_AUTO_TEST_CASE(who_was_the_witness_cannot_become_a_copy) {
  witnessed s;
  s.give(1, scale_asked{900, on({1, 2, 3}), true});
  s.settle();
  BOOST_TEST((s.answered(900).value().why == refusal::no_key));
}
