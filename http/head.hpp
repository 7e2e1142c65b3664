#pragma once

#include "cheops/site/config.hpp"
#include "cheops/traffic/request.hpp"
#include "http/metrics.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Heads of messages: read strictly (RFC 9112), where they lie. Nothing here
/// does I/O; what is read does not depend on how the bytes were cut up.
namespace cheops::http {

/// Fields that the proxy itself acts on.
enum class known : std::uint8_t {
  other,
  host,
  connection,
  content_length,
  transfer_encoding,
  hop_by_hop, ///< Keep-Alive, Proxy-Connection, TE, HTTP2-Settings.
  upgrade,
  expect,
  via,
  date,
  max_forwards, ///< Of OPTIONS and TRACE: who passes them on counts.
  forwarded,    ///< Forwarded, X-Forwarded-*, X-Real-IP: who the client is.
  ours,         ///< `Scope`, `Cheops-*`.
};

[[nodiscard]] known identify(std::string_view field_name) noexcept;

enum class framing : std::uint8_t { none, length, chunked, until_close };

/// Why a message is refused.
struct defect {
  refusal why = refusal::bad_syntax;
  unsigned status = 400;
  std::string_view what;
};

enum class side : std::uint8_t { request, answer };

/// A head. Views point into the bytes that were given to the reader.
struct head {
  std::string_view method;
  std::string_view target;
  std::string_view reason;
  unsigned status = 0;
  unsigned version = 11; ///< 10 or 11.
  std::vector<traffic::field> fields;
  std::vector<known> ids;                  ///< One for each field.
  std::vector<std::string_view> nominated; ///< `Connection: X`, but our own.
  std::string_view host;
  std::string_view upgrade;
  framing body = framing::none;
  std::uint64_t length = 0;
  bool close = false;      ///< `Connection: close`.
  bool keep_alive = false; ///< `Connection: keep-alive`.
  bool wants_upgrade = false;
  bool has_via = false;
  bool has_host = false;
  bool expects_continue = false;
  /// Max-Forwards, of OPTIONS and TRACE (RFC 9110, 7.6.2).
  std::optional<std::uint64_t> forwards;
  std::string_view bytes; ///< The whole head, its last empty line included.

  void clear() noexcept;
  /// Moves every view from the bytes it was read from to a copy of them.
  void rebase(const char* copy) noexcept;
  /// The line of field `i` as it came, with its line end.
  [[nodiscard]] std::string_view line(std::size_t i) const noexcept;
  [[nodiscard]] traffic::request_view view() const noexcept {
    return {method, target, fields};
  }
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
};

/// RFC 9112, 2.2: an empty line before a request is let pass; a few are.
inline constexpr std::size_t blank_bytes_max = 8;

/// Reads one head. Call `read` again with the same bytes and more until it
/// does not answer `more`; bytes looked at once are not looked at again.
class head_reader {
public:
  enum class outcome : std::uint8_t { more, complete, refused };

  explicit head_reader(side of) noexcept : side_(of) {}

  [[nodiscard]] outcome read(std::string_view bytes, const site::limits& most);

  [[nodiscard]] const head& got() const noexcept { return head_; }
  [[nodiscard]] head& got() noexcept { return head_; }
  [[nodiscard]] const defect& why() const noexcept { return defect_; }
  /// Bytes of empty lines before the start line: not part of the head.
  [[nodiscard]] std::size_t skipped() const noexcept { return skipped_; }
  /// The bytes read so far lie elsewhere now (a buffer grew): views follow.
  void moved_to(const char* bytes) noexcept;
  /// Ready for the next head.
  void reset() noexcept;
  /// An answer's body depends on the method that asked (RFC 9112, 6.3).
  void answers(bool head_request) noexcept { head_request_ = head_request; }

private:
  bool begins_request(char first) noexcept;
  bool start_line(std::string_view line, const site::limits& most);
  bool request_line(std::string_view line, const site::limits& most);
  bool status_line(std::string_view line);
  bool field_line(std::string_view line, const site::limits& most);
  bool note(known id, const traffic::field& f);
  void note_connection(std::string_view value);
  bool finish();
  bool finish_answer();
  bool refuse(refusal why, unsigned status, std::string_view what) noexcept;

  side side_;
  bool head_request_ = false;
  bool started_ = false;    ///< The start line is read.
  std::size_t at_ = 0;      ///< Start of the line that is not read yet.
  std::size_t scanned_ = 0; ///< No line end before this.
  std::size_t skipped_ = 0;
  const char* base_ = nullptr; ///< Where the bytes lay at the last call.
  bool has_length_ = false;
  bool has_coding_ = false;
  head head_;
  defect defect_;
};

/// Splits "name: value" (no line end); false and `why` if it breaks the rules.
[[nodiscard]] bool split_field(std::string_view line, traffic::field& out,
                               defect& why) noexcept;

/// uri-host [":" port] of RFC 3986, without user information.
[[nodiscard]] bool valid_host(std::string_view x) noexcept;

/// Calls `each` with every member of a comma-separated list, trimmed.
template <class F>
void for_each_member(std::string_view list, F each) {
  while (!list.empty()) {
    auto comma = list.find(',');
    auto member = list.substr(0, comma);
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    auto from = member.find_first_not_of(" \t");
    if (from == member.npos)
      continue;
    auto to = member.find_last_not_of(" \t");
    each(member.substr(from, to - from + 1));
  }
}

} // namespace cheops::http
