#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

/// What Keystone says of a token, and what of it counts here.
namespace cheops::glue::openstack {

/// From the answer to `GET /v3/auth/tokens`.
struct identity {
  std::string user;
  std::string user_name;
  std::string user_domain; ///< Its id.
  std::string project;     ///< Empty: the token is for none.
  std::string project_name;
  std::string project_domain;     ///< Its id.
  std::vector<std::string> roles; ///< Names.
  /// For a domain, or the whole system, rather than a project.
  bool beyond_project = false;
  std::chrono::system_clock::time_point expires;
};

/// Errors: broken (not what Keystone answers).
[[nodiscard]] result<identity> read_identity(std::string_view body);

/// "2026-01-02T03:04:05.000000Z"; errors: broken.
[[nodiscard]] result<std::chrono::system_clock::time_point>
read_time(std::string_view text);

/// Names are unique in their domain only, and whoever runs a domain of their
/// own gives what names they like: a rule that names a user or a project means
/// that of this domain, or it has to give an id.
inline constexpr std::string_view named_domain = "default";

/// A service of this site: of the role `service`, or one of the
/// configuration's `service_users`.
[[nodiscard]] bool is_service(const identity& x, const site::config& config);

/// May ask whether somebody else's token is valid (Keystone's own rule).
[[nodiscard]] bool may_validate(const identity& x, const site::config& config);

/// What remains of a foreign token's roles; errors: forbidden, with the rule
/// that refuses it.
[[nodiscard]] result<std::vector<std::string>> judge(const identity& x,
                                                     const site::trust& rules,
                                                     const site_id& issuer,
                                                     const site_id& here);

/// Keystone's answer, with these roles alone and with that catalogue (a JSON
/// array) instead of its own. Errors: broken.
[[nodiscard]] result<std::string>
counted_answer(std::string_view body, const std::vector<std::string>& roles,
               std::string_view catalogue);

} // namespace cheops::glue::openstack
