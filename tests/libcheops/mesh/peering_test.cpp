#include "cheops/mesh/peering.hpp"
#include "support/boost_test.hpp"

#include <algorithm>
#include <set>

using namespace cheops;
using namespace cheops::mesh;
using namespace std::chrono_literals;
using link::instant;
using peering::stage;

namespace {

wire::hello hello_of(const std::string& site, std::uint64_t incarnation = 1,
                     const std::string& store = "store") {
  wire::hello x;
  x.site = site_id{site};
  x.store = store;
  x.incarnation = incarnation;
  return x;
}

/// Site A as it sees B, or the other way round.
peering::state between(const std::string& self, const std::string& peer) {
  peering::state x;
  x.self = site_id{self};
  x.peer = site_id{peer};
  return x;
}

template <class T, class Effect>
const T* find(const std::vector<Effect>& all) {
  for (const auto& x : all)
    if (const auto* y = std::get_if<T>(&x))
      return y;
  return nullptr;
}

/// A link of our own to B.
peering::state linked(std::uint64_t id = 1) {
  auto x = between("A", "B");
  (void) step(x, peering::wanted{}, 0s);
  (void) step(x, peering::dialled{id}, 0s);
  (void) step(x, peering::ready{id}, 0s);
  (void) step(x, peering::opened{id, hello_of("B")}, 0s);
  BOOST_REQUIRE((x.seen == reach::up));
  return x;
}

// -- two sites that dial at once, in every order ----------------------------

/// What happens at one end of one connection, each queue in its order: what
/// the link has told its supervisor, the supervisor the link, and the peer.
struct end {
  link::state rules;
  std::vector<link::effect> reports;
  std::vector<link::input> orders;
  std::vector<std::string> bytes; ///< On the way to here; "": the socket ended.
  bool exists = false;
};

struct dial {
  std::size_t by = 0; ///< The dialling side.
  std::vector<end> ends = std::vector<end>(2);
};

struct pair {
  std::vector<peering::state> sides;
  std::vector<dial> dials;
};

/// A change of that state that may come next.
struct move {
  enum class what : std::uint8_t { secure, report, order, bytes } kind;
  std::size_t dial = 0;
  std::size_t side = 0;
};

std::string name_of(std::size_t side) {
  return side == 0 ? "A" : "B";
}

pair crossing(const std::vector<std::size_t>& diallers) {
  pair x;
  for (std::size_t side : {0, 1})
    x.sides.push_back(between(name_of(side), name_of(1 - side)));
  std::uint64_t id = 0;
  for (auto by : diallers) {
    dial d;
    d.by = by;
    for (std::size_t side : {0, 1}) {
      link::settings with;
      with.hello = hello_of(name_of(side));
      auto dialled = side == by;
      d.ends[side].rules =
        link::start(with, dialled ? link::role::dialled : link::role::accepted,
                    dialled ? site_id{name_of(1 - side)} : site_id{}, 0s, 1);
    }
    d.ends[by].exists = true;
    (void) step(x.sides[by], peering::dialled{id++}, 0s);
    x.dials.push_back(std::move(d));
  }
  return x;
}

std::vector<move> possible(const pair& x) {
  std::vector<move> out;
  for (std::size_t d = 0; d < x.dials.size(); ++d)
    for (std::size_t s : {0, 1}) {
      const auto& e = x.dials[d].ends[s];
      const auto& dialler = x.dials[d].ends[x.dials[d].by];
      // The client's handshake ends first.
      auto may =
        s == x.dials[d].by || dialler.rules.phase != link::phase::securing;
      if (e.rules.phase == link::phase::securing && may)
        out.push_back({move::what::secure, d, s});
      if (!e.reports.empty())
        out.push_back({move::what::report, d, s});
      if (!e.orders.empty())
        out.push_back({move::what::order, d, s});
      if (!e.bytes.empty() && e.rules.phase != link::phase::securing)
        out.push_back({move::what::bytes, d, s});
    }
  return out;
}

void advance_link(pair& x, std::size_t d, std::size_t s,
                  const link::input& in) {
  auto& here = x.dials[d].ends[s];
  auto& there = x.dials[d].ends[1 - s];
  for (const auto& e : link::step(here.rules, in, 0s)) {
    if (const auto* w = std::get_if<link::write>(&e)) {
      auto kind = static_cast<wire::kind>(w->bytes[3]);
      if (kind != wire::kind::pong) // No rule of ours looks at it.
        there.bytes.push_back(w->bytes);
    } else {
      here.reports.push_back(e);
      if (std::holds_alternative<link::close>(e))
        there.bytes.emplace_back();
    }
  }
}

void advance_side(pair& x, std::size_t s, const peering::input& in) {
  for (const auto& e : step(x.sides[s], in, 0s)) {
    if (const auto* p = std::get_if<peering::permit>(&e))
      x.dials[p->id].ends[s].orders.emplace_back(link::permitted{});
    if (const auto* f = std::get_if<peering::finish>(&e))
      x.dials[f->id].ends[s].orders.emplace_back(link::ended{f->why, f->text});
  }
}

template <class T>
T take(std::vector<T>& from) {
  auto x = std::move(from.front());
  from.erase(from.begin());
  return x;
}

void play_report(pair& x, std::size_t d, std::size_t s) {
  auto r = take(x.dials[d].ends[s].reports);
  auto hello = hello_of(name_of(1 - s));
  if (std::holds_alternative<link::ready>(r))
    advance_side(x, s, peering::ready{d});
  else if (std::holds_alternative<link::greeted>(r) && x.dials[d].by != s)
    advance_side(x, s, peering::greeted{d, hello});
  else if (std::holds_alternative<link::went_up>(r))
    advance_side(x, s, peering::opened{d, hello});
  else if (const auto* c = std::get_if<link::close>(&r))
    advance_side(x, s, peering::closed{d, c->why, c->said});
}

void play(pair& x, const move& m) {
  auto& e = x.dials[m.dial].ends[m.side];
  switch (m.kind) {
  case move::what::secure:
    return advance_link(x, m.dial, m.side,
                        link::secured{site_id{name_of(1 - m.side)}});
  case move::what::report:
    return play_report(x, m.dial, m.side);
  case move::what::order:
    return advance_link(x, m.dial, m.side, take(e.orders));
  case move::what::bytes:
    auto bytes = take(e.bytes);
    if (!bytes.empty())
      return advance_link(x, m.dial, m.side, link::received{bytes});
    if (e.rules.phase != link::phase::closed) {
      e.rules.phase = link::phase::closed;
      e.reports.emplace_back(link::close{"lost", std::nullopt});
    }
  }
}

/// Two states that this does not tell apart go on alike.
std::string key_of(const pair& x) {
  std::string out;
  for (const auto& s : x.sides) {
    for (const auto& c : s.all)
      out += std::to_string(c.id) + static_cast<char>('a' + int(c.stage))
             + (c.as == link::role::dialled ? 'd' : 'p');
    out += '/';
  }
  for (const auto& d : x.dials)
    for (const auto& e : d.ends) {
      out += static_cast<char>('a' + int(e.rules.phase));
      for (const auto& r : e.reports) {
        out += std::to_string(r.index());
        if (const auto* c = std::get_if<link::close>(&r))
          out += c->said ? static_cast<char>('a' + int(*c->said)) : '-';
      }
      out += ':';
      for (const auto& o : e.orders)
        out += std::to_string(o.index());
      out += ':';
      for (const auto& b : e.bytes)
        out += b.empty() ? '!' : static_cast<char>('a' + b[3]);
      out += ' ';
    }
  return out;
}

/// The sides agree on one connection, and it is really up at both.
bool one_stays(const pair& x) {
  const auto* a = peering::current(x.sides[0]);
  const auto* b = peering::current(x.sides[1]);
  if (a == nullptr || b == nullptr || a->id != b->id)
    return false;
  for (std::size_t d = 0; d < x.dials.size(); ++d)
    for (std::size_t s : {0, 1}) {
      auto phase = x.dials[d].ends[s].rules.phase;
      if (phase != (d == a->id ? link::phase::up : link::phase::closed))
        return false;
    }
  return x.sides[0].all.size() == 1 && x.sides[1].all.size() == 1;
}

/// Plays every order of all that can happen; returns how many states it saw.
std::size_t play_all(pair first) {
  std::set<std::string> seen;
  std::vector<pair> todo;
  todo.push_back(std::move(first));
  while (!todo.empty()) {
    auto x = std::move(todo.back());
    todo.pop_back();
    if (!seen.insert(key_of(x)).second)
      continue;
    auto moves = possible(x);
    if (moves.empty())
      BOOST_TEST_REQUIRE(one_stays(x), "ends as " << key_of(x));
    for (const auto& m : moves) {
      todo.push_back(x);
      play(todo.back(), m);
    }
  }
  return seen.size();
}

} // namespace

BOOST_AUTO_TEST_SUITE(the_rules_of_peering)

BOOST_AUTO_TEST_CASE(two_dials_that_cross_leave_one_in_every_order) {
  BOOST_TEST(play_all(crossing({0, 1})) > 100U);
}

BOOST_AUTO_TEST_CASE(a_dial_alone_comes_up_in_every_order) {
  BOOST_TEST(play_all(crossing({0})) > 5U);
  BOOST_TEST(play_all(crossing({1})) > 5U);
}

BOOST_AUTO_TEST_CASE(overlapping_dials_of_one_side_leave_one) {
  BOOST_TEST(play_all(crossing({0, 0})) > 20U);
  BOOST_TEST(play_all(crossing({1, 1})) > 20U);
}

BOOST_AUTO_TEST_CASE(a_site_that_is_not_linked_is_dialled_each_interval) {
  auto x = between("A", "B");
  instant at{0};
  for (std::uint64_t id = 0; id < 5; ++id) {
    auto out = id == 0 ? step(x, peering::wanted{}, at)
                       : step(x, peering::dial_due{}, at);
    BOOST_TEST_REQUIRE(find<peering::dial>(out) != nullptr);
    const auto* next = find<peering::retry>(out);
    BOOST_TEST_REQUIRE(next != nullptr);
    BOOST_TEST((next->after == peering::dial_interval));
    (void) step(x, peering::dialled{id}, at);
    at += next->after;
  }
  BOOST_TEST(x.dials == 5U);
}

BOOST_AUTO_TEST_CASE(dials_that_do_not_end_are_bounded) {
  auto x = between("A", "B");
  std::uint64_t id = 0;
  auto out = step(x, peering::wanted{}, 0s);
  for (auto at = 0s; at < 60s; ++at) {
    if (find<peering::dial>(out) != nullptr)
      (void) step(x, peering::dialled{id++}, at);
    out = step(x, peering::dial_due{}, at);
  }
  BOOST_TEST(x.all.size() == 16U);
  // One that ends makes place for one.
  (void) step(x, peering::closed{0, "refused", std::nullopt}, 60s);
  out = step(x, peering::dial_due{}, 61s);
  BOOST_TEST((find<peering::dial>(out) != nullptr));
}

BOOST_AUTO_TEST_CASE(a_linked_site_is_not_dialled) {
  auto x = linked();
  auto out = step(x, peering::dial_due{}, 10s);
  BOOST_TEST((find<peering::dial>(out) == nullptr));
  BOOST_TEST((find<peering::retry>(out) == nullptr));
  out =
    step(x, peering::closed{1, "the connection was lost", std::nullopt}, 10s);
  BOOST_TEST((find<peering::dial>(out) != nullptr));
  BOOST_TEST((find<peering::went_down>(out) != nullptr));
}

BOOST_AUTO_TEST_CASE(a_site_without_an_address_is_not_dialled) {
  auto x = between("A", "B");
  BOOST_TEST(step(x, peering::wanted{false}, 0s).empty());
  BOOST_TEST(step(x, peering::dial_due{}, 1s).empty());
}

BOOST_AUTO_TEST_CASE(a_first_dial_that_fails_is_a_site_cut_off) {
  auto x = between("A", "B");
  (void) step(x, peering::wanted{}, 0s);
  (void) step(x, peering::dialled{1}, 0s);
  auto out = step(x, peering::closed{1, "refused", std::nullopt}, 0s);
  BOOST_TEST((find<peering::went_down>(out) != nullptr));
  BOOST_TEST((x.seen == reach::down));
  BOOST_TEST(x.times_down == 0U); // It never was up.
}

BOOST_AUTO_TEST_CASE(a_connection_that_gave_way_is_no_sign_of_a_cut) {
  auto x = between("A", "B");
  (void) step(x, peering::wanted{}, 0s);
  (void) step(x, peering::dialled{1}, 0s);
  auto out =
    step(x, peering::closed{1, "goodbye", wire::farewell::crossing}, 0s);
  BOOST_TEST((find<peering::went_down>(out) == nullptr));
  BOOST_TEST((x.seen == reach::connecting));
}

BOOST_AUTO_TEST_CASE(a_second_store_under_a_linked_name_is_refused) {
  auto x = linked();
  auto out = step(x, peering::greeted{2, hello_of("B", 9, "another")}, 1s);
  const auto* no = find<peering::finish>(out);
  BOOST_TEST_REQUIRE(no != nullptr);
  BOOST_TEST(no->id == 2U);
  BOOST_TEST((no->why == wire::farewell::duplicate));
  BOOST_TEST((find<peering::conflict>(out) != nullptr));
  BOOST_TEST(peering::current(x)->id == 1U);
}

BOOST_AUTO_TEST_CASE(an_earlier_start_of_a_linked_site_is_refused) {
  auto x = linked();
  auto out = step(x, peering::greeted{2, hello_of("B", 0)}, 1s);
  BOOST_TEST_REQUIRE((find<peering::finish>(out) != nullptr));
  BOOST_TEST((find<peering::finish>(out)->why == wire::farewell::duplicate));
}

BOOST_AUTO_TEST_CASE(a_restart_replaces_the_link_and_shows) {
  auto x = linked();
  auto out = step(x, peering::greeted{2, hello_of("B", 2)}, 1s);
  BOOST_TEST_REQUIRE((find<peering::permit>(out) != nullptr));
  BOOST_TEST(peering::current(x)->id == 1U); // Till the new one is confirmed.
  out = step(x, peering::opened{2, hello_of("B", 2)}, 1s);
  BOOST_TEST((find<peering::went_down>(out) != nullptr));
  BOOST_TEST((find<peering::went_up>(out) != nullptr));
  BOOST_TEST(find<peering::finish>(out)->id == 1U);
  BOOST_TEST(peering::current(x)->id == 2U);
  BOOST_TEST(x.times_down == 1U);
}

BOOST_AUTO_TEST_CASE(a_hello_without_an_answer_holds_others_off_only_so_long) {
  auto x = between("A", "B");
  (void) step(x, peering::wanted{}, 0s);
  (void) step(x, peering::dialled{1}, 0s);
  (void) step(x, peering::ready{1}, 0s);
  (void) step(x, peering::dialled{2}, 500ms);
  auto out = step(x, peering::ready{2}, 500ms);
  BOOST_TEST((find<peering::permit>(out) == nullptr));
  BOOST_TEST(find<peering::finish>(out)->id == 2U);
  (void) step(x, peering::dialled{3}, 1s);
  out = step(x, peering::ready{3}, 1s);
  BOOST_TEST_REQUIRE((find<peering::permit>(out) != nullptr));
  BOOST_TEST(find<peering::permit>(out)->id == 3U);
  BOOST_TEST(find<peering::finish>(out)->id == 1U);
}

BOOST_AUTO_TEST_CASE(a_removed_site_loses_all_and_is_not_dialled) {
  auto x = linked();
  auto out = step(x, peering::removed{}, 1s);
  BOOST_TEST_REQUIRE((find<peering::finish>(out) != nullptr));
  BOOST_TEST((find<peering::finish>(out)->why == wire::farewell::removed));
  BOOST_TEST((find<peering::went_down>(out) != nullptr));
  BOOST_TEST(x.all.empty());
  BOOST_TEST(step(x, peering::dial_due{}, 2s).empty());
}

BOOST_AUTO_TEST_CASE(what_is_said_of_an_ended_connection_changes_nothing) {
  auto x = linked();
  BOOST_TEST(step(x, peering::ready{7}, 1s).empty());
  BOOST_TEST(step(x, peering::opened{7, hello_of("B")}, 1s).empty());
  BOOST_TEST(step(x, peering::closed{7, "lost", std::nullopt}, 1s).empty());
  BOOST_TEST((x.seen == reach::up));
}

BOOST_AUTO_TEST_SUITE_END()
