#pragma once

#include "cheops/result.hpp"

#include <string>
#include <string_view>

namespace cheops::tools {

/// What a program says of an error, without the last line's end. Files may
/// have several complaints, a line each: every one is marked as the program's.
/// The caret under a scope is one complaint, whatever its lines.
[[nodiscard]] inline std::string complaint(std::string_view program,
                                           const error& x) {
  auto mark = std::string{program} + ": ";
  auto out = mark + to_string(x);
  if (x.code != errc::bad_config)
    return out;
  for (auto at = out.find('\n'); at != std::string::npos;
       at = out.find('\n', at + 1))
    if (at + 1 < out.size())
      out.insert(at + 1, mark);
  return out;
}

} // namespace cheops::tools
