#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A small HTTP server for endpoints of our own: the admin endpoint and the
/// demo application. Whole messages in memory, bounded; not a proxy.
namespace cheops::http {

struct service_request {
  std::string method;
  std::string path;  ///< Decoded, without the query.
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> parameters; ///< `{x}` of the route.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  [[nodiscard]] std::string_view get(std::string_view field) const noexcept;
};

struct service_response {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// Runs on the service's own threads and may block them.
using handler = std::function<service_response(const service_request&)>;

struct route {
  std::string method;
  std::string path; ///< "/v1/sites/{name}".
  handler run;
  bool needs_token = true;
};

struct service_settings {
  site::admin_endpoint at;
  std::vector<route> routes;
  unsigned threads = 1;
  std::size_t connections_max = 64;
  std::size_t body_bytes_max = 1024 * 1024;
  std::chrono::milliseconds idle{30'000};
};

class service {
public:
  /// Errors: io (address taken), bad_config (token file, certificate).
  [[nodiscard]] static result<std::unique_ptr<service>>
  start(service_settings with);
  virtual ~service() = default; ///< Stops.
  /// The TCP port that it listens on (a setting of 0 takes a free one).
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
};

} // namespace cheops::http
