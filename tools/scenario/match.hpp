#pragma once

#include "tools/scenario/model.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// Whether what happened is what was expected. Pure.
namespace cheops::scenario {

/// One line of a journal: an instance of a service was called.
struct journal_call {
  std::string site;
  std::string service;
  std::string method;
  std::string path; ///< With its query.
  unsigned status = 0;
};

/// "ServiceB@Site2 GET /bars?name=b2 -> 200".
[[nodiscard]] std::string to_string(const journal_call& x);

/// What became of a request.
struct observation {
  std::optional<error> failure; ///< No answer came.
  unsigned status = 0;
  texts fields;
  std::string body;
  std::uint64_t body_bytes = 0;
  microseconds took{0};
  std::string sent_checksum;     ///< FNV-1a of a streamed upload.
  std::string received_checksum; ///< Of a discarded body.
  std::vector<journal_call> calls;
  std::vector<std::string> unread; ///< Sites whose journal was not read.
  /// Peak resident memory of each node, less what it was before.
  std::vector<std::pair<std::string, std::uint64_t>> memory_growth;
};

/// The first field of that name in any case; empty if there is none.
[[nodiscard]] std::string field_of(const texts& fields, std::string_view name);

struct mismatch {
  std::string what;
  std::string expected;
  std::string actual;
};

/// Whether `actual` (null: there is none) is as `want` says.
[[nodiscard]] bool holds(const matcher& want, const boost::json::value* actual);

/// "contains \"b2\"", for people.
[[nodiscard]] std::string to_string(const matcher& x);

[[nodiscard]] bool matches(const call_spec& want, const journal_call& call);

/// Everything in which `seen` is not as expected; empty: all of it holds.
[[nodiscard]] std::vector<mismatch> compare(const expectation& want,
                                            const observation& seen);

/// Members of a JSON document that are not as expected.
[[nodiscard]] std::vector<mismatch>
compare(const std::vector<std::pair<std::string, matcher>>& want,
        std::string_view body);

/// The value of a capture (a JSON Pointer, or `header NAME`).
[[nodiscard]] result<std::string> captured(std::string_view from,
                                           const observation& seen);

} // namespace cheops::scenario
