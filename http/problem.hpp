#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"

#include <string>
#include <utility>
#include <vector>

/// Errors of Cheops itself in the shape that the application's clients read.
namespace cheops::http {

struct problem {
  unsigned status = 500;
  std::string type; ///< The body's content type.
  std::string body;
  /// `Cheops-Error`, `Cheops-Site`, `Retry-After` where it helps, …
  std::vector<std::pair<std::string, std::string>> fields;
};

/// `here`: the site that answers.
[[nodiscard]] problem to_problem(const error& x, application::error_shape as,
                                 std::string_view here);

} // namespace cheops::http
