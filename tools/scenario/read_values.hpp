#pragma once

#include "glue/yaml.hpp"
#include "tools/scenario/model.hpp"

#include <string>
#include <vector>

/// The parts of a scenario file that several of its sections share.
namespace cheops::scenario {

namespace yaml = glue::yaml;

/// Names that the rest of the file may refer to.
struct names {
  std::vector<std::string> sites;
  std::vector<std::string> services;
  bool journal = false; ///< There is one to prove calls with.
};

/// Any YAML as JSON. A scalar that is a JSON number, true, false or null is
/// one, whether or not it is quoted.
[[nodiscard]] boost::json::value read_json(const yaml::node& x);

/// A text, or a list of texts.
[[nodiscard]] std::vector<std::string> read_texts(const yaml::node& x);

/// A known site in its canonical form; complains where it is unknown. Texts
/// with variables are taken as they are.
[[nodiscard]] std::string read_site(const yaml::node& x, const names& known);
[[nodiscard]] std::string read_service(const yaml::node& x, const names& known);

[[nodiscard]] matcher read_matcher(const yaml::node& x);
[[nodiscard]] std::vector<std::pair<std::string, matcher>>
read_matchers(const yaml::node& x, bool pointers);

[[nodiscard]] request_spec read_request(const yaml::node& x,
                                        const names& known);
[[nodiscard]] expectation read_expectation(const yaml::node& x,
                                           const names& known);
[[nodiscard]] captures read_captures(const yaml::node& x);

} // namespace cheops::scenario
