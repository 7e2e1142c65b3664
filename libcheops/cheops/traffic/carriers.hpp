#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"
#include "cheops/traffic/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Where a scope rides in a request: docs/scope-lang.md, "How a scope
/// reaches a node".
namespace cheops::traffic {

/// The fields of a head that matter here, found in one pass.
struct marks {
  std::string_view scope;
  std::size_t scope_count = 0;
  std::string_view traceparent;
  std::string_view tracestate;
  std::string_view baggage;
  std::string_view authorization;
  std::string_view auth_token; ///< X-Auth-Token.
  std::string_view cookie;
};

[[nodiscard]] marks find_marks(const request_view& in) noexcept;

/// A digest of who calls: of the first of Authorization, X-Auth-Token,
/// Cookie that is there (services pass on the first two, rarely the third),
/// else of `certificate`. Not reversible in practice; never leaves the node.
[[nodiscard]] std::uint64_t credential_digest(const marks& in,
                                              std::string_view certificate,
                                              std::uint64_t secret) noexcept;

/// The 32 hex digits of a valid W3C `traceparent`; empty if it is not valid.
[[nodiscard]] std::string_view trace_id(std::string_view traceparent) noexcept;

/// `/scope/<base64url>/rest` taken apart.
struct prefixed {
  std::string scope;  ///< The text.
  std::string target; ///< What the application shall see.
};

/// nullopt: no prefix. Errors: bad_scope (not base64url, empty, too long).
[[nodiscard]] std::optional<result<prefixed>>
take_prefix(std::string_view target);

/// The prefix for a server's URL: "/scope/<base64url>".
[[nodiscard]] std::string make_prefix(std::string_view scope);

[[nodiscard]] std::string base64url(std::string_view bytes);
/// Without padding; nullopt if it is not base64url.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

/// The member `cheops.scope` of a W3C `baggage` field, percent-decoded;
/// empty if there is none.
[[nodiscard]] std::string baggage_scope(std::string_view baggage);

/// The field with that member set to `scope` and the others kept.
[[nodiscard]] std::string with_baggage_scope(std::string_view baggage,
                                             std::string_view scope);

/// `tracestate` with `cheops=<trace id>` in front: the id that a caller used
/// before the node gave its request one of its own.
[[nodiscard]] std::string with_former_trace(std::string_view tracestate,
                                            std::string_view former);

} // namespace cheops::traffic
