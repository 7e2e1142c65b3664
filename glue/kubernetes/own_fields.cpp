#include "glue/kubernetes/own_fields.hpp"

#include "glue/kubernetes/body.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

namespace {

/// What a kind has that differs from site to site.
struct own_field {
  std::string_view group;
  std::string_view resource;
  std::array<std::string_view, 2> at; ///< Member, and member of that.
  bool always = false; ///< Over the user's words: it cannot be changed.
};

constexpr own_field own_fields[] = {
  {"", "services", {"spec", "clusterIP"}},
  {"", "services", {"spec", "clusterIPs"}},
  {"", "services", {"spec", "healthCheckNodePort"}},
  {"", "pods", {"spec", "nodeName"}},
  {"", "persistentvolumeclaims", {"spec", "volumeName"}},
  // A controller's choice, by the object's uid.
  {"batch", "jobs", {"spec", "selector"}, true},
  {"", "serviceaccounts", {"secrets", ""}},
};

/// By a Job's uid and name.
constexpr std::array<std::string_view, 4> job_labels{
  "controller-uid", "job-name", "batch.kubernetes.io/controller-uid",
  "batch.kubernetes.io/job-name"};

json::object* object_in(json::value& x, std::string_view key) {
  auto* in = x.if_object();
  auto* found = in ? in->if_contains(key) : nullptr;
  return found ? found->if_object() : nullptr;
}

const json::value* value_in(const json::value& x, std::string_view key) {
  const auto* in = x.if_object();
  return in ? in->if_contains(key) : nullptr;
}

const json::array* list_in(const json::value& x, std::string_view key) {
  const auto* found = value_in(x, key);
  return found ? found->if_array() : nullptr;
}

std::string_view name_of(const json::value& x) {
  const auto* name = value_in(x, "name");
  const auto* text = name ? name->if_string() : nullptr;
  return text ? std::string_view{*text} : std::string_view{};
}

json::object& member(json::object& of, std::string_view key) {
  auto& x = of[key];
  return x.is_object() ? x.get_object() : x.emplace_object();
}

void keep(const own_field& f, const json::value& own, json::object& to) {
  const auto* from = value_in(own, f.at[0]);
  if (from != nullptr && !f.at[1].empty())
    from = value_in(*from, f.at[1]);
  if (from == nullptr)
    return;
  auto& in = f.at[1].empty() ? to : member(to, f.at[0]);
  auto key = f.at[1].empty() ? f.at[0] : f.at[1];
  auto& there = in[key];
  auto said =
    !there.is_null() && !(there.is_string() && there.as_string().empty());
  if (f.always || !said)
    there = *from;
}

/// Whether an admission gave that volume to a pod, for its account's token.
bool holds_a_token(std::string_view volume) {
  return volume.starts_with("kube-api-access-")
         || volume.find("-token-") != std::string_view::npos;
}

/// Appends what is in the one list, fits, and is not in the other by its name.
template <class Fits>
void keep_items(const json::value& own, json::object& to, std::string_view key,
                Fits fits) {
  const auto* from = list_in(own, key);
  if (from == nullptr)
    return;
  for (const auto& x : *from) {
    if (!fits(name_of(x)))
      continue;
    auto& list = to[key];
    if (!list.is_array())
      list.emplace_array();
    auto same = [&](const json::value& y) { return name_of(y) == name_of(x); };
    if (std::ranges::none_of(list.get_array(), same))
      list.get_array().push_back(x);
  }
}

/// The volume of the account's token, and where each container has it.
void keep_token(const json::value& own, json::value& replacement) {
  const auto* from = value_in(own, "spec");
  auto* to = object_in(replacement, "spec");
  if (from == nullptr || to == nullptr)
    return;
  keep_items(*from, *to, "volumes", holds_a_token);
  for (std::string_view key : {"containers", "initContainers"}) {
    const auto* have = list_in(*from, key);
    auto* list = to->if_contains(key) ? (*to)[key].if_array() : nullptr;
    if (have == nullptr || list == nullptr)
      continue;
    for (auto& x : *list) {
      auto i = std::ranges::find_if(
        *have, [&](const json::value& y) { return name_of(y) == name_of(x); });
      if (i != have->end() && x.is_object())
        keep_items(*i, x.get_object(), "volumeMounts", holds_a_token);
    }
  }
}

/// Those of `own`, and no others.
void keep_job_labels(const json::value* own, json::object& to) {
  own = own ? value_in(*own, "metadata") : nullptr;
  own = own ? value_in(*own, "labels") : nullptr;
  auto& there = member(member(to, "metadata"), "labels");
  for (auto key : job_labels)
    if (const auto* x = own ? value_in(*own, key) : nullptr)
      there[key] = *x;
    else
      there.erase(key);
}

/// Of a Job's pods; and its own, where it was made without any.
void keep_job_labels(const json::value& own, json::object& to) {
  keep_job_labels(&own, to);
  const auto* spec = value_in(own, "spec");
  keep_job_labels(spec ? value_in(*spec, "template") : nullptr,
                  member(member(to, "spec"), "template"));
}

/// Whose create it was; a client may have read it at another site.
void keep_marker(const json::value& own, json::object& to) {
  const auto* mark = value_in(own, "annotations");
  mark = mark ? value_in(*mark, operation_annotation) : nullptr;
  if (mark != nullptr)
    member(to, "annotations")[operation_annotation] = *mark;
  else if (auto* all = to.if_contains("annotations"); all && all->is_object())
    all->get_object().erase(operation_annotation);
}

} // namespace

void keep_own_fields(const object_name& of, const json::value& own,
                     json::value& replacement) {
  auto* to = replacement.if_object();
  const auto* metadata = value_in(own, "metadata");
  if (to == nullptr || metadata == nullptr)
    return;
  auto& written = member(*to, "metadata");
  if (const auto* version = value_in(*metadata, "resourceVersion"))
    written["resourceVersion"] = *version;
  keep_marker(*metadata, written);
  for (const auto& f : own_fields)
    if (f.group == of.group && f.resource == of.resource)
      keep(f, own, *to);
  if (of.group.empty() && of.resource == "pods")
    keep_token(own, replacement);
  if (of.group == "batch" && of.resource == "jobs")
    keep_job_labels(own, *to);
}

} // namespace cheops::glue::kubernetes
