#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The application's own HTTP/1.1 server: a thread for each connection. It
/// shares no code with the proxy that stands in front of it, so that a fault
/// of one is not hidden by the same fault of the other.
namespace demo {

struct request {
  std::string method;
  std::string target; ///< As received.
  std::string path;   ///< Decoded, without the query.
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> parameters; ///< `{x}` of the route.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body; ///< Empty where the route takes it piece by piece.
  /// The first field of that name in any case; empty if there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
};

struct response {
  unsigned status = 200;
  std::string type = "application/json"; ///< Empty: no body.
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
  /// Streams the body instead: fills the buffer, answers the bytes written,
  /// 0 at the end. May block.
  std::function<std::size_t(char* to, std::size_t room)> source;
  bool lost = false; ///< The connection is closed, and nothing is answered.
  /// The length of what `source` gives; without it the answer is chunked.
  std::uint64_t source_bytes = 0;
};

using handler = std::function<response(const request&)>;

/// Takes a request's body as it comes; the returned handler answers.
struct receiver {
  std::function<void(std::string_view piece)> piece;
  handler end;
};

struct route {
  std::string method;
  std::string path; ///< "/foos/{id}".
  handler run;
  std::function<receiver()> receive; ///< Instead of `run`.
};

struct server_settings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::vector<route> routes;
  std::size_t connections_max = 512;
  std::size_t head_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 4 * 1024 * 1024; ///< Without `receive`.
  unsigned idle_seconds = 120;
  const std::atomic<bool>* stopping = nullptr; ///< Ends sources.
};

class server {
public:
  /// Listens and serves. Null, and `why`, if it cannot.
  [[nodiscard]] static std::unique_ptr<server> start(server_settings with,
                                                     std::string& why);
  virtual ~server() = default; ///< Ends every connection at once.
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
};

} // namespace demo
