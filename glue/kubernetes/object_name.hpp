#pragma once

#include "cheops/replicant/identity.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What a request to an API server is about, and how its object is known at
/// every site: by the conventions of the API's paths alone
/// (docs/decisions/0013-kubernetes-objects.md). Pure.
namespace cheops::glue::kubernetes {

/// The same at each site, since users choose the names. The version is no
/// part of it: an object is served under all of its group's.
struct object_name {
  std::string group;    ///< "apps"; empty: the core group.
  std::string ns;       ///< Empty: of the whole cluster.
  std::string resource; ///< As in paths: "deployments".
  std::string name;     ///< Empty: all of them, or one that has none yet.
  friend bool operator==(const object_name&, const object_name&) = default;
};

enum class object_verb : std::uint8_t {
  read,              ///< GET or HEAD of one.
  list,              ///< GET or HEAD of all of them, also as a watch.
  create,            ///< POST.
  replace,           ///< PUT.
  patch,             ///< PATCH.
  remove,            ///< DELETE of one.
  remove_collection, ///< DELETE of all that it selects.
  other,
};

struct object_request {
  object_name object;
  std::string version;     ///< "v1".
  std::string subresource; ///< "status", "scale", "log", …; empty: the object.
  object_verb does = object_verb::other;
  friend bool operator==(const object_request&,
                         const object_request&) = default;
};

/// From `/api/V/…` or `/apis/G/V/…`, as an API server reads them: decoded
/// first, then cut at each slash. A namespace itself, and its parts `status`
/// and `finalize`, are of the whole cluster. nullopt: it is about no resource
/// (discovery, OpenAPI, health, the old `watch` and `proxy` paths), or breaks
/// the rules for names.
[[nodiscard]] std::optional<object_request> read_path(std::string_view method,
                                                      std::string_view target);

/// "GROUP/NAMESPACE/RESOURCE/NAME", empty parts stay empty: what
/// `ports::replication` knows an object by at this site.
[[nodiscard]] std::string to_local_id(const object_name& x);
/// What `to_local_id` makes of an object with a name; nullopt: anything else.
[[nodiscard]] std::optional<object_name> from_local_id(std::string_view text);

/// The one kind of resource that the description has.
inline constexpr std::string_view object_kind = "object";

[[nodiscard]] replicant::natural_key natural_key_of(const service_id& service,
                                                    const object_name& x);

/// Where it is served; of its collection where it has no name.
[[nodiscard]] std::string path_of(std::string_view version,
                                  const object_name& x);

/// The first value of a parameter of the target's query, decoded; nullopt: it
/// has none of that name.
[[nodiscard]] std::optional<std::string> query_value(std::string_view target,
                                                     std::string_view name);
/// The target without these parameters, the others as they came.
[[nodiscard]] std::string
without_query(std::string_view target, std::span<const std::string_view> names);

} // namespace cheops::glue::kubernetes
