#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace cheops {

/// What went wrong, for programs. A code exists only where a caller acts on
/// it; everything else is text. Codes are sent: append, never renumber.
enum class errc : std::uint8_t {
  none,
  bad_scope,       ///< The scope's text or meaning is wrong.
  unknown_site,    ///< No site of that name is known.
  unknown_service, ///< No service of that name, or the request cannot reach it.
  not_built,       ///< The language has it; this release does not run it.
  bad_request,     ///< The message breaks HTTP's rules.
  too_large,       ///< A limit on size was hit; the text names the limit.
  forbidden,       ///< The site's policy refuses it.
  loop,            ///< The request came back to where it had been.
  unreachable,     ///< The site or the application cannot be reached.
  timed_out,       ///< No answer within the time allowed.
  overloaded,      ///< A limit on number was hit; trying again may help.
  bad_config,      ///< A file of the operator's is wrong.
  broken,          ///< The peer broke off, or spoke another protocol.
  io,              ///< The operating system refused.
  no_quorum,       ///< Too few sites of a replicant can be reached.
  undecided,       ///< It may have been done, or may yet be.
  stale,           ///< What it changes was changed since it was read.
  conflict,        ///< What is there already stands against it.
  not_found,       ///< There is no such thing here.
  key_reused,      ///< The Idempotency-Key belongs to another request.
  unsettled,       ///< It may be a copy that is being made; nothing was done.
};

/// What a user is told: where, at which step, and the way out.
struct error {
  errc code = errc::none;
  std::string what; ///< One sentence, for people.
  std::string site; ///< The site it happened at or with; empty if none.
  std::string step; ///< What was being done: "parse scope", "connect", …
  std::string hint; ///< What the user can do; empty if nothing is known.
};

/// How a code appears to HTTP clients.
struct error_class {
  std::string_view slug;  ///< In the `Cheops-Error` field and in metrics.
  unsigned status;        ///< The HTTP status.
  std::string_view title; ///< A short sentence, the same for each of a code.
};

[[nodiscard]] const error_class& describe(errc code) noexcept;

/// The code of a slug; `errc::none` if there is none such.
[[nodiscard]] errc from_slug(std::string_view slug) noexcept;

/// "site Paris, connect: no answer within 1 s (hint)", for terminals, logs.
[[nodiscard]] std::string to_string(const error& x);

/// C++20 has no std::expected; this alias is where it will come in.
template <class T>
using result = boost::system::result<T, error>;

/// Makes `result::value()` usable in tests; our code never throws it.
[[noreturn]] void throw_exception_from_error(const error& x,
                                             const boost::source_location&);

} // namespace cheops
