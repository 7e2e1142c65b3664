#include "cheops/traffic/keyed_hash.hpp"
#include "support/boost_test.hpp"

#include <array>
#include <set>
#include <string>

using namespace cheops::traffic;

BOOST_AUTO_TEST_SUITE(keyed_hashes)

// The key and the texts of the paper's appendix, and of its authors' vectors:
// bytes 0, 1, 2, … of the length that the row has.
BOOST_AUTO_TEST_CASE(it_gives_what_its_paper_gives) {
  const hash_key key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  std::string text;
  const std::array<std::uint64_t, 4> first{
    0x726fdb47dd0e0e31U, 0x74f839c593dc67fdU, 0x0d6c8009d9a94f5aU,
    0x85676696d7fb7e2dU};
  for (auto wanted : first) {
    BOOST_TEST(keyed_hash(text, key) == wanted, text.size());
    text += static_cast<char>(text.size());
  }
  while (text.size() < 15)
    text += static_cast<char>(text.size());
  BOOST_TEST(keyed_hash(text, key) == 0xa129ca6149be45e5U);
}

BOOST_AUTO_TEST_CASE(another_key_gives_another_hash) {
  std::set<std::uint64_t> all;
  for (std::uint64_t i = 0; i < 100; ++i) {
    all.insert(keyed_hash("0af7651916cd43dd8448eb211c80319c", {i, 0}));
    all.insert(keyed_hash("0af7651916cd43dd8448eb211c80319c", {0, i + 1}));
  }
  BOOST_TEST(all.size() == 200U);
}

BOOST_AUTO_TEST_SUITE_END()
