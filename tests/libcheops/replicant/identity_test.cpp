#define BOOST_TEST_MODULE replicant_records
#include "samples.hpp"

#include "cheops/replicant/identity.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

#include <set>

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

std::string hex(std::string_view x) {
  std::string out;
  for (auto byte : sha256(x)) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

natural_key pod(std::string name) {
  return {service_id{"kubernetes"}, "pods", {"", "default", std::move(name)}};
}

} // namespace

BOOST_AUTO_TEST_CASE(sha256_gives_the_digests_of_the_standards_examples) {
  BOOST_TEST(hex("")
             == "e3b0c44298fc1c149afbf4c8996fb924"
                "27ae41e4649b934ca495991b7852b855");
  BOOST_TEST(hex("abc")
             == "ba7816bf8f01cfea414140de5dae2223"
                "b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
             == "248d6a61d20638b8e5c026930c3e6039"
                "a33ce45964ff2167f6ecedd419db06c1");
  BOOST_TEST(hex(std::string(1'000'000, 'a'))
             == "cdc76e5c9914fb9281a1c7e284d73e67"
                "f1809a48a497200e046d39ccc7112cd0");
}

BOOST_AUTO_TEST_CASE(every_length_around_a_block_is_padded) {
  std::set<std::string> all;
  for (std::size_t n = 50; n < 140; ++n)
    all.insert(hex(std::string(n, 'x')));
  BOOST_TEST(all.size() == 90U);
  BOOST_TEST(hex(std::string(64, 'x'))
             == "7ce100971f64e7001e8fe5a51973ecdf"
                "e1ced42befe7ee8d5fd6219506b5393c");
}

BOOST_AUTO_TEST_CASE(two_sites_give_the_same_name_the_same_id) {
  BOOST_TEST((meta_of(pod("a"), 1) == meta_of(pod("a"), 1)));
  BOOST_TEST((meta_of(pod("a"), 1) != meta_of(pod("b"), 1)));
  BOOST_TEST((meta_of(pod("a"), 1) != meta_of(pod("a"), 2)));
  // What stands where in the key counts, not only what the letters are.
  auto moved = pod("a");
  moved.path = {"", "defaulta", ""};
  BOOST_TEST((meta_of(pod("a"), 1) != meta_of(moved, 1)));
}

BOOST_AUTO_TEST_CASE(an_id_of_a_name_is_a_uuid_and_a_generation) {
  auto text = to_string(meta_of(pod("a"), 3));
  BOOST_TEST(text.size() == 38U);
  BOOST_TEST(text[14] == '8');
  BOOST_TEST(std::string{"89ab"}.find(text[19]) != std::string::npos);
  BOOST_TEST(text.substr(36) == ".3");
  BOOST_TEST(to_string(random_meta(1, 2))
             == "00000000-0000-4001-8000-000000000002");
}

BOOST_AUTO_TEST_CASE(ids_are_read_as_they_are_printed) {
  rc::check("ids", [](std::uint64_t a, std::uint64_t b, std::uint32_t c) {
    meta_id x{a, b, c};
    RC_ASSERT(parse_meta(to_string(x)) == x);
    operation_id y{a, b, c};
    RC_ASSERT(parse_operation(to_string(y)) == y);
  });
}

BOOST_AUTO_TEST_CASE(what_is_no_id_is_not_read) {
  for (auto text :
       {"", "x", "00000000-0000-4001-8000-00000000000",
        "00000000-0000-4001-8000-0000000000021",
        "00000000-0000-4001-8000-000000000002.",
        "00000000-0000-4001-8000-000000000002.0",
        "00000000-0000-4001-8000-000000000002.01",
        "00000000-0000-4001-8000-000000000002.4294967296",
        "0000000000000-4001-8000-000000000002", "0000000G-0000-4001-8000-0000",
        "ABCDEF00-0000-4001-8000-000000000002"})
    BOOST_TEST(!parse_meta(text), text);
  for (auto text : {"", "-", "--", "0123456789abcdef-1", "0123456789abcdef-1-",
                    "123456789abcdef-1-1", "0123456789abcdef-01-1",
                    "0123456789abcdef-1-1-1", "0123456789abcdef-1-A"})
    BOOST_TEST(!parse_operation(text), text);
}

BOOST_AUTO_TEST_CASE(a_retry_with_its_key_meets_the_first_try) {
  auto a = meta_of_retry(service_id{"A"}, "ann", "k1");
  BOOST_TEST((a == meta_of_retry(service_id{"A"}, "ann", "k1")));
  BOOST_TEST((a != meta_of_retry(service_id{"A"}, "bob", "k1")));
  BOOST_TEST((a != meta_of_retry(service_id{"A"}, "ann", "k2")));
  BOOST_TEST((a != meta_of_retry(service_id{"A"}, "annk", "1")));
}

BOOST_AUTO_TEST_CASE(a_group_that_began_otherwise_is_another) {
  auto a = sample_birth();
  auto b = a;
  b.founder = b.members.back().id;
  auto c = a;
  c.members.pop_back();
  auto d = a;
  d.members.front().id.store = "other";
  auto e = a;
  e.members.front().role = raft::member_role::witness;
  std::set<std::uint64_t> all;
  for (const auto& x : {a, b, c, d, e})
    all.insert(fingerprint(x));
  BOOST_TEST(all.size() == 5U);
}

BOOST_AUTO_TEST_CASE(requests_of_one_session_have_numbers_of_their_own) {
  std::set<raft::request_id> all;
  for (std::uint64_t origin = 0; origin < 10; ++origin)
    for (std::uint64_t session = 0; session < 10; ++session)
      for (std::uint64_t sequence = 1; sequence <= 10; ++sequence)
        all.insert(request_of({origin, session, sequence}));
  BOOST_TEST(all.size() == 1000U);
  BOOST_TEST(!all.contains(0));
}
