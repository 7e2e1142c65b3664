#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "cheops/traffic/request.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Who asked for a change, and how the API server of each site is told so.
/// Pure; docs/decisions/0013-kubernetes-objects.md.
namespace cheops::glue::kubernetes {

/// As the API server of the asking site knows the user (TokenReview).
struct principal {
  std::string user;
  std::string uid; ///< Empty: it has none.
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  friend bool operator==(const principal&, const principal&) = default;
};

/// The text of `replicant::operation::principal`: equal ones give equal texts.
[[nodiscard]] std::string to_json(const principal& x);

/// Errors: bad_request (the text is not what `to_json` writes).
[[nodiscard]] result<principal> principal_from_json(std::string_view text);

/// `Impersonate-User`, `-Uid`, `-Group` and `-Extra-KEY`, for a request that is
/// made with the node's own identity. `system:authenticated` is left out:
/// every API server adds it, and so needs no right to give it. One of 1.20
/// or 1.21 knows no `-Uid`, and ignores it. Errors: bad_request, where
/// a field cannot say it as it is: a user without a name, a control character,
/// a space at an end (which would make it another user).
[[nodiscard]] result<std::vector<traffic::header>>
impersonation_fields(const principal& x);

/// The first user or group `system:…` of `x` that does not count when the site
/// of that entry brings it: one that neither `roles` nor its "*" names. Empty:
/// there is none. `system:authenticated` is everybody's.
[[nodiscard]] std::string untrusted_name(const principal& x,
                                         const site::trust& of);

} // namespace cheops::glue::kubernetes
