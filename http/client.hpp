#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// A client for tools, tests and connectors: one request, one connection,
/// the calling thread waits. The data plane has its own pools.
namespace cheops::http {

struct client_request {
  std::string method = "GET";
  /// http://…, https://…, or http+unix:///path/to.sock:/target
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  /// Streams a body of unknown length (chunked) instead of `body`: fills the
  /// buffer, answers the bytes written, 0 at the end.
  std::function<std::size_t(char* to, std::size_t room)> source;
  /// Takes the answer's body as it comes instead of `client_response::body`;
  /// false breaks the transfer off.
  std::function<bool(std::string_view piece)> sink;
  site::tls_files tls; ///< `ca` to check the server; certificate and key.
  bool verify = true;
  std::chrono::milliseconds timeout{30'000}; ///< Connect to head; then idle.
  std::size_t body_bytes_max = 64 * 1024 * 1024; ///< Without a sink.
};

struct client_response {
  unsigned status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  /// The first field of that name in any case; empty if there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
};

/// Errors: bad_request (URL), unreachable, timed_out, broken, too_large.
[[nodiscard]] result<client_response> fetch(const client_request& what);

} // namespace cheops::http
