#pragma once

#include "http/routes.hpp"

#include <boost/beast/http/message.hpp>

#include <array>
#include <optional>
#include <string>

namespace boost::asio {
class thread_pool;
} // namespace boost::asio

/// What a request to a service must fulfil before it reaches a handler. For
/// service.cpp and service_session.cpp.
namespace cheops::http {

/// Of a token: what is kept and compared in its stead.
using token_digest = std::array<unsigned char, 32>;

[[nodiscard]] result<token_digest> read_token(const std::string& file);

/// What all connections of a service share; the I/O thread's, for the token
/// may be another after a reload.
struct service_state {
  service_settings with;
  routes known;
  std::optional<token_digest> token; ///< Unset: nobody needs one.
  boost::asio::thread_pool* handlers = nullptr;
};

using head_fields = boost::beast::http::request_header<>;

/// What a well-formed head alone can be refused for; if there is nothing,
/// `out` has all but the body, and `to` the route.
[[nodiscard]] std::optional<service_response>
objection(const head_fields& head, const service_state& state,
          service_request& out, routes::match& to);

/// What the service itself refuses, in the name of `of.with.site`; without
/// one it is no node's error, and has no `Cheops-Error`.
[[nodiscard]] service_response
refused_by(const service_state& of, unsigned status, errc code,
           std::string what, std::string hint,
           std::string step = "read the request");

} // namespace cheops::http
