#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A small HTTP server for endpoints of our own: the admin endpoint and the
/// demo application. Requests are whole in memory, bounded; not a proxy.
namespace cheops::http {

struct service_request {
  std::string method;
  std::string path; ///< Decoded, without the query.
  std::map<std::string, std::string>
    query; ///< Of a name given twice: the last.
  std::map<std::string, std::string> parameters; ///< `{x}` of the route.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  /// The first field of that name in any case; empty if there is none.
  [[nodiscard]] std::string_view get(std::string_view field) const noexcept;
};

struct service_response {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  /// Beside those of the message itself (length, date, connection).
  std::vector<std::pair<std::string, std::string>> fields;
  /// Instead of `body`, sent as it comes: puts the next piece into
  /// `next_piece` (empty: nothing yet, asked again in 100 ms) and says true;
  /// false at the end. Called on the service's threads, one after the other;
  /// not called any more once the client has gone.
  std::function<bool(std::string& next_piece)> stream;
};

/// Runs on the service's own threads and may block them.
using handler = std::function<service_response(const service_request&)>;

struct route {
  std::string method; ///< "GET" answers HEAD too.
  /// "/v1/sites/{name}": `{x}` is one segment; a literal one wins over it.
  std::string path;
  handler run;
  bool needs_token = true; ///< On TCP; who may open the socket needs none.
  std::string takes = "application/json"; ///< Bodies' type; empty: any.
};

struct service_settings {
  site::admin_endpoint at;
  std::vector<route> routes;
  std::string site;     ///< The node whose errors these are; empty: no node's.
  std::string index;    ///< The path that lists all; empty: there is none.
  unsigned threads = 1; ///< For handlers; one more moves the bytes.
  std::size_t connections_max = 64;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 1024 * 1024;
  std::chrono::milliseconds idle{30'000};   ///< Between requests, in a body.
  std::chrono::milliseconds header{10'000}; ///< A whole head.
  /// On TCP, `Host` must be an IP literal, localhost or the host listened on:
  /// a page of a browser, fooled by its DNS, gets no answer.
  bool check_host = true;
};

class service {
public:
  /// Errors: io (address taken), bad_config (token file, certificate, a token
  /// that would cross a network without TLS).
  [[nodiscard]] static result<std::unique_ptr<service>>
  start(service_settings with);
  /// Reads what `start` would read, and keeps nothing. Errors: bad_config.
  [[nodiscard]] static result<void> check(const site::admin_endpoint& at);
  /// Reads the token and the certificate again, for connections to come; on
  /// an error nothing has changed.
  [[nodiscard]] virtual result<void> reload() = 0;
  /// Stops: closes every connection, waits for running handlers.
  virtual ~service() = default;
  /// The TCP port that it listens on (a setting of 0 takes a free one).
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
};

/// An error as an answer (application/problem+json). `here`: the site.
[[nodiscard]] service_response to_response(const error& x,
                                           std::string_view here);
[[nodiscard]] service_response to_response(unsigned status, const error& x,
                                           std::string_view here);

} // namespace cheops::http
