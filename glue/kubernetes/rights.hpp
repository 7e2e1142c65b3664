#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What the node's own identity needs in a cluster, and how an API server is
/// asked whether it has it. Pure; packaging/kubernetes/rbac.yaml gives it.
namespace cheops::glue::kubernetes {

struct right {
  std::string_view verb;
  std::string_view group;
  std::string_view resource;
};

[[nodiscard]] std::span<const right> needed_rights();

/// "impersonate users"
[[nodiscard]] std::string to_string(const right& x);

/// Where who asks is told of their own rights, by a POST of `review_of`.
inline constexpr std::string_view review_path =
  "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
[[nodiscard]] std::string review_of(const right& x);

/// nullopt: that is no answer to a review.
[[nodiscard]] std::optional<bool> allowed_by(std::string_view answer);

} // namespace cheops::glue::kubernetes
