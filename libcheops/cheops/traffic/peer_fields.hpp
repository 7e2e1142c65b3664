#pragma once

#include "cheops/site/config.hpp"
#include "cheops/traffic/request.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What a node tells the peer front of another, which believes it.
namespace cheops::traffic {

inline constexpr std::size_t path_bytes_max = 4096;

/// The way of a trace with one more step: "Site1/A > Site2/B".
[[nodiscard]] std::string path_with(std::string_view path, const site_id& at,
                                    const service_id& service);

/// Of a leg to `service` at a peer. `path`: the way before this site; `hops`:
/// the passes between sites before this one.
[[nodiscard]] std::vector<header>
peer_fields(const site::config& here, const service_id& service,
            std::string_view scope, std::string_view path, std::uint32_t hops);

/// Adds what a user may say of copies, which may be there.
void add_wishes(std::vector<header>& to, const request_view& in);

} // namespace cheops::traffic
