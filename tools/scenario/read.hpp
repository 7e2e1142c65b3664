#pragma once

#include "tools/scenario/model.hpp"

#include <string>
#include <string_view>

namespace cheops::scenario {

/// Reads a scenario file. Errors: bad_config, with a line for each complaint
/// ("chaos.yaml:12:5: steps[3].expect.status: expected …"), io.
[[nodiscard]] result<scenario> read_file(const std::string& path);

/// The same from a text; `name` stands for the file.
[[nodiscard]] result<scenario> read_text(std::string_view text,
                                         std::string name);

} // namespace cheops::scenario
