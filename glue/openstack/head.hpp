#pragma once

#include "cheops/traffic/request.hpp"

#include <string>
#include <string_view>

/// What the head of an OpenStack request says; views into it.
namespace cheops::glue::openstack {

inline constexpr std::string_view auth_field = "X-Auth-Token";
inline constexpr std::string_view subject_field = "X-Subject-Token";
inline constexpr std::string_view service_field = "X-Service-Token";
inline constexpr std::string_view id_field = "X-Openstack-Request-Id";
/// Between nodes: who issued the token, where it is not who brings it.
inline constexpr std::string_view issuer_field = "Cheops-Token-Issuer";

struct seen {
  std::string_view auth;
  std::string_view subject;
  std::string_view id; ///< Only one that services keep: "req-<uuid>".
  std::string_view host;
  bool has_service = false; ///< X-Service-Token.
  bool twice = false;       ///< A token or an id, more than once.
};

[[nodiscard]] seen look(const traffic::request_view& in) noexcept;

/// "req-" and a UUID in lower case: services replace ids of another form.
[[nodiscard]] bool is_request_id(std::string_view x) noexcept;

/// The path of a target, without query and trailing slashes.
[[nodiscard]] std::string_view path_of(std::string_view target) noexcept;

/// What stands before "/v3/auth/tokens"; nullptr data: another path.
[[nodiscard]] std::string_view base_of_tokens(std::string_view target) noexcept;

/// The id in "…/servers/ID…"; empty: none.
[[nodiscard]] std::string_view server_of(std::string_view target) noexcept;

/// A request that makes a server.
[[nodiscard]] bool makes_server(std::string_view method,
                                std::string_view target) noexcept;

/// The value of `device_id` in a query; empty: none.
[[nodiscard]] std::string_view device_of(std::string_view target) noexcept;

/// The root of a service or of one of its versions, below some base ("/v3/",
/// "/identity"): where clients look for links. A resource may look so, too.
[[nodiscard]] bool is_discovery(std::string_view method,
                                std::string_view target) noexcept;

} // namespace cheops::glue::openstack
