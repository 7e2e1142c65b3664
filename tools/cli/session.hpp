#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "http/client.hpp"
#include "tools/cli/output.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What every command of `cheops` shares.
namespace cheops::cli {

/// Exit codes: stable, scripts rest on them. docs/cli.md has the same table.
enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_unreachable = 3,
  exit_timed_out = 4,
  exit_refused = 5,
  exit_not_built = 6,
  exit_not_executable = 126,
  exit_no_command = 127,
};

struct exit_meaning {
  int code;
  std::string_view what;
};
[[nodiscard]] std::span<const exit_meaning> exit_meanings();

[[nodiscard]] int exit_of(errc code) noexcept;

/// An environment variable; empty if it is not set.
[[nodiscard]] std::string from_environment(const char* name);

/// The options that stand before or behind every command.
struct common_options {
  std::string admin;
  std::string token_file;
  std::string ca_file;
  std::string config_file;
  std::string timeout = "10s";
  bool wait = false;
  std::string output = "table";
  bool no_headers = false;
  bool verbose = false;
};

/// One run of the program.
class session {
public:
  common_options options;
  /// What stands behind `--` of `cheops run`.
  std::vector<std::string> command;

  /// The exit code, after a line on stderr: "cheops: …".
  int fail(const error& x) const;
  int usage(const std::string& what, const std::string& hint) const;
  /// A remark on stderr, only with -v.
  void remark(const std::string& what) const;

  [[nodiscard]] std::chrono::milliseconds timeout() const;
  [[nodiscard]] format output() const;
  void print(const table& rows, const boost::json::value& whole) const;

  /// What was asked for, and how it is shown.
  struct picture {
    table rows;
    boost::json::value whole;
    std::string remark; ///< On stderr, once, behind a first table.
  };
  /// Prints it once; with `again` each time it has changed, until it fails.
  /// `look` gives the picture, or the exit code of a failure that it has
  /// told.
  int watch(bool again,
            const std::function<std::variant<picture, int>()>& look) const;

  /// The site's configuration, if --config or CHEOPS_CONFIG names one.
  [[nodiscard]] bool has_config() const;
  [[nodiscard]] result<site::config> config() const;

  /// Calls the admin endpoint; the answer's JSON. With --wait it tries again
  /// while the node cannot be reached, until the timeout.
  [[nodiscard]] result<boost::json::value>
  call(const std::string& method, const std::string& target,
       const std::string& body = {}) const;

  /// The same, for answers that are not JSON, whatever their status.
  [[nodiscard]] result<http::client_response>
  call_raw(const std::string& method, const std::string& target,
           const std::string& body = {}) const;

  /// Has `sink` take an answer as it comes, until it breaks off: why.
  [[nodiscard]] error
  follow(const std::string& target, std::chrono::milliseconds silence_max,
         std::function<bool(std::string_view piece)> sink) const;

  /// Sends it; with --wait again and again while not one byte went out
  /// because nobody listens.
  [[nodiscard]] result<http::client_response>
  send(http::client_request what) const;

private:
  /// Where the admin endpoint is, and what it asks for.
  [[nodiscard]] result<http::client_request> admin() const;
};

/// The URL of the admin endpoint that a text means: a URL, "unix:PATH", an
/// absolute path, or "host:port"; empty if it is none of them.
[[nodiscard]] std::string admin_url(std::string_view text);

/// An error that shows where a scope's text is wrong: `caret` is what
/// scope::pointed() made.
[[nodiscard]] error pointed_error(errc code, std::string_view caret);

/// The error in a problem+json body; nullopt if it is none.
[[nodiscard]] std::optional<error> to_error(const http::client_response& x);

} // namespace cheops::cli
