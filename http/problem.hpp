#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Errors of Cheops itself in the shape that the application's clients read.
namespace cheops::http {

struct problem {
  unsigned status = 500;
  std::string type; ///< The body's content type.
  std::string body;
  /// `Cheops-Error`, `Cheops-Site`, `Cache-Control`; `Retry-After` where
  /// trying again helps. Not the fields of the body (type, length).
  std::vector<std::pair<std::string, std::string>> fields;
};

/// `here`: the site that answers. The status is that of the error's code.
/// Text is bounded and made valid UTF-8, so a stranger's bytes may be in it.
[[nodiscard]] problem to_problem(const error& x, application::error_shape as,
                                 std::string_view here);

/// The same with a status of its own (405, 408, 431, …).
[[nodiscard]] problem to_problem(unsigned status, const error& x,
                                 application::error_shape as,
                                 std::string_view here);

/// RFC 9457, with `code` of ours, and with `site`, `step` and `hint` where the
/// error has them.
[[nodiscard]] boost::json::object as_problem(unsigned status, const error& x);

/// The reason phrase of a status: "Service Unavailable"; "" if unknown.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

} // namespace cheops::http
