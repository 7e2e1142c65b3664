#include "glue/kubernetes/rules.hpp"

#include "cheops/replicant/places.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

using replicant::at_pointer;

namespace {

struct known {
  std::string_view group;
  std::string_view resource;
};

/// Each cluster's own controllers and nodes make these.
constexpr std::array own_of_each{
  known{"", "nodes"},
  known{"", "events"},
  known{"events.k8s.io", "events"},
  known{"", "endpoints"},
  known{"", "componentstatuses"},
  known{"", "bindings"},
  known{"coordination.k8s.io", "leases"},
  known{"discovery.k8s.io", "endpointslices"},
  known{"storage.k8s.io", "csinodes"},
  known{"storage.k8s.io", "volumeattachments"},
  known{"storage.k8s.io", "csistoragecapacities"},
};

/// They are there in every cluster.
constexpr std::array<std::string_view, 4> given_namespaces{
  "default", "kube-system", "kube-public", "kube-node-lease"};

bool is_review(const object_request& x) {
  return (x.object.group == "authentication.k8s.io"
          || x.object.group == "authorization.k8s.io")
         && x.object.resource.ends_with("reviews");
}

std::string text_at(const json::value& in, std::string_view pointer) {
  const auto* x = at_pointer(in, pointer);
  return x != nullptr && x->is_string()
           ? std::string{std::string_view{x->get_string()}}
           : std::string{};
}

template <class F>
void each_of(const json::value& in, std::string_view pointer, F f) {
  if (const auto* list = at_pointer(in, pointer);
      list != nullptr && list->is_array())
    for (const auto& x : list->get_array())
      f(x);
}

/// What a pod's spec names.
class pod_reader {
public:
  explicit pod_reader(std::string ns) : ns_(std::move(ns)) {}

  std::vector<needed> operator()(const json::value& spec) {
    add("serviceaccounts", text_at(spec, "/serviceAccountName"));
    each_of(spec, "/volumes", [&](const auto& x) {
      by_name(x, "/configMap", "/configMap/name", "configmaps");
      by_name(x, "/secret", "/secret/secretName", "secrets");
      add("persistentvolumeclaims",
          text_at(x, "/persistentVolumeClaim/claimName"));
      each_of(x, "/projected/sources", [&](const auto& y) {
        by_name(y, "/configMap", "/configMap/name", "configmaps");
        by_name(y, "/secret", "/secret/name", "secrets");
      });
    });
    for (auto kind : {"/initContainers", "/containers"})
      each_of(spec, kind, [&](const auto& x) { container(x); });
    return std::move(out_);
  }

private:
  void container(const json::value& x) {
    each_of(x, "/envFrom", [&](const auto& y) {
      by_name(y, "/configMapRef", "/configMapRef/name", "configmaps");
      by_name(y, "/secretRef", "/secretRef/name", "secrets");
    });
    each_of(x, "/env", [&](const auto& y) {
      by_name(y, "/valueFrom/configMapKeyRef",
              "/valueFrom/configMapKeyRef/name", "configmaps");
      by_name(y, "/valueFrom/secretKeyRef", "/valueFrom/secretKeyRef/name",
              "secrets");
    });
  }

  /// A pod begins without what is optional.
  void by_name(const json::value& in, std::string_view whole,
               std::string_view name, std::string resource) {
    const auto* x = at_pointer(in, whole);
    const auto* optional = x != nullptr ? at_pointer(*x, "/optional") : nullptr;
    if (optional == nullptr || !optional->is_bool() || !optional->get_bool())
      add(std::move(resource), text_at(in, name));
  }

  void add(std::string resource, std::string name) {
    // Each namespace has this one.
    if (name.empty() || (resource == "serviceaccounts" && name == "default"))
      return;
    object_name x{"", ns_, std::move(resource), std::move(name)};
    if (out_.size() < needed_max
        && std::ranges::find(out_, x, &needed::object) == out_.end())
      out_.push_back({std::move(x), "v1"});
  }

  std::string ns_;
  std::vector<needed> out_;
};

/// The pod, or the template of pods, in an object.
const json::value* pod_spec_in(const object_body& x, const object_name& of) {
  if (x.json() == nullptr || of.ns.empty())
    return nullptr;
  if (of.group.empty() && of.resource == "pods")
    return at_pointer(*x.json(), "/spec");
  if (const auto* job =
        at_pointer(*x.json(), "/spec/jobTemplate/spec/template/spec"))
    return job;
  return at_pointer(*x.json(), "/spec/template/spec");
}

} // namespace

bool changes_object(const object_request& x) {
  return x.subresource.empty() || x.subresource == "scale";
}

bool is_here_only(const object_request& x, std::string_view target) {
  return is_review(x) || query_value(target, "dryRun")
         || (!changes_object(x) && x.subresource != "binding"
             && x.subresource != "eviction");
}

std::string why_never(const object_request& x) {
  auto of = [&](const known& y) {
    return y.group == x.object.group && y.resource == x.object.resource;
  };
  if (std::ranges::any_of(own_of_each, of))
    return "each cluster makes its own " + x.object.resource;
  if (!changes_object(x))
    return "a " + x.subresource + " is a matter of one cluster";
  if (x.does == object_verb::remove_collection)
    return "many objects at once are not removed at several sites: remove "
           "them one by one";
  return {};
}

std::string why_never(const object_body& x, const object_name& of) {
  if (x.has_controller())
    return "the object's controller is another object, and each site's own "
           "controllers make such";
  if (of.group.empty() && of.resource == "secrets"
      && x.text_at(at::secret_type) == "kubernetes.io/service-account-token")
    return "a service account's token is good at one cluster only";
  return {};
}

std::vector<needed> needed_by(const object_body& x, const object_name& of) {
  std::vector<needed> out;
  if (!of.ns.empty()
      && std::ranges::find(given_namespaces, of.ns) == given_namespaces.end())
    out.push_back({{"", "", "namespaces", of.ns}, "v1"});
  // Groups of their own have a domain; those of Kubernetes are in each server.
  if (of.group.find('.') != std::string::npos && !of.group.ends_with(".k8s.io"))
    out.push_back({{"apiextensions.k8s.io", "", "customresourcedefinitions",
                    of.resource + "." + of.group},
                   "v1"});
  if (const auto* spec = pod_spec_in(x, of)) {
    auto more = pod_reader{of.ns}(*spec);
    for (auto& y : more)
      if (out.size() < needed_max)
        out.push_back(std::move(y));
  }
  return out;
}

} // namespace cheops::glue::kubernetes
