#include "cheops/mesh/membership.hpp"
#include "support/boost_test.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::mesh;
using namespace std::chrono_literals;
using link::instant;
namespace rules = mesh::membership;

namespace {

template <class T>
std::vector<T> all_of(const std::vector<rules::effect>& from) {
  std::vector<T> out;
  for (const auto& x : from)
    if (const auto* y = std::get_if<T>(&x))
      out.push_back(*y);
  return out;
}

wire::statement says(const std::string& site, std::uint64_t version = 1) {
  wire::statement x;
  x.site = site_id{site};
  x.incarnation = 1;
  x.version = version;
  x.store = "store of " + site;
  x.link = {"10.0.0.9", 1};
  return x;
}

wire::sealed_statement sealed(const wire::statement& x) {
  return {wire::encode(x), {"certificate"}, "signature"};
}

/// Site A and its rules; signs at once.
struct site_a {
  rules::state self;
  std::vector<rules::effect> last;
  instant now{1s};

  explicit site_a(rules::settings with = {}) {
    if (!with.believes)
      with.believes = [](const address& x) {
        return x.host.starts_with("10.");
      };
    auto first = rules::start(std::move(with), says("A"));
    self = std::move(first.self);
    last = first.effects;
    sign();
  }

  void give(const rules::input& in) {
    last = rules::step(self, in, now);
    sign();
  }

  void sign() {
    for (const auto& x : all_of<rules::sign>(last)) {
      auto more = rules::step(
        self, rules::sealed{x.statement.version, sealed(x.statement)}, now);
      last.insert(last.end(), more.begin(), more.end());
    }
  }

  void hear(const wire::statement& x, const std::string& signer,
            const std::string& from = "B") {
    give(rules::heard{site_id{from}, x, sealed(x), site_id{signer}});
  }

  /// `site` is known by its own word.
  void know(const std::string& site) {
    hear(says(site), site, site);
    BOOST_REQUIRE(self.members.at(site_id{site}).says);
  }

  void link_to(const std::string& site) { give(rules::linked{site_id{site}}); }

  [[nodiscard]] std::string refusal() const {
    auto x = all_of<rules::refused>(last);
    return x.empty() ? std::string{} : x.front().why;
  }

  [[nodiscard]] bool believes(const wire::statement& x) const {
    auto i = self.members.find(x.site);
    return i != self.members.end() && i->second.says == x;
  }
};

rules::settings declaring(const std::vector<std::string>& peers) {
  rules::settings x;
  for (const auto& p : peers)
    x.declared.push_back({site_id{p}, {"10.0.0.1", 7}});
  x.believes = [](const address& a) { return a.host.starts_with("10."); };
  return x;
}

wire::hello hello_of(const std::string& site, std::uint64_t incarnation = 1) {
  wire::hello x;
  x.site = site_id{site};
  x.store = "store of " + site;
  x.incarnation = incarnation;
  return x;
}

} // namespace

BOOST_AUTO_TEST_SUITE(the_rules_of_membership)

BOOST_AUTO_TEST_CASE(a_declared_peer_is_dialled_from_the_start) {
  site_a a{declaring({"B"})};
  auto known = all_of<rules::know>(a.last);
  BOOST_REQUIRE(known.size() == 1U);
  BOOST_TEST(known.front().site.value == "B");
  BOOST_TEST((known.front().at == std::vector<address>{{"10.0.0.1", 7}}));
}

BOOST_AUTO_TEST_CASE(a_site_counts_by_its_own_signature_alone) {
  site_a a;
  auto c = says("C");
  a.hear(c, "");
  BOOST_TEST(a.refusal() == "its statement is not believed: it is not signed");
  a.give(rules::heard{site_id{"B"}, c, sealed(c), {}, "certificate revoked"});
  BOOST_TEST(a.refusal()
             == "its statement is not believed: certificate revoked");
  a.hear(c, "B");
  BOOST_TEST(a.refusal() == "its statement is signed by site B");
  BOOST_TEST(!a.believes(c));
  a.hear(c, "C");
  BOOST_TEST(a.believes(c));
  auto known = all_of<rules::know>(a.last);
  BOOST_REQUIRE(known.size() == 1U);
  BOOST_TEST((known.front().at == std::vector<address>{c.link}));
}

BOOST_AUTO_TEST_CASE(a_forged_later_statement_does_not_replace_a_true_one) {
  site_a a;
  a.know("C");
  auto forged = says("C", 9);
  forged.link = {"10.6.6.6", 6};
  a.hear(forged, "B");
  BOOST_TEST(a.believes(says("C")));
  BOOST_TEST(!a.refusal().empty());
  BOOST_TEST(all_of<rules::know>(a.last).empty());
  a.hear(forged, "B");
  BOOST_TEST(a.refusal().empty()); // A reason is told once.
  auto next = says("C", 2);
  a.hear(next, "C");
  BOOST_TEST(a.believes(next));
  BOOST_TEST(a.self.members.at(site_id{"C"}).doubt.empty());
}

BOOST_AUTO_TEST_CASE(only_what_is_newer_counts) {
  site_a a;
  a.hear(says("C", 5), "C");
  for (auto version : {4U, 5U}) {
    a.hear(says("C", version), "C");
    BOOST_TEST(a.last.empty());
  }
  auto restarted = says("C", 1);
  restarted.incarnation = 2;
  a.hear(restarted, "C");
  BOOST_TEST(a.believes(restarted));
}

BOOST_AUTO_TEST_CASE(addresses_outside_the_networks_are_not_believed) {
  for (auto at : {&wire::statement::link, &wire::statement::peer_front}) {
    site_a a;
    auto c = says("C");
    c.*at = {"192.0.2.1", 1};
    a.hear(c, "C");
    BOOST_TEST(a.refusal().find("192.0.2.1:1") != std::string::npos);
    BOOST_TEST(!a.believes(c));
    c.*at = {"192.0.2.1", 0}; // Port 0: it has none.
    c.version = 2;
    a.hear(c, "C");
    BOOST_TEST(a.believes(c));
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_sites_is_bounded) {
  rules::settings with;
  with.sites_max = 3;
  site_a a{with};
  for (auto name : {"B", "C", "D"})
    a.know(name);
  a.hear(says("E"), "E");
  BOOST_TEST(a.refusal() == "there are already 3 sites (limits.peers)");
  a.hear(says("D", 2), "D"); // Who is known goes on.
  BOOST_TEST(a.believes(says("D", 2)));
  BOOST_TEST(!rules::objection(a.self, hello_of("E")).empty());
  BOOST_TEST(rules::objection(a.self, hello_of("D")).empty());
}

BOOST_AUTO_TEST_CASE(a_name_that_differs_in_case_alone_is_refused) {
  site_a a;
  a.know("Paris");
  for (auto name : {"PARIS", "a"}) {
    a.hear(says(name), name);
    BOOST_TEST(a.refusal().find("in case alone") != std::string::npos);
    BOOST_TEST(!rules::objection(a.self, hello_of(name)).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_link_does_not_make_a_statement_believed) {
  site_a a;
  a.link_to("B");
  BOOST_TEST(!a.self.members.at(site_id{"B"}).says);
  a.hear(says("B"), "C");
  BOOST_TEST(!a.self.members.at(site_id{"B"}).says);
}

BOOST_AUTO_TEST_CASE(what_is_believed_goes_on_unchanged_to_who_lacks_it) {
  site_a a;
  for (auto name : {"B", "C", "D"}) {
    a.know(name);
    a.link_to(name);
  }
  auto d = says("D", 2);
  a.hear(d, "D", "B");
  auto told = all_of<rules::tell>(a.last);
  // Not to who told it, nor to the site itself.
  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told.front().peer.value == "C");
  BOOST_TEST((told.front().statements == std::vector{sealed(d)}));
}

BOOST_AUTO_TEST_CASE(a_new_link_is_told_everything_in_bounded_messages) {
  site_a a;
  for (int i = 0; i < 150; ++i)
    a.know("S" + std::to_string(i));
  a.link_to("B");
  std::size_t all = 0;
  for (const auto& t : all_of<rules::tell>(a.last)) {
    BOOST_TEST(t.statements.size() <= wire::statements_max);
    BOOST_TEST(wire::decode_gossip(wire::encode(t.statements)).has_value());
    all += t.statements.size();
  }
  BOOST_TEST(all == 151U);
}

BOOST_AUTO_TEST_CASE(noise_in_round_trips_stays_here) {
  site_a a;
  a.know("B");
  a.link_to("B");
  a.give(rules::measured{site_id{"B"}, 20ms});
  BOOST_TEST(all_of<rules::tell>(a.last).size() == 1U);
  for (auto t : {21ms, 22ms, 18ms}) {
    a.now += 1s;
    a.give(rules::measured{site_id{"B"}, t});
    BOOST_TEST(all_of<rules::tell>(a.last).empty());
  }
  a.now += 1s;
  a.give(rules::measured{site_id{"B"}, 23ms});
  BOOST_TEST(all_of<rules::tell>(a.last).size() == 1U);
  BOOST_TEST((a.self.own.round_trips.at(site_id{"B"}) == 23ms));
}

BOOST_AUTO_TEST_CASE(round_trips_that_jump_are_told_at_intervals) {
  site_a a;
  a.know("B");
  a.link_to("B");
  std::size_t told = 0;
  for (int i = 0; i < 1000; ++i) { // For ten seconds.
    a.now += 10ms;
    a.give(rules::measured{site_id{"B"}, i % 2 == 0 ? 10ms : 90ms});
    told += all_of<rules::tell>(a.last).size();
  }
  BOOST_TEST(told >= 20U);
  BOOST_TEST(told <= 26U);
}

BOOST_AUTO_TEST_CASE(a_round_trip_to_who_is_not_linked_is_not_told) {
  site_a a;
  a.know("B");
  a.give(rules::measured{site_id{"B"}, 20ms});
  BOOST_TEST(a.last.empty());
  a.link_to("B");
  a.give(rules::measured{site_id{"B"}, 20ms});
  a.now += 1s;
  a.give(rules::unlinked{site_id{"B"}});
  BOOST_TEST(a.self.own.round_trips.empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_stays_different_is_told_ever_less) {
  site_a a;
  a.know("B");
  a.link_to("B");
  std::vector<instant> repairs;
  auto begin = a.now;
  for (; a.now < begin + 300s; a.now += 500ms) {
    a.give(rules::compared{site_id{"B"}, 1});
    if (!all_of<rules::tell>(a.last).empty())
      repairs.push_back(a.now - begin);
  }
  std::vector<instant> expected{1s, 3s, 7s, 15s, 31s, 63s, 123s, 183s, 243s};
  BOOST_TEST((repairs == expected));
  a.give(rules::compared{site_id{"B"}, rules::digest(a.self)});
  // From the beginning; a difference that has just begun is let be.
  a.give(rules::compared{site_id{"B"}, 1});
  BOOST_TEST(all_of<rules::tell>(a.last).empty());
  a.now += 1s;
  a.give(rules::compared{site_id{"B"}, 1});
  BOOST_TEST(!all_of<rules::tell>(a.last).empty());
}

BOOST_AUTO_TEST_CASE(equal_knowledge_has_equal_digests_in_any_order) {
  site_a a;
  a.know("B");
  a.know("C");
  auto first = rules::digest(a.self);
  site_a again;
  again.know("C");
  BOOST_TEST(rules::digest(again.self) != first);
  again.know("B");
  BOOST_TEST(rules::digest(again.self) == first);
  again.hear(says("C", 2), "C");
  BOOST_TEST(rules::digest(again.self) != first);
}

BOOST_AUTO_TEST_CASE(a_removed_site_is_forgotten_and_not_believed) {
  site_a a{declaring({"B", "C"})};
  a.know("B");
  a.link_to("B");
  a.give(rules::configured{declaring({"C"}), {}, {"10.0.0.3", 3}});
  BOOST_REQUIRE(all_of<rules::forget>(a.last).size() == 1U);
  BOOST_TEST(all_of<rules::forget>(a.last).front().site.value == "B");
  a.hear(says("B", 7), "B", "C");
  BOOST_TEST(!a.self.members.contains(site_id{"B"}));
  BOOST_TEST(rules::objection(a.self, hello_of("B")).find("taken out")
             != std::string::npos);
  a.give(rules::configured{declaring({"B", "C"}), {}, {"10.0.0.3", 3}});
  a.hear(says("B", 7), "B", "C");
  BOOST_TEST(a.believes(says("B", 7)));
}

BOOST_AUTO_TEST_CASE(a_configuration_is_stated_anew) {
  site_a a;
  a.know("B");
  a.link_to("B");
  auto before = a.self.own.version;
  a.give(rules::configured{declaring({}), {"10.0.0.2", 2}, {"10.0.0.3", 3}});
  BOOST_TEST(a.self.own.version > before);
  BOOST_TEST((a.self.own.peer_front == address{"10.0.0.2", 2}));
  BOOST_TEST(all_of<rules::tell>(a.last).size() == 1U);
}

BOOST_AUTO_TEST_CASE(who_speaks_in_our_name_is_reported) {
  site_a a;
  auto old = says("A", 99);
  a.hear(old, "A"); // What we said before a restart.
  BOOST_TEST(a.refusal().empty());
  auto later = says("A");
  later.incarnation = 2;
  a.hear(later, "B"); // Anyone can say that.
  BOOST_TEST(a.refusal().empty());
  a.hear(later, "A");
  BOOST_TEST(a.refusal().find("later incarnation") != std::string::npos);
  later.store = "another";
  a.hear(later, "A");
  BOOST_TEST(a.refusal().find("another process runs as this site")
             != std::string::npos);
  BOOST_TEST(!a.self.members.contains(site_id{"A"}));
}

BOOST_AUTO_TEST_CASE(a_hello_in_our_name_or_of_an_earlier_start_is_refused) {
  site_a a;
  auto mine = hello_of("A");
  BOOST_TEST(rules::objection(a.self, mine).find("reached itself")
             != std::string::npos);
  mine.store = "another";
  BOOST_TEST(rules::objection(a.self, mine).find("two processes run as site A")
             != std::string::npos);
  auto c = says("C");
  c.incarnation = 5;
  a.hear(c, "C");
  BOOST_TEST(!rules::objection(a.self, hello_of("C", 4)).empty());
  BOOST_TEST(rules::objection(a.self, hello_of("C", 5)).empty());
  BOOST_TEST(rules::objection(a.self, hello_of("C", 6)).empty());
}

BOOST_AUTO_TEST_CASE(an_unsigned_mesh_believes_what_it_is_told) {
  rules::settings with;
  with.unsigned_mesh = true;
  site_a a{with};
  a.hear(says("C"), "");
  BOOST_TEST(a.believes(says("C")));
}

BOOST_AUTO_TEST_CASE(a_signature_that_comes_late_is_not_used) {
  site_a a;
  a.know("B");
  a.link_to("B");
  a.give(rules::sealed{a.self.own.version - 1, {}});
  BOOST_TEST(a.last.empty());
}

BOOST_AUTO_TEST_SUITE_END()
