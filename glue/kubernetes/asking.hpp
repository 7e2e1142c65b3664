#pragma once

#include "cheops/result.hpp"
#include "cheops/traffic/taking.hpp"
#include "glue/kubernetes/principal.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a node asks its API server about users, and what it reads in the
/// answers. Pure; docs/decisions/0013-kubernetes-objects.md.
namespace cheops::glue::kubernetes {

/// Whether a field of that name says in whose name a request is made.
[[nodiscard]] bool is_impersonation(std::string_view name) noexcept;

/// The token in `Authorization: Bearer …`; empty: there is none.
[[nodiscard]] std::string_view bearer_of(const traffic::request_view& in);

/// Whose token it is: a TokenReview, with the node's own identity.
[[nodiscard]] traffic::aside token_review(std::string_view token,
                                          const site_id& here,
                                          const service_id& service);
/// nullopt: the API server does not know the token. Errors: broken (the node's
/// identity may not ask, or the answer is none).
[[nodiscard]] result<std::optional<principal>>
read_review(const traffic::small_answer& told);

/// Whom a request says that it is made for; nullopt: nobody (no
/// `Impersonate-*`). Errors: bad_request, as the API server refuses it.
[[nodiscard]] result<std::optional<principal>>
impersonated(const traffic::request_view& in);

/// Something that `who` must be allowed to impersonate.
struct claim {
  std::string group; ///< Of the API: "", or "authentication.k8s.io".
  std::string resource;
  std::string subresource;
  std::string ns;
  std::string name;
};
/// All that it takes to act for `x`.
[[nodiscard]] std::vector<claim> claims_of(const principal& x);

/// Whether `who` has it: a SubjectAccessReview, with the node's own identity.
[[nodiscard]] traffic::aside access_review(const principal& who,
                                           const claim& what,
                                           const site_id& here,
                                           const service_id& service);
/// Errors: broken, as above.
[[nodiscard]] result<bool> read_access(const traffic::small_answer& told);

/// A page of a list, as far as it says which objects there are.
struct listed {
  std::vector<std::pair<std::string, std::string>> names; ///< With namespace.
  std::string next; ///< To go on with; empty: it was the last.
};
/// Errors: broken.
[[nodiscard]] result<listed> read_list(std::string_view body);

/// metav1.Status, for what has no code of ours. `causes`: one line each.
[[nodiscard]] traffic::small_answer
status_of(unsigned code, std::string_view reason, std::string_view message,
          const std::vector<std::string>& causes = {});

} // namespace cheops::glue::kubernetes
