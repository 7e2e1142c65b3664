#pragma once

#include "tools/demo_app/collection.hpp"
#include "tools/demo_app/server.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <variant>

/// What both services answer alike.
namespace demo {

/// application/problem+json (RFC 9457).
[[nodiscard]] response problem(unsigned status, std::string detail);

[[nodiscard]] response answer(unsigned status, const boost::json::value& body);

/// A resource with its ETag; 304 where the caller has that version.
[[nodiscard]] response answer(const request& to, const record& x);

/// "bar b2 not found" and the other outcomes that are not `done`.
[[nodiscard]] response refusal(collection::outcome what,
                               const std::string& kind,
                               const std::string& name);

/// The body as an object with a text `name`, or the refusal of it.
[[nodiscard]] std::variant<boost::json::object, response>
members_of(const request& in);

/// A text member; empty if there is none.
[[nodiscard]] std::string text_of(const boost::json::object& from,
                                  std::string_view member);

/// The version in `If-Match`; nullopt without one, and for `*`. 0, which no
/// resource has, for a tag that is not ours.
[[nodiscard]] std::optional<std::uint64_t> expected_version(const request& in);

} // namespace demo
