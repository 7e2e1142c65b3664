#include "samples.hpp"

#include "cheops/replicant/storage.hpp"
#include "cheops/sim/memory_store.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;
using ports::family;

namespace {

const meta_id meta = random_meta(5, 6);

raft::entry entry_at(index_id index, raft::term_id term) {
  auto x = as_entry(index, verdict{index, true, 0});
  x.term = term;
  return x;
}

/// A replicant that is written as its raft asks.
struct written {
  written() {
    ports::batch b;
    add(b, meta, membership{sample_birth(), member(1)});
    commit(b);
  }
  void commit(const ports::batch& b) {
    BOOST_TEST_REQUIRE(!!store.commit({&b, 1}));
  }
  std::size_t persist(raft::persist x) {
    ports::batch b;
    add(b, meta, x, range);
    commit(b);
    return b.writes.size();
  }
  stored_replicant loaded() { return load(store, meta).value().value(); }

  sim::memory_store store;
  stored_range range;
};

raft::persist appended(index_id from, std::vector<raft::entry> entries) {
  raft::persist x;
  x.term = 3;
  x.voted_for = member(1);
  x.from = from;
  x.entries = std::move(entries);
  return x;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_was_written_is_loaded) {
  written w;
  w.persist(appended(1, {entry_at(1, 1), entry_at(2, 1), entry_at(3, 2)}));
  ports::batch b;
  add(b, meta, sample_site());
  w.commit(b);
  auto x = w.loaded();
  BOOST_TEST((x.own == membership{sample_birth(), member(1)}));
  BOOST_TEST((x.hard == hard_state{3, member(1)}));
  BOOST_TEST((x.site == sample_site()));
  BOOST_TEST(x.log.last_index() == 3U);
  BOOST_TEST((x.log.at(2) == entry_at(2, 1)));
  BOOST_TEST((x.log.members() == sample_birth().members));
}

BOOST_AUTO_TEST_CASE(nothing_is_loaded_where_nothing_is) {
  sim::memory_store store;
  BOOST_TEST(!load(store, meta).value());
}

BOOST_AUTO_TEST_CASE(an_append_erases_nothing_and_a_conflict_what_it_must) {
  written w;
  w.persist(appended(1, {entry_at(1, 1), entry_at(2, 1), entry_at(3, 1)}));
  BOOST_TEST(w.persist(appended(4, {entry_at(4, 1)})) == 1U);
  BOOST_TEST(w.persist(appended(2, {entry_at(2, 2)})) == 3U);
  auto x = w.loaded();
  BOOST_TEST(x.log.last_index() == 2U);
  BOOST_TEST((x.log.at(2) == entry_at(2, 2)));
  BOOST_TEST(w.store[family::log].size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_term_and_a_vote_are_written_when_they_change) {
  written w;
  BOOST_TEST(w.persist(appended(1, {entry_at(1, 1)})) == 2U);
  auto x = appended(2, {entry_at(2, 1)});
  x.voted_for.reset();
  BOOST_TEST(w.persist(x) == 2U);
  BOOST_TEST((w.loaded().hard == hard_state{3, std::nullopt}));
  // Who comes back knows what is there.
  w.range = w.loaded().range;
  x.from = 3;
  x.entries = {entry_at(3, 1)};
  BOOST_TEST(w.persist(x) == 1U);
  x = appended(4, {entry_at(4, 1)});
  x.term = 4;
  BOOST_TEST(w.persist(x) == 2U);
  BOOST_TEST((w.loaded().hard == hard_state{4, member(1)}));
}

BOOST_AUTO_TEST_CASE(a_fold_drops_what_it_covers) {
  written w;
  w.persist(appended(1, {entry_at(1, 1), entry_at(2, 1), entry_at(3, 1)}));
  raft::persist fold;
  fold.term = 3;
  fold.from = 4;
  fold.whole = raft::snapshot{2, 1, voters(3), "folded"};
  w.persist(fold);
  auto x = w.loaded();
  BOOST_TEST(x.log.base().payload == "folded");
  BOOST_TEST(x.log.first_index() == 3U);
  BOOST_TEST(x.log.last_index() == 3U);
  BOOST_TEST(w.store[family::log].size() == 1U);
  // A snapshot from elsewhere, ahead of all that is here.
  fold.from = 10;
  fold.whole = raft::snapshot{9, 2, voters(3), "theirs"};
  w.persist(fold);
  w.persist(appended(10, {entry_at(10, 3)}));
  x = w.loaded();
  BOOST_TEST(x.log.first_index() == 10U);
  BOOST_TEST(x.log.last_index() == 10U);
  BOOST_TEST(w.store[family::log].size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_an_error_that_says_the_way_out) {
  written w;
  w.persist(appended(1, {entry_at(1, 1), entry_at(2, 1)}));
  w.store[family::log].erase(key_of(meta, 1));
  auto x = load(w.store, meta);
  BOOST_TEST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::broken));
  BOOST_TEST(x.error().what.find(to_string(meta)) != std::string::npos);
  BOOST_TEST(!x.error().hint.empty());
  w.store[family::log].clear();
  w.store[family::site][key_of(meta)] = "nonsense";
  BOOST_TEST(!load(w.store, meta));
}

BOOST_AUTO_TEST_CASE(a_local_id_leads_to_its_replicant) {
  sim::memory_store store;
  ports::batch b;
  service_id service{"ServiceB"};
  add_local(b, meta, service, "bar", "77");
  BOOST_TEST_REQUIRE(!!store.commit({&b, 1}));
  BOOST_TEST((find_local(store, service, "bar", "77").value() == meta));
  BOOST_TEST(!find_local(store, service, "bar", "7").value());
  BOOST_TEST(!find_local(store, service, "ba", "r77").value());
  b = {};
  erase_local(b, service, "bar", "77");
  BOOST_TEST_REQUIRE(!!store.commit({&b, 1}));
  BOOST_TEST(!find_local(store, service, "bar", "77").value());
}

BOOST_AUTO_TEST_CASE(an_erased_replicant_leaves_its_generation) {
  written w;
  w.persist(appended(1, {entry_at(1, 1)}));
  auto key = *sample_birth().key;
  auto other = meta_of(key, 4);
  ports::batch b;
  add(b, other, membership{sample_birth(), member(1)});
  w.commit(b);
  std::vector<meta_id> all;
  BOOST_TEST_REQUIRE(!!each_replicant(w.store, [&](const meta_id& x) {
    all.push_back(x);
    return true;
  }));
  BOOST_TEST(all.size() == 2U);
  passing_rows passing;
  w.commit(erase_all(w.store, other, {true, true}, passing).value());
  BOOST_TEST(generations{&w.store}.next(key).value() == 5U);
  BOOST_TEST(!load(w.store, other).value());
  w.commit(erase_all(w.store, meta, {false, true}, passing).value());
  BOOST_TEST(w.store[family::log].empty());
  BOOST_TEST(generations{&w.store}.has_left(meta, member(1)).value());
}
