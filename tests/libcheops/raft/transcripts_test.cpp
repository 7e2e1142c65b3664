#define BOOST_TEST_MODULE raft_steps
#include "stage.hpp"

#include "support/boost_test.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

using cheops::raft::testing::stage;
namespace fs = std::filesystem;

namespace {

const fs::path folder{CHEOPS_SOURCE_DIR "/tests/libcheops/raft/transcripts"};

bool is_command(const std::string& line) {
  return !line.empty() && line.front() != '#';
}

/// The script of a transcript with what happens now. Lines that begin with a
/// space are what happened when it was written.
std::string played(const std::string& transcript) {
  stage on;
  std::istringstream in{transcript};
  std::string out;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with(' '))
      continue;
    out += line + "\n";
    if (!is_command(line))
      continue;
    try {
      for (const auto& x : on.run(line))
        out += "  " + x + "\n";
    } catch (const std::exception& x) {
      throw std::runtime_error("line " + std::to_string(number) + ", \"" + line
                               + "\": " + x.what());
    }
  }
  return out;
}

std::string contents(const fs::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The first line that differs, for people.
std::string difference(const std::string& was, const std::string& is) {
  std::istringstream a{was};
  std::istringstream b{is};
  for (int number = 1;; ++number) {
    std::string x;
    std::string y;
    auto more_a = static_cast<bool>(std::getline(a, x));
    auto more_b = static_cast<bool>(std::getline(b, y));
    if (!more_a && !more_b)
      return {};
    if (x != y || more_a != more_b)
      return "line " + std::to_string(number) + "\nwas: " + x + "\nis:  " + y;
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(transcripts)

BOOST_AUTO_TEST_CASE(each_tells_what_happens) {
  std::vector<fs::path> all;
  for (const auto& x : fs::directory_iterator{folder})
    if (x.path().extension() == ".txt")
      all.push_back(x.path());
  std::ranges::sort(all);
  BOOST_TEST_REQUIRE(!all.empty());
  for (const auto& file : all) {
    auto was = contents(file);
    std::string is;
    BOOST_TEST_INFO(file.filename().string());
    BOOST_CHECK_NO_THROW(is = played(was));
    if (is.empty() || is == was)
      continue;
    if (std::getenv("CHEOPS_REWRITE") != nullptr)
      std::ofstream{file} << is;
    else
      BOOST_ERROR(file.filename().string()
                  << ", " << difference(was, is)
                  << "\nIf it is to be so: CHEOPS_REWRITE=1 writes it anew.");
  }
}

BOOST_AUTO_TEST_CASE(that_tell_something_else_are_found) {
  const std::string right = "members 1\n"
                            "propose 1 x\n"
                            "show 1\n"
                            "  1 is follower in term 0, log 0..0@0, commit 0, "
                            "applied 0, awake\n";
  BOOST_TEST(played(right) == right);
  auto wrong = right;
  wrong.replace(wrong.find("awake"), 5, "asleep");
  BOOST_TEST(difference(wrong, played(wrong)).starts_with("line 4\n"));
  BOOST_TEST(difference(right, right + "more\n").starts_with("line 5\n"));
}

BOOST_AUTO_TEST_CASE(that_make_no_sense_are_refused) {
  for (const std::string bad :
       {"membres 1\n", "members 1:king\n", "members one\n", "tick 1\n",
        "members 1\ntick 1 x\n", "members 1\ncampaign 1\n", "propose\n",
        "members 1\nmembers 1\n", "set colour 3\n"})
    BOOST_CHECK_THROW((void) played(bad), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
