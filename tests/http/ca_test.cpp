#include "http/ca.hpp"
#include "http/tls.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <thread>

using namespace cheops;
namespace ca = cheops::http::ca;

namespace {

struct authority_fixture : folder_fixture {
  std::string home = path("ca");

  authority_fixture() { BOOST_REQUIRE(ca::init(home, {}).has_value()); }

  ca::request ask(const std::string& name) const {
    ca::request out;
    out.name = name;
    out.into = path(name);
    return out;
  }
};

mode_t mode_of(const std::string& file) {
  struct stat x {};
  BOOST_REQUIRE(::stat(file.c_str(), &x) == 0);
  return x.st_mode & 0777;
}

} // namespace

BOOST_AUTO_TEST_SUITE(authority)

BOOST_FIXTURE_TEST_CASE(keys_are_for_their_owner_alone, authority_fixture) {
  BOOST_TEST(mode_of(home) == 0700U);
  BOOST_TEST(mode_of(home + "/ca.key") == 0600U);
  auto made = ca::issue(home, ask("Site1")).value();
  BOOST_TEST(made.key == path("Site1/site.key"));
  BOOST_TEST(mode_of(made.key) == 0600U);
  BOOST_TEST(read("Site1/site.key").starts_with("-----BEGIN PRIVATE KEY"));
  BOOST_TEST(read("Site1/ca.crt") == read("ca/ca.crt"));
}

BOOST_FIXTURE_TEST_CASE(nothing_is_overwritten_silently, authority_fixture) {
  auto before = read("ca/ca.key");
  auto again = ca::init(home, {});
  BOOST_REQUIRE(!again);
  BOOST_TEST((again.error().code == errc::bad_config));
  BOOST_TEST(read("ca/ca.key") == before);

  auto what = ask("Site1");
  BOOST_REQUIRE(ca::issue(home, what).has_value());
  auto key = read("Site1/site.key");
  auto twice = ca::issue(home, what);
  BOOST_REQUIRE(!twice);
  BOOST_TEST((twice.error().code == errc::bad_config));
  BOOST_TEST(read("Site1/site.key") == key);
  BOOST_TEST(ca::list(home).value().size() == 1U);
  what.overwrite = true;
  BOOST_REQUIRE(ca::issue(home, what).has_value());
  BOOST_TEST(read("Site1/site.key") != key);
}

BOOST_FIXTURE_TEST_CASE(what_it_issued_is_listed, authority_fixture) {
  auto site = ca::issue(home, ask("New York")).value();
  auto server = ask("front");
  server.site = false;
  server.dns = {"images.example", "*.example"};
  server.addresses = {"127.0.0.1", "::1"};
  server.days = 10;
  auto front = ca::issue(home, server).value();
  BOOST_TEST(front.certificate == path("front/server.crt"));
  auto all = ca::list(home).value();
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0].name == "New York");
  BOOST_TEST(all[0].serial == site.serial);
  BOOST_TEST(all[0].site);
  BOOST_TEST(!all[1].site);
  BOOST_TEST(all[1].revoked == "");
  BOOST_TEST(all[1].not_after.size()
             == std::string{"2026-01-01T00:00:00Z"}.size());
  auto days = http::days_left(front.certificate).value();
  BOOST_TEST((days == 9 || days == 10));
}

BOOST_FIXTURE_TEST_CASE(nothing_outlives_its_authority, folder_fixture) {
  auto home = path("ca");
  BOOST_REQUIRE(ca::init(home, {"short", 5}).has_value());
  ca::request what;
  what.name = "Site1";
  what.days = 300;
  what.into = path("out");
  auto made = ca::issue(home, what).value();
  BOOST_TEST(http::days_left(made.certificate).value() <= 5);
}

BOOST_FIXTURE_TEST_CASE(names_that_cannot_be_are_refused, authority_fixture) {
  auto refused = [this](ca::request what) {
    auto made = ca::issue(home, what);
    return !made && made.error().code == errc::bad_config;
  };
  auto good = ask("x");
  for (auto& name : {std::string{}, std::string(254, 'a'), std::string{"a\nb"},
                     std::string{"\xff"}, std::string{"../x"},
                     std::string{".."}, std::string{"a/b"}}) {
    auto what = good;
    what.name = name;
    BOOST_TEST(refused(what), name);
  }
  for (auto dns : {"", ".", "a b", "a.", "DNS:x,IP:1.2.3.4", "a*b"}) {
    auto what = good;
    what.dns = {dns};
    BOOST_TEST(refused(what), dns);
  }
  for (auto address : {"", "1.2.3", "1.2.3.4,DNS:x", "::g"}) {
    auto what = good;
    what.addresses = {address};
    BOOST_TEST(refused(what), address);
  }
  auto server = good;
  server.site = false;
  BOOST_TEST(refused(server)); // A server without a name.
  auto days = good;
  days.days = 0;
  BOOST_TEST(refused(days));
  auto here = good;
  here.into = home;
  BOOST_TEST(refused(here));
  BOOST_TEST(ca::list(home).value().empty());
}

BOOST_FIXTURE_TEST_CASE(names_that_differ_in_case_alone_are_refused,
                        authority_fixture) {
  auto first = ca::issue(home, ask("Site1")).value();
  auto small = ca::issue(home, ask("site1"));
  BOOST_REQUIRE(!small);
  BOOST_TEST((small.error().code == errc::bad_config));
  BOOST_TEST(small.error().what.find("Site1") != std::string::npos);
  auto server = ask("site1"); // No name of a site.
  server.site = false;
  server.dns = {"site1"};
  BOOST_TEST(ca::issue(home, server).has_value());
  BOOST_REQUIRE(ca::revoke(home, first.serial).has_value());
  BOOST_TEST(ca::issue(home, ask("site1")).has_value());
}

BOOST_FIXTURE_TEST_CASE(where_no_authority_is_one_is_to_be_made,
                        authority_fixture) {
  for (auto& other : {path("nowhere"), folder.string()})
    for (const auto& why :
         {ca::issue(other, ask("x")).error(), ca::list(other).error(),
          ca::revoke(other, "x").error()})
      BOOST_TEST(why.hint.find("cheops ca init") != std::string::npos,
                 to_string(why));
}

BOOST_FIXTURE_TEST_CASE(revoking_takes_a_serial_or_all_of_a_name,
                        authority_fixture) {
  auto first = ca::issue(home, ask("Site1")).value();
  auto again = ask("Site1");
  again.into = path("Site1-b");
  auto second = ca::issue(home, again).value();
  auto crl = read("ca/ca.crl");

  auto one = ca::revoke(home, first.serial).value();
  BOOST_TEST(one == std::vector<std::string>{first.serial});
  BOOST_TEST(read("ca/ca.crl") != crl);
  auto rest = ca::revoke(home, "Site1").value();
  BOOST_TEST(rest == std::vector<std::string>{second.serial});
  auto none = ca::revoke(home, "Site1");
  BOOST_REQUIRE(!none);
  BOOST_TEST((none.error().code == errc::bad_config));
  for (auto& x : ca::list(home).value())
    BOOST_TEST(x.revoked != "");
}

BOOST_FIXTURE_TEST_CASE(a_damaged_folder_is_an_error_that_names_the_file,
                        authority_fixture) {
  write("ca/issued.jsonl", "{\"serial\": 5}\n");
  auto listed = ca::list(home);
  BOOST_REQUIRE(!listed);
  BOOST_TEST(listed.error().what.find("issued.jsonl:1") != std::string::npos);
  write("ca/ca.key", "nonsense");
  auto made = ca::issue(home, ask("Site1"));
  BOOST_REQUIRE(!made);
  BOOST_TEST(made.error().what.find("ca.key") != std::string::npos);
  BOOST_TEST(!ca::list(path("nowhere")));
}

BOOST_FIXTURE_TEST_CASE(two_at_once_lose_nothing, authority_fixture) {
  std::vector<std::thread> threads;
  for (auto* who : {"a", "b", "c", "d"})
    threads.emplace_back([this, who] {
      for (int i = 0; i < 4; ++i)
        (void) ca::issue(home, ask(who + std::to_string(i)));
    });
  for (auto& x : threads)
    x.join();
  BOOST_TEST(ca::list(home).value().size() == 16U);
}

BOOST_AUTO_TEST_SUITE_END()
