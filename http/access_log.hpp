#pragma once

#include "cheops/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// The access log: one JSON object a line, credentials redacted.
namespace cheops::http {

/// One exchange that has ended. Empty texts are left out of the line; all
/// are bounded and made valid UTF-8, the target's query is redacted.
struct access_record {
  std::chrono::system_clock::time_point time; ///< When its head was read.
  std::string_view service;                   ///< The front's service.
  std::string_view client; ///< Its address, without the port.
  std::string_view peer;   ///< The site that brought it; peer front only.
  std::string_view method;
  std::string_view target;    ///< As received.
  unsigned status = 0;        ///< 0: the client went before an answer.
  std::uint64_t bytes_in = 0; ///< Of the body.
  std::uint64_t bytes_out = 0;
  std::chrono::nanoseconds took{0};
  std::string_view plan;      ///< "local", "share", …
  std::string_view scope;     ///< Canonical text.
  std::string_view served_by; ///< The site that ran it.
  std::string_view upstream;  ///< The endpoint that was asked.
  std::string_view error;     ///< Slug of an error of Cheops itself.
  std::string_view trace;     ///< W3C trace id.
};

/// Removes what may be a credential: the values of query parameters whose
/// names say so (token, key, password, secret, signature, code, …), and user
/// information in absolute forms. The path stays, /scope/… too.
[[nodiscard]] std::string redact_target(std::string_view target);

/// Writes lines to a file from a thread of its own. Threads that log never
/// wait for it: each has a ring of its own, and a line that does not fit is
/// dropped and counted.
class access_log {
public:
  /// For one thread at a time.
  class writer {
  public:
    virtual ~writer() = default;
    virtual void write(const access_record& x) noexcept = 0;
  };

  /// `file`: "-" for standard output, else appended to, 0640 if it is new.
  /// `site`: this site, for each line. Errors: io.
  [[nodiscard]] static result<std::shared_ptr<access_log>>
  open(std::string file, std::string site, std::size_t ring_bytes = 1 << 20);

  /// Writes what is left.
  virtual ~access_log() = default;

  /// A new writer; it lives as long as this object.
  [[nodiscard]] virtual writer& add_writer() = 0;

  /// Opens the file anew, after a rotation (SIGHUP). On an error the old one
  /// stays in use.
  [[nodiscard]] virtual result<void> reopen() = 0;

  /// Blocks until what was written before is in the file.
  virtual void flush() = 0;

  /// Lines lost because a ring was full or the file could not be written:
  /// `cheops_access_log_dropped_total`.
  [[nodiscard]] virtual std::uint64_t dropped() const noexcept = 0;
};

} // namespace cheops::http
