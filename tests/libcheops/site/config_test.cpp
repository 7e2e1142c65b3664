#define BOOST_TEST_MODULE site
#include "cheops/site/config.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using application::verb;

namespace {

application::description two_services() {
  application::description x;
  x.services.resize(2);
  x.services[0].name = service_id{"Open"};
  x.services[0].aliases = {"o"};
  x.services[1].name = service_id{"Guarded"};
  x.services[1].authenticates = true;
  return x;
}

struct world {
  site::config config;
  application::description app = two_services();

  world() {
    config.peers.resize(2);
    config.peers[0].name = site_id{"S2"};
    config.peers[1].name = site_id{"S3"};
  }

  bool allows(const char* peer, const char* service, verb does) const {
    return site::allowed(config, app, site_id{peer}, service_id{service}, does);
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(by_default_peers_use_what_authenticates_users, world) {
  for (auto peer : {"S2", "S3", "learned-by-gossip"}) {
    BOOST_TEST(allows(peer, "Guarded", verb::create));
    BOOST_TEST(!allows(peer, "Open", verb::read));
  }
}

BOOST_FIXTURE_TEST_CASE(the_sites_default_replaces_that, world) {
  config.default_allow = {{service_id{"Open"}, {verb::read, verb::list}}};
  for (auto peer : {"S2", "learned-by-gossip"}) {
    BOOST_TEST(allows(peer, "Open", verb::read));
    BOOST_TEST(allows(peer, "o", verb::list));
    BOOST_TEST(!allows(peer, "Open", verb::create));
    BOOST_TEST(!allows(peer, "Open", verb::other));
    BOOST_TEST(!allows(peer, "Guarded", verb::read));
  }
}

BOOST_FIXTURE_TEST_CASE(a_peers_own_rules_replace_both, world) {
  config.default_allow = {{service_id{"*"}, {}}};
  config.peers[0].allow = {{service_id{"Open"}, {}}};
  BOOST_TEST(allows("S2", "Open", verb::remove));
  BOOST_TEST(allows("s2", "Open", verb::remove));
  BOOST_TEST(!allows("S2", "Guarded", verb::read));
  BOOST_TEST(allows("S3", "Guarded", verb::read));
  BOOST_TEST(allows("S3", "Open", verb::read));
}

BOOST_FIXTURE_TEST_CASE(an_empty_list_allows_nothing, world) {
  config.peers[0].allow.emplace();
  BOOST_TEST(!allows("S2", "Guarded", verb::read));
  BOOST_TEST(allows("S3", "Guarded", verb::read));
  config.default_allow.emplace();
  BOOST_TEST(!allows("S3", "Guarded", verb::read));
}

BOOST_FIXTURE_TEST_CASE(what_is_not_described_is_never_allowed, world) {
  config.default_allow = {{service_id{"*"}, {}}};
  BOOST_TEST(!allows("S2", "Other", verb::read));
  BOOST_TEST(!allows("S2", "*", verb::read));
}

BOOST_AUTO_TEST_CASE(two_sites_get_the_first_witness_that_can_be_one) {
  auto sites = [](std::vector<const char*> names) {
    std::vector<site_id> out;
    for (const auto* x : names)
      out.emplace_back(x);
    return out;
  };
  auto named = sites({"Rome", "Oslo", "Bern"});
  auto any = [](const site_id&) { return true; };
  auto chosen = [&](std::vector<const char*> of, auto may_be) {
    auto x = site::witness_for(named, sites(std::move(of)), may_be);
    return x ? x->value : "";
  };
  BOOST_TEST(chosen({"S1", "S2"}, any) == "Rome");
  BOOST_TEST(chosen({"S1", "rome"}, any) == "Oslo");
  BOOST_TEST(chosen({"Oslo", "Rome"}, any) == "Bern");
  auto not_rome = [](const site_id& x) { return x.value != "Rome"; };
  BOOST_TEST(chosen({"S1", "S2"}, not_rome) == "Oslo");
  auto none = [](const site_id&) { return false; };
  BOOST_TEST(chosen({"S1", "S2"}, none) == "");
  BOOST_TEST(chosen({"S1"}, any) == "");
  BOOST_TEST(chosen({"S1", "S2", "S3"}, any) == "");
}
