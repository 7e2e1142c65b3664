#pragma once

#include <boost/json/value.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// Places in bodies and targets where ids and names stand.
namespace cheops::replicant {

/// nullopt: not JSON, coded (gzip), or nested too deep to be looked at.
[[nodiscard]] std::optional<boost::json::value>
as_json(std::string_view body, std::string_view content_type,
        std::string_view content_encoding);

/// The value at a JSON Pointer (RFC 6901); null: there is none.
[[nodiscard]] const boost::json::value* at_pointer(const boost::json::value& in,
                                                   std::string_view pointer);

/// The same where a segment `*` stands for each element of a list; `f` gets
/// pointers without it.
void each_place(
  const boost::json::value& in, std::string_view pointer,
  const std::function<void(const std::string&, const boost::json::value&)>& f);

/// Ids are texts or whole numbers.
[[nodiscard]] std::optional<std::string> id_text(const boost::json::value& x);

} // namespace cheops::replicant
