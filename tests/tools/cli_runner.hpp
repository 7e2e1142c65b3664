#pragma once

#include "support/boost_test.hpp"
#include "tools/fixed_node.hpp"
#include "tools/run_program.hpp"

#include <map>
#include <string>
#include <vector>

/// `cheops` as its tests run it.
namespace cheops::test {

inline const std::string program = CHEOPS_BIN_DIR "/cheops";
inline const std::string demo_yaml =
  CHEOPS_SOURCE_DIR "/glue/applications/demo.yaml";

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// `cheops` with these words, and nothing of our environment that it reads.
inline outcome cheops_run(std::vector<std::string> words,
                          std::map<std::string, std::string> environment = {},
                          const std::string& input = {}) {
  words.insert(words.begin(), program);
  for (const auto* name : {"CHEOPS_ADMIN", "CHEOPS_CONFIG",
                           "CHEOPS_ADMIN_TOKEN_FILE", "CHEOPS_CA_FILE"})
    environment.emplace(name, "");
  return run_program(words, environment, input);
}

/// A node behind an admin endpoint.
struct with_node : fixed_node {
  with_node() { start(); }
  outcome run(std::vector<std::string> words) {
    return cheops_run(std::move(words), {{"CHEOPS_ADMIN", socket()}});
  }
};

} // namespace cheops::test
