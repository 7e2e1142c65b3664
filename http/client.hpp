#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A client for tools, tests and connectors: the calling thread waits, never
/// beyond the timeout of a step. The data plane has its own pools.
namespace cheops::http {

struct client_request {
  std::string method = "GET";
  /// http://…, https://…, or http+unix:///path/to.sock:/target
  std::string url;
  /// `Host` replaces the URL's; `Content-Length` and `Transfer-Encoding` are
  /// the client's own business (bad_request).
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  /// Streams a body instead of `body`: fills the buffer, answers the bytes
  /// written, 0 at the end.
  std::function<std::size_t(char* to, std::size_t room)> source;
  /// Of `source`, where it is known; else the body is chunked.
  std::optional<std::uint64_t> source_bytes;
  /// Takes the answer's body as it comes instead of `client_response::body`;
  /// false breaks the transfer off: the answer is then what came before.
  std::function<bool(std::string_view piece)> sink;
  site::tls_files tls; ///< `ca` to check the server; certificate and key.
  bool verify = true;
  /// A bearer token for `Authorization`, read anew for each request; empty:
  /// none (`read_bearer` of identity.hpp).
  std::string token_file;
  /// For each step: to connect (TLS included), to the head of the answer
  /// once the request is out, and between any two pieces of a body.
  std::chrono::milliseconds timeout{30'000};
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

/// One request on a connection of its own. Redirects are answers. Errors:
/// bad_request (URL, fields, a source that ends early), bad_config (TLS
/// files), unreachable, timed_out, broken, too_large.
[[nodiscard]] result<client_response> fetch(const client_request& what);

/// Keeps one connection alive from request to request, as long as they go to
/// the same origin with the same TLS files. For one thread at a time.
class connection {
public:
  connection();
  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;
  ~connection();

  /// As the function above. A request that may be repeated (GET, PUT, …, its
  /// body in memory) is, once, if the kept connection turns out closed.
  [[nodiscard]] result<client_response> fetch(const client_request& what);

private:
  friend result<client_response> fetch(const client_request& what);
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cheops::http
