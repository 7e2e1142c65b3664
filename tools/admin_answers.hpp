#pragma once

#include "cheops/result.hpp"
#include "http/service.hpp"

#include <boost/json.hpp>

#include <string>

/// The forms of the admin endpoint's answers.
namespace cheops::tools {

[[nodiscard]] http::service_response reply(unsigned status, std::string type,
                                           std::string body);

[[nodiscard]] http::service_response answer(const boost::json::value& x,
                                            unsigned status = 200);

/// RFC 9457, with our own members beside. `status`: 0: that of the code.
[[nodiscard]] http::service_response
problem(const error& x, boost::json::object more = {}, unsigned status = 0);

} // namespace cheops::tools
