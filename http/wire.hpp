#pragma once

#include "cheops/result.hpp"
#include "http/openssl.hpp"
#include "http/tls.hpp"
#include "http/url.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// One connection of the client, with or without TLS: never blocks but in
/// `wait`, and there until a deadline. For client.cpp.
namespace cheops::http {

using deadline = std::chrono::steady_clock::time_point;

class wire {
public:
  enum class state : std::uint8_t { moved, blocked, ended, failed };
  struct outcome {
    state what = state::failed;
    std::size_t bytes = 0;
  };

  /// Resolves, connects (every address in turn) and shakes hands. Errors:
  /// unreachable, timed_out, broken (TLS).
  [[nodiscard]] static result<std::unique_ptr<wire>>
  open(const url& to, const ssl_context& tls, bool verify, deadline until);

  explicit wire(int fd) noexcept : fd_(fd) {}
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  ~wire();

  [[nodiscard]] outcome read(std::span<char> to) noexcept;
  [[nodiscard]] outcome write(std::string_view from) noexcept;

  enum class event : std::uint8_t { readable, writable, late };
  /// Waits for what the last `read` or `write` was blocked on, and with
  /// `also_readable` for something to read. Readable comes first.
  [[nodiscard]] event wait(deadline until, bool also_readable) noexcept;

  /// Nothing has come and the other side has not closed.
  [[nodiscard]] bool idle() noexcept;

  /// Why the last read or write failed, for people.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
  [[nodiscard]] result<void> start_tls(const url& to, const ssl_context& tls,
                                       bool verify, deadline until);
  outcome failed(int code) noexcept;
  outcome tls_outcome(int n) noexcept;

  int fd_;
  owned<SSL> ssl_;
  short waits_for_ = 0; ///< POLLIN or POLLOUT.
  std::string why_;
};

} // namespace cheops::http
