#include "http/vault.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"

#include <fstream>
#include <iomanip>
#include <sstream>
#include <sys/stat.h>

using namespace cheops;
using replicant::meta_id;
using replicant::operation_id;

namespace {

const std::string key_a =
  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const std::string key_b =
  "FF0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr meta_id group{0x0123456789abcdef, 0x8000000000000002, 3};
constexpr operation_id operation{0x1111, 7, 42};
const std::string text = R"({"name": "purple"})";

struct keys : folder_fixture {
  std::string file = path("replication.key");

  void write(const std::string& content, mode_t mode = 0600) const {
    std::ofstream{file} << content;
    BOOST_REQUIRE(::chmod(file.c_str(), mode) == 0);
  }
  std::shared_ptr<const ports::vault> of(const std::string& content) const {
    write(content);
    return http::open_vault(file).value();
  }
  std::string complaint() const {
    auto x = http::open_vault(file);
    BOOST_REQUIRE(!x);
    BOOST_TEST((x.error().code == errc::bad_config));
    BOOST_TEST(!x.error().hint.empty());
    return to_string(x.error());
  }
};

bool has(const std::string& in, const std::string& what) {
  return in.find(what) != std::string::npos;
}

std::string hex_of(const std::string& bytes) {
  std::ostringstream out;
  for (unsigned char x : bytes)
    out << std::hex << std::setw(2) << std::setfill('0') << unsigned{x};
  return out.str();
}

std::string changed(std::string x, std::size_t at) {
  x[at] = static_cast<char>(x[at] ^ 1);
  return x;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(what_was_sealed_is_opened, keys) {
  auto v = of(key_a + "\n");
  for (const auto& x : {std::string{}, text, std::string(100'000, 'x')}) {
    auto sealed = v->seal(group, operation, x);
    BOOST_TEST(v->open(group, operation, sealed).value() == x);
    BOOST_TEST(sealed.size() == x.size() + 33U);
  }
}

BOOST_FIXTURE_TEST_CASE(sealing_gives_what_another_program_computed, keys) {
  // HKDF, HMAC and AES-GCM of Python's cryptography 48.
  auto hex = hex_of(of(key_a)->seal(group, operation, text));
  BOOST_TEST(hex
             == "01d60daffbd77ef80c129363fd2fcb7214337fb229e1a9db1d0bd5a4ed4f7b"
                "7e3c0fdc90b4efb74775a8e9b44e8529decc0df0");
}

BOOST_FIXTURE_TEST_CASE(nothing_of_it_can_be_changed, keys) {
  auto v = of(key_a);
  auto sealed = v->seal(group, operation, text);
  for (std::size_t i = 0; i < sealed.size(); ++i)
    BOOST_TEST(!v->open(group, operation, changed(sealed, i)).has_value());
  for (std::size_t i = 0; i < sealed.size(); ++i)
    BOOST_TEST(!v->open(group, operation, sealed.substr(0, i)).has_value());
  BOOST_TEST(!v->open(group, operation, sealed + '\0').has_value());
}

BOOST_FIXTURE_TEST_CASE(it_opens_as_what_it_was_sealed_as_only, keys) {
  auto v = of(key_a);
  auto sealed = v->seal(group, operation, text);
  auto other = group;
  ++other.generation;
  BOOST_TEST(!v->open(other, operation, sealed).has_value());
  for (auto member : {&operation_id::origin, &operation_id::session,
                      &operation_id::sequence}) {
    auto id = operation;
    ++(id.*member);
    BOOST_TEST(!v->open(group, id, sealed).has_value());
  }
  BOOST_TEST(!of(key_b)->open(group, operation, sealed).has_value());
}

// A store that is put back from a copy counts its sessions from there again.
BOOST_FIXTURE_TEST_CASE(one_id_with_two_contents_uses_no_nonce_twice, keys) {
  auto v = of(key_a);
  auto nonce = [&](const std::string& x) {
    return v->seal(group, operation, x).substr(5, 12);
  };
  BOOST_TEST(nonce(text) == nonce(text));
  BOOST_TEST(nonce(text) != nonce(text + " "));
}

BOOST_FIXTURE_TEST_CASE(the_content_does_not_show, keys) {
  BOOST_TEST(!has(of(key_a)->seal(group, operation, text), "purple"));
}

BOOST_FIXTURE_TEST_CASE(keys_are_changed_without_a_gap, keys) {
  auto old = of(key_a);
  auto both =
    of("# the new one only opens yet\n" + key_a + "\n\n  " + key_b + "\r\n");
  auto next = of(key_b + "\n" + key_a);
  auto last = of(key_b);
  auto by_old = old->seal(group, operation, text);
  auto by_next = next->seal(group, operation, text);
  BOOST_TEST(both->seal(group, operation, text) == by_old);
  BOOST_TEST((by_old != by_next));
  for (const auto& v : {both, next}) {
    BOOST_TEST(v->open(group, operation, by_old).value() == text);
    BOOST_TEST(v->open(group, operation, by_next).value() == text);
  }
  BOOST_TEST(!old->open(group, operation, by_next).has_value());
  BOOST_TEST(!last->open(group, operation, by_old).has_value());
}

BOOST_FIXTURE_TEST_CASE(keys_change_while_they_are_used, keys) {
  http::changing_vault v{of(key_a)};
  auto old = v.seal(group, operation, text);
  // Another site may seal with the new one already.
  v.exchange(of(key_a + "\n" + key_b));
  BOOST_TEST(v.seal(group, operation, text) == old);
  auto fresh = of(key_b)->seal(group, operation, text);
  BOOST_TEST(v.open(group, operation, fresh).value() == text);
  v.exchange(of(key_b + "\n" + key_a));
  BOOST_TEST(v.seal(group, operation, text) == fresh);
  BOOST_TEST(v.open(group, operation, old).value() == text);
  v.exchange(of(key_b));
  BOOST_TEST(!v.open(group, operation, old));
}

// -- the file ----------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_fresh_key_is_a_key_and_for_its_owner_alone, keys) {
  BOOST_REQUIRE(http::make_vault_file(file).has_value());
  struct stat x {};
  BOOST_REQUIRE(::stat(file.c_str(), &x) == 0);
  BOOST_TEST((x.st_mode & 0777) == 0600U);
  auto v = http::open_vault(file).value();
  auto sealed = v->seal(group, operation, text);
  BOOST_TEST(v->open(group, operation, sealed).value() == text);
  auto again = http::make_vault_file(file);
  BOOST_REQUIRE(!again);
  BOOST_TEST(has(again.error().what, "exists"));
  BOOST_TEST(v->seal(group, operation, text)
             == http::open_vault(file).value()->seal(group, operation, text));
  BOOST_TEST(http::fresh_vault_file() != http::fresh_vault_file());
}

BOOST_FIXTURE_TEST_CASE(a_file_that_is_no_key_is_refused_with_its_line, keys) {
  BOOST_TEST(has(complaint(), "No such file"));
  write(key_a, 0604);
  BOOST_TEST(has(complaint(), "others than its owner"));
  write("");
  BOOST_TEST(has(complaint(), "no key"));
  write("# of Berlin\n" + key_a.substr(2) + "\n");
  auto why = complaint();
  BOOST_TEST(has(why, file + ":2: "));
  BOOST_TEST(has(why, "62 characters"));
  BOOST_TEST(!has(why, key_a.substr(2, 8)));
  write(key_a + "\n" + changed(key_b, 5).replace(9, 1, "g"));
  BOOST_TEST(has(complaint(), file + ":2: "));
  std::string many;
  for (int i = 0; i < 9; ++i)
    many += key_a + "\n";
  write(many);
  BOOST_TEST(has(complaint(), "more than 8"));
  file = path("");
  BOOST_TEST(has(complaint(), "no plain file"));
}
