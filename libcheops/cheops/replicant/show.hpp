#pragma once

#include "cheops/replication.hpp"

#include <boost/json/value.hpp>

/// Replicants as JSON, for the admin endpoint and for clients of fronts:
/// docs/admin-api.md has the members.
namespace cheops::replicant {

[[nodiscard]] boost::json::value to_json(const ports::replicant_line& x);
[[nodiscard]] boost::json::value to_json(const ports::replicant_view& x);
/// `meta`: the replicant's.
[[nodiscard]] boost::json::value to_json(const ports::operation_view& x,
                                         const meta_id& meta);
[[nodiscard]] boost::json::value to_json(const ports::feed_event& x);
[[nodiscard]] boost::json::value to_json(const std::vector<site_line>& x);

[[nodiscard]] std::string_view to_string(event_kind x) noexcept;
/// nullopt: no state is called so.
[[nodiscard]] std::optional<site_state>
parse_site_state(std::string_view x) noexcept;

} // namespace cheops::replicant
