// What a site remembers of groups that it has forgotten, and for how long.

#include "samples.hpp"

#include "cheops/replicant/step.hpp"
#include "cheops/replicant/storage.hpp"
#include "cheops/sim/memory_store.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;
using ports::family;

namespace {

natural_key pod(std::string name) {
  return {service_id{"Kubernetes"}, "pod", {"default", std::move(name)}};
}

/// Bits 12 to 15 of an id say what kind of UUID it is.
meta_id number(std::uint64_t i) {
  return random_meta(i << 16, 1);
}

/// A disk that is synced when the test says so.
struct remembering {
  sim::memory_store store;
  passing_rows passing = load_passing_rows(store).value();
  generations known{&store};
  ports::batch unsynced;

  void end(const meta_id& x, bool named) {
    known.ended(x);
    BOOST_REQUIRE(
      remember(unsynced, store, x, {true, named}, passing).has_value());
  }
  void leave(const meta_id& x, const raft::member_id& as) {
    add(unsynced, x, membership{sample_birth(), as});
    sync();
    known.left(x, origin_of(as));
    BOOST_REQUIRE(
      remember(unsynced, store, x, {false, false}, passing).has_value());
  }
  void sync() {
    BOOST_REQUIRE(store.commit({&unsynced, 1}).has_value());
    unsynced = {};
  }
  void start_again() {
    unsynced = {};
    passing = load_passing_rows(store).value();
    known = generations{&store};
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_name_that_was_deleted_begins_the_next_generation,
                        remembering) {
  BOOST_TEST(known.next(pod("a")).value() == 1U);
  end(meta_of(pod("a"), 1), true);
  BOOST_TEST(known.next(pod("a")).value() == 2U);
  BOOST_TEST(known.is_over(meta_of(pod("a"), 1)).value());
  BOOST_TEST(!known.is_over(meta_of(pod("a"), 2)).value());
  BOOST_TEST(known.next(pod("b")).value() == 1U);
  end(random_meta(1, 2), false);
  BOOST_TEST(known.is_over(random_meta(1, 2)).value());
  BOOST_TEST(!known.is_over(random_meta(1, 3)).value());
  sync();
  start_again();
  BOOST_TEST(known.next(pod("a")).value() == 2U);
  BOOST_TEST(known.is_over(random_meta(1, 2)).value());
}

BOOST_FIXTURE_TEST_CASE(an_earlier_generation_that_ends_late_is_no_step_back,
                        remembering) {
  end(meta_of(pod("a"), 4), true);
  end(meta_of(pod("a"), 3), true); // With one sync for both, …
  BOOST_TEST(known.next(pod("a")).value() == 5U);
  sync();
  start_again();
  BOOST_TEST(known.next(pod("a")).value() == 5U);
  end(meta_of(pod("a"), 2), true); // … and after a crash.
  sync();
  start_again();
  BOOST_TEST(known.next(pod("a")).value() == 5U);
}

BOOST_FIXTURE_TEST_CASE(who_this_site_was_is_remembered_each_time,
                        remembering) {
  auto meta = number(7);
  auto rejoined = joining_as(member(1), {1, 2, 3});
  leave(meta, member(1));
  BOOST_TEST(known.has_left(meta, member(1)).value());
  leave(meta, rejoined);
  sync();
  start_again();
  BOOST_TEST(!known.is_over(meta).value());
  BOOST_TEST(known.has_left(meta, member(1)).value());
  BOOST_TEST(known.has_left(meta, rejoined).value());
  BOOST_TEST(!known.has_left(meta, joining_as(member(1), {1, 2, 4})).value());
  BOOST_TEST(!known.has_left(number(8), member(1)).value());
  // The list of one group is bounded: the newest stay.
  for (std::uint64_t i = 0; i < memberships_max; ++i)
    leave(meta, joining_as(member(1), {9, 9, i}));
  sync();
  start_again();
  BOOST_TEST(store[family::over].at(key_of(meta)).size()
             == memberships_max * sizeof(std::uint64_t));
  BOOST_TEST(!known.has_left(meta, rejoined).value());
  BOOST_TEST(known.has_left(meta, joining_as(member(1), {9, 9, 0})).value());
  BOOST_TEST(passing.all.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(rows_go_again_but_those_of_names, remembering) {
  end(meta_of(pod("a"), 1), true);
  leave(number(0), member(1));
  for (std::uint64_t i = 1; i < remembered_max; ++i)
    end(number(i), false);
  sync();
  start_again();
  BOOST_TEST(passing.all.size() == remembered_max);
  BOOST_TEST(known.has_left(number(0), member(1)).value());
  auto rows = store[family::over].size();
  BOOST_TEST(rows == 2 * remembered_max + 1);
  // The oldest go first, in the order in which they came, also over a start.
  end(number(remembered_max), false);
  end(number(remembered_max + 1), false);
  sync();
  start_again();
  BOOST_TEST(store[family::over].size() == rows);
  BOOST_TEST(!known.has_left(number(0), member(1)).value());
  BOOST_TEST(!known.is_over(number(1)).value());
  BOOST_TEST(known.is_over(number(2)).value());
  BOOST_TEST(known.is_over(number(remembered_max + 1)).value());
  BOOST_TEST(known.next(pod("a")).value() == 2U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_promises_nothing) {
  sim::memory_store store;
  auto meta = number(1);
  store[family::over][key_of(meta)] = "odd";
  store[family::over][key_of(meta).substr(0, 16)] = "odd";
  generations known{&store};
  BOOST_TEST(!known.is_over(meta).has_value());
  BOOST_TEST(!known.has_left(meta, member(1)).has_value());
  message m{member(1), member(2), 0, sample_birth(), summary{}};
  m.group = fingerprint(sample_birth());
  BOOST_TEST((first_contact(m, meta, known) == contact::ignore));
}
