#pragma once

#include "cheops/result.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What an API server says that it serves: the only source of what there is
/// (docs/decisions/0013-kubernetes-objects.md). Pure.
namespace cheops::glue::kubernetes {

/// One API: "apps/v1", or "v1" of the core group, whose name is empty.
struct group_version {
  std::string group;
  std::string version;
  friend bool operator==(const group_version&, const group_version&) = default;
};

/// Something that an object has beside itself: "status", "scale", "log".
struct subresource {
  std::string name;
  std::vector<std::string> verbs; ///< "get", "patch", "update", "create".
  friend bool operator==(const subresource&, const subresource&) = default;
};

/// What paths call a resource, in one version of its group.
struct api_resource {
  group_version of;
  std::string name; ///< As in paths: "deployments".
  std::string kind; ///< As in bodies: "Deployment".
  bool namespaced = false;
  std::vector<std::string> verbs; ///< "create", "list", "watch", …
  std::vector<subresource> subresources;
  friend bool operator==(const api_resource&, const api_resource&) = default;
};

struct discovered {
  std::vector<api_resource> resources;
  /// Versions whose own server did not answer: nothing new is known of them.
  std::vector<group_version> stale;
};

/// From an answer to `/api` or `/apis`: an APIGroupDiscoveryList
/// (apidiscovery.k8s.io/v2, also v2beta1), or to `/apis/GROUP/VERSION`: an
/// APIResourceList. Errors: broken (the text is neither, or breaks its rules),
/// too_large (more than `discovered_resources_max`).
[[nodiscard]] result<discovered> read_resources(std::string_view body);

/// What is still to be asked of a server that answers `/api` and `/apis` in
/// the old way (APIVersions, APIGroupList): each version that it serves, a
/// group's preferred one before its others. Errors: as above.
[[nodiscard]] result<std::vector<group_version>>
read_versions(std::string_view body);

/// Where its APIResourceList is: "/apis/apps/v1", "/api/v1".
[[nodiscard]] std::string path_of(const group_version& x);

/// Of one server, with their subresources counted in.
inline constexpr std::size_t discovered_resources_max = 16'384;

} // namespace cheops::glue::kubernetes
