#pragma once

#include "cheops/result.hpp"
#include "glue/kubernetes/object_name.hpp"

#include <boost/json/value.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// Bodies of requests to an API server, read and edited without knowing what
/// kinds there are. Pure.
namespace cheops::glue::kubernetes {

/// Where something stands: a JSON Pointer, and the numbers of its fields in
/// protobuf, up to the first 0; none: it cannot be reached there.
struct place {
  std::string_view pointer;
  std::array<std::uint32_t, 4> numbers;
};

/// `metadata` is field 1 of every built-in kind, and its fields have had these
/// numbers since 1.0.
namespace at {
inline constexpr place metadata{"/metadata", {1}};
inline constexpr place name{"/metadata/name", {1, 1}};
inline constexpr place generate_name{"/metadata/generateName", {1, 2}};
inline constexpr place ns{"/metadata/namespace", {1, 3}};
inline constexpr place self_link{"/metadata/selfLink", {1, 4}};
inline constexpr place uid{"/metadata/uid", {1, 5}};
inline constexpr place resource_version{"/metadata/resourceVersion", {1, 6}};
inline constexpr place generation{"/metadata/generation", {1, 7}};
inline constexpr place created{"/metadata/creationTimestamp", {1, 8}};
inline constexpr place deleted{"/metadata/deletionTimestamp", {1, 9}};
inline constexpr place grace{"/metadata/deletionGracePeriodSeconds", {1, 10}};
inline constexpr place annotations{"/metadata/annotations", {1, 12}};
inline constexpr place owners{"/metadata/ownerReferences", {1, 13}};
inline constexpr place managed_fields{"/metadata/managedFields", {1, 17}};
// Of a Service.
inline constexpr place cluster_ip{"/spec/clusterIP", {2, 3}};
inline constexpr place cluster_ips{"/spec/clusterIPs", {2, 18}};
inline constexpr place health_check_port{"/spec/healthCheckNodePort", {2, 12}};
// Of a Pod.
inline constexpr place node_name{"/spec/nodeName", {2, 10}};
// Of a Secret.
inline constexpr place secret_type{"/type", {3}};
// Of DeleteOptions.
inline constexpr place preconditions{"/preconditions", {2}};
inline constexpr place precondition_uid{"/preconditions/uid", {2, 1}};
inline constexpr place precondition_version{"/preconditions/resourceVersion",
                                            {2, 2}};
inline constexpr place dry_run{"/dryRun", {5}};
} // namespace at

/// One body: an object (or a patch of one, or DeleteOptions) in JSON, a JSON
/// Patch (RFC 6902), or an object in protobuf.
class object_body {
public:
  /// `content_type` as it came; empty: JSON. An apply patch is read where it
  /// is written in JSON, as kubectl does. Errors: bad_request, with the type.
  [[nodiscard]] static result<object_body> read(std::string_view text,
                                                std::string_view content_type);

  /// An empty object in JSON: of a request that has no body.
  object_body();

  [[nodiscard]] bool is_json_patch() const;
  [[nodiscard]] bool is_protobuf() const;

  [[nodiscard]] std::string api_version() const; ///< Empty: it does not say.
  [[nodiscard]] std::string kind() const;        ///< The same.

  /// A text that is not empty; nullopt: there is none.
  [[nodiscard]] std::optional<std::string> text_at(const place& x) const;
  /// Something that is not null.
  [[nodiscard]] bool has(const place& x) const;
  [[nodiscard]] std::optional<std::string>
  annotation(std::string_view key) const;
  /// The body is one object of a list that a controller keeps: its own is
  /// another object.
  [[nodiscard]] bool has_controller() const;

  void set_text(const place& x, std::string_view to);
  /// A list of one text.
  void set_only(const place& x, std::string_view to);
  void set_annotation(std::string_view key, std::string_view to);
  /// A number; what a JSON Patch does at it goes, too.
  void remove(const place& x);
  void remove_status(); ///< In protobuf: of the kinds known to have one.

  /// What must be so for a JSON Patch to apply, or what it sets: the value of
  /// its last operation on that very place.
  [[nodiscard]] std::optional<std::string> patched_text(const place& x) const;

  /// The JSON, where it is in JSON.
  [[nodiscard]] const boost::json::value* json() const;

  /// In the form that it came in; byte for byte where nothing was changed.
  [[nodiscard]] std::string text() const;

private:
  struct protobuf_body {
    std::string unknown; ///< runtime.Unknown, behind the magic.
  };
  std::variant<boost::json::value, protobuf_body> is_;
  std::string came_; ///< While nothing was changed.
  bool changed_ = false;
};

/// Takes out what only one site can mean (the table of 0013). `does`: what
/// the request does with the object of that name.
void remove_local(object_body& x, const object_name& of, object_verb does);

/// The application's and ours: what scope an object has, and which operation
/// has made it.
inline constexpr std::string_view scope_annotation = "cheops/scope";
inline constexpr std::string_view operation_annotation = "cheops/operation";

} // namespace cheops::glue::kubernetes
