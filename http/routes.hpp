#pragma once

#include "http/service.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Which route of a service a request is for; pure. For service.cpp.
namespace cheops::http {

class routes {
public:
  explicit routes(std::vector<route> all);

  struct match {
    const route* found = nullptr;
    std::string allow; ///< Not found, but the path has these methods.
  };

  /// Fills `path`, `query` and `parameters` from the target. False: the target
  /// is malformed.
  [[nodiscard]] bool find(std::string_view target, service_request& in,
                          match& out) const;

private:
  struct pattern {
    route to;
    std::vector<std::string> segments;
  };
  std::vector<pattern> all_;
};

} // namespace cheops::http
