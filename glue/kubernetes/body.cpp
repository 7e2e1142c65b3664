#include "glue/kubernetes/body.hpp"

#include "cheops/names.hpp"
#include "glue/kubernetes/protobuf.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

namespace {

constexpr std::string_view magic{"k8s\0", 4};
constexpr std::size_t nesting_max = 128;

// Of runtime.Unknown.
constexpr std::uint32_t type_meta = 1;
constexpr std::uint32_t raw = 2;
constexpr std::uint32_t content_encoding = 3;

error broken(std::string what) {
  return {errc::bad_request, std::move(what), "", "read the body", ""};
}

std::string_view media_type(std::string_view x) {
  x = x.substr(0, x.find(';'));
  while (!x.empty() && (x.back() == ' ' || x.back() == '\t'))
    x.remove_suffix(1);
  return x;
}

bool is_json_type(std::string_view x) {
  for (auto known :
       {"application/json", "application/merge-patch+json",
        "application/strategic-merge-patch+json", "application/json-patch+json",
        "application/apply-patch+yaml"})
    if (same_name(x, known))
      return true;
  return x.empty();
}

std::vector<std::uint32_t> in_unknown(const place& x) {
  std::vector<std::uint32_t> out{raw};
  for (auto number : x.numbers)
    if (number != 0)
      out.push_back(number);
  return out;
}

/// The place above it, and its last part.
std::pair<std::string_view, std::string_view> cut(std::string_view pointer) {
  auto slash = pointer.rfind('/');
  return {pointer.substr(0, slash), pointer.substr(slash + 1)};
}

const json::value* look(const json::value& in, std::string_view pointer) {
  if (!in.is_object())
    return nullptr;
  json::error_code failed;
  const auto* out = in.find_pointer(pointer, failed);
  return failed || out == nullptr || out->is_null() ? nullptr : out;
}

json::value* look(json::value& in, std::string_view pointer) {
  return const_cast<json::value*>(look(std::as_const(in), pointer));
}

/// The object at that place, made if there is none.
json::object& object_at(json::value& in, std::string_view pointer) {
  if (pointer.empty())
    return in.is_object() ? in.get_object() : in.emplace_object();
  auto [above, last] = cut(pointer);
  auto& out = object_at(in, above)[last];
  return out.is_object() ? out.get_object() : out.emplace_object();
}

std::string_view text_of(const json::value* x) {
  const auto* text = x != nullptr ? x->if_string() : nullptr;
  return text != nullptr ? std::string_view{*text} : std::string_view{};
}

/// Whether an operation of a JSON Patch is about that place, or below it.
bool touches(const json::value& op, std::string_view pointer) {
  auto path = text_of(look(op, "/path"));
  return path == pointer
         || (path.starts_with(pointer) && path[pointer.size()] == '/');
}

constexpr std::array local_metadata{
  &at::uid,       &at::resource_version, &at::generation,
  &at::created,   &at::deleted,          &at::grace,
  &at::self_link, &at::managed_fields,   &at::owners};

/// Built-in kinds whose third field is their status. Others have something
/// else there; what is sent of a status to them is left out by the server.
constexpr std::array with_status{"CronJob",
                                 "CustomResourceDefinition",
                                 "DaemonSet",
                                 "Deployment",
                                 "Ingress",
                                 "Job",
                                 "Namespace",
                                 "PersistentVolume",
                                 "HorizontalPodAutoscaler",
                                 "PersistentVolumeClaim",
                                 "Pod",
                                 "PodDisruptionBudget",
                                 "ReplicaSet",
                                 "ReplicationController",
                                 "ResourceQuota",
                                 "Service",
                                 "StatefulSet"};

/// What is over a double's range cannot be written again, nor does an API
/// server take it.
bool has_only_finite_numbers(const json::value& x) {
  auto fine = [](const json::value& y) { return has_only_finite_numbers(y); };
  if (const auto* number = x.if_double())
    return std::isfinite(*number);
  if (const auto* list = x.if_array())
    return std::ranges::all_of(*list, fine);
  const auto* object = x.if_object();
  return object == nullptr || std::ranges::all_of(*object, [&](const auto& y) {
           return fine(y.value());
         });
}

} // namespace

object_body::object_body() : is_(json::object{}) {}

result<object_body> object_body::read(std::string_view text,
                                      std::string_view content_type) {
  object_body out;
  out.came_ = text;
  auto type = media_type(content_type);
  if (same_name(type, "application/vnd.kubernetes.protobuf")) {
    std::array<std::uint32_t, 1> object{raw};
    if (!text.starts_with(magic)
        || !protobuf::is_message(text.substr(magic.size())))
      return broken("the body is no object in Kubernetes' protobuf");
    auto unknown = text.substr(magic.size());
    auto whole = protobuf::find(unknown, object);
    std::array<std::uint32_t, 1> first{1};
    auto meta = whole ? protobuf::find(*whole, first) : std::nullopt;
    // Which of two counts, readers may see differently; and what should hold
    // bytes holds bytes.
    if (protobuf::count(unknown, raw) != (whole ? 1U : 0U)
        || protobuf::count(unknown, type_meta) > 1
        || protobuf::count(unknown, content_encoding) > 1
        || (whole
            && (!protobuf::is_message(*whole)
                || protobuf::count(*whole, 1) != (meta ? 1U : 0U)))
        || (meta && !protobuf::is_message(*meta)))
      return broken("the body's protobuf is not as Kubernetes' clients write "
                    "it");
    std::array<std::uint32_t, 1> coding{content_encoding};
    if (auto x = protobuf::find(unknown, coding); x && !x->empty())
      return broken("the body's protobuf is coded once more");
    out.is_ = protobuf_body{std::string{unknown}};
    return out;
  }
  if (!is_json_type(type))
    return broken("bodies of type " + std::string{type.substr(0, 100)}
                  + " are not read: send JSON or protobuf");
  json::parse_options with;
  with.max_depth = nesting_max;
  json::error_code failed;
  auto value = json::parse(text, failed, {}, with);
  auto patch = same_name(type, "application/json-patch+json");
  if (failed || !(patch ? value.is_array() : value.is_object())
      || !has_only_finite_numbers(value))
    return broken(same_name(type, "application/apply-patch+yaml")
                    ? "an apply patch for several sites must be written in "
                      "JSON, as kubectl does"
                    : "the body is no JSON, or not as this request needs it");
  out.is_ = std::move(value);
  return out;
}

bool object_body::is_json_patch() const {
  const auto* x = json();
  return x != nullptr && x->is_array();
}

bool object_body::is_protobuf() const {
  return std::holds_alternative<protobuf_body>(is_);
}

const json::value* object_body::json() const {
  return std::get_if<json::value>(&is_);
}

std::string object_body::api_version() const {
  std::array<std::uint32_t, 2> path{type_meta, 1};
  if (const auto* x = std::get_if<protobuf_body>(&is_))
    return std::string{protobuf::find(x->unknown, path).value_or("")};
  return std::string{text_of(look(*json(), "/apiVersion"))};
}

std::string object_body::kind() const {
  std::array<std::uint32_t, 2> path{type_meta, 2};
  if (const auto* x = std::get_if<protobuf_body>(&is_))
    return std::string{protobuf::find(x->unknown, path).value_or("")};
  return std::string{text_of(look(*json(), "/kind"))};
}

std::optional<std::string> object_body::text_at(const place& x) const {
  std::string_view out;
  if (const auto* p = std::get_if<protobuf_body>(&is_))
    out = protobuf::find(p->unknown, in_unknown(x)).value_or("");
  else
    out = text_of(look(*json(), x.pointer));
  return out.empty() ? std::nullopt : std::optional{std::string{out}};
}

bool object_body::has(const place& x) const {
  if (const auto* p = std::get_if<protobuf_body>(&is_))
    return protobuf::has(p->unknown, in_unknown(x));
  return look(*json(), x.pointer) != nullptr;
}

std::optional<std::string> object_body::annotation(std::string_view key) const {
  if (const auto* p = std::get_if<protobuf_body>(&is_)) {
    std::optional<std::string> out;
    auto meta = protobuf::find(p->unknown, in_unknown(at::metadata));
    protobuf::each(meta.value_or(""), 12, [&](std::string_view entry) {
      std::array<std::uint32_t, 1> name{1};
      std::array<std::uint32_t, 1> value{2};
      if (protobuf::find(entry, name).value_or("") == key)
        out = protobuf::find(entry, value).value_or("");
    });
    return out;
  }
  const auto* all = look(*json(), at::annotations.pointer);
  const auto* map = all != nullptr ? all->if_object() : nullptr;
  const auto* x = map != nullptr ? map->if_contains(key) : nullptr;
  return x != nullptr && x->is_string()
           ? std::optional{std::string{std::string_view{x->get_string()}}}
           : std::nullopt;
}

bool object_body::has_controller() const {
  if (const auto* p = std::get_if<protobuf_body>(&is_)) {
    auto out = false;
    auto meta = protobuf::find(p->unknown, in_unknown(at::metadata));
    // OwnerReference.controller is field 6, a bool.
    protobuf::each(meta.value_or(""), 13, [&](std::string_view owner) {
      while (auto x = protobuf::take(owner))
        if (x->number == 6)
          out = !x->value.empty() && x->value.front() != 0;
    });
    return out;
  }
  const auto* owners = look(*json(), at::owners.pointer);
  if (owners == nullptr || !owners->is_array())
    return false;
  return std::ranges::any_of(owners->get_array(), [](const auto& x) {
    const auto* y = look(x, "/controller");
    return y != nullptr && y->is_bool() && y->get_bool();
  });
}

void object_body::set_text(const place& x, std::string_view to) {
  changed_ = true;
  if (auto* p = std::get_if<protobuf_body>(&is_)) {
    auto path = in_unknown(x);
    p->unknown = protobuf::with(protobuf::without(p->unknown, path), path, to);
    return;
  }
  auto [above, last] = cut(x.pointer);
  object_at(std::get<json::value>(is_), above)[last] = to;
}

void object_body::set_only(const place& x, std::string_view to) {
  set_text(x, to);
  if (auto* value = std::get_if<json::value>(&is_))
    *look(*value, x.pointer) = json::array{json::string{to}};
}

void object_body::set_annotation(std::string_view key, std::string_view to) {
  changed_ = true;
  if (auto* p = std::get_if<protobuf_body>(&is_)) {
    // A later entry of a map replaces an earlier one of its key.
    p->unknown =
      protobuf::with(p->unknown, in_unknown(at::annotations),
                     protobuf::field(1, key) + protobuf::field(2, to));
    return;
  }
  object_at(std::get<json::value>(is_), at::annotations.pointer)[key] = to;
}

void object_body::remove(const place& x) {
  if (auto* p = std::get_if<protobuf_body>(&is_)) {
    auto path = in_unknown(x);
    if (path.size() > 1 && protobuf::has(p->unknown, path)) {
      p->unknown = protobuf::without(p->unknown, path);
      changed_ = true;
    }
    return;
  }
  auto& value = std::get<json::value>(is_);
  if (auto* ops = value.if_array()) {
    auto gone = std::remove_if(ops->begin(), ops->end(), [&](const auto& op) {
      return touches(op, x.pointer);
    });
    changed_ = changed_ || gone != ops->end();
    ops->erase(gone, ops->end());
    return;
  }
  auto [above, last] = cut(x.pointer);
  auto* in = above.empty() ? &value : look(value, above);
  if (in != nullptr && in->is_object() && in->get_object().erase(last) > 0)
    changed_ = true;
}

void object_body::remove_status() {
  constexpr place protobuf_status{"/status", {3}};
  constexpr place json_status{"/status", {}};
  auto known = std::ranges::find(with_status, kind()) != with_status.end();
  remove(is_protobuf() && known ? protobuf_status : json_status);
}

std::optional<std::string> object_body::patched_text(const place& x) const {
  std::optional<std::string> out;
  if (is_json_patch())
    for (const auto& op : json()->get_array())
      if (text_of(look(op, "/path")) == x.pointer
          && text_of(look(op, "/op")) != "remove")
        if (auto text = text_of(look(op, "/value")); !text.empty())
          out = text;
  return out;
}

std::string object_body::text() const {
  if (!changed_)
    return came_;
  if (const auto* p = std::get_if<protobuf_body>(&is_))
    return std::string{magic} + p->unknown;
  return json::serialize(*json());
}

void remove_local(object_body& x, const object_name& of, object_verb does) {
  for (const auto* gone : local_metadata)
    x.remove(*gone);
  x.remove_status();
  if (does != object_verb::replace || !of.group.empty())
    return;
  // As the API server gave them: what a user wrote stands in a create.
  if (of.resource == "services" && x.text_at(at::cluster_ip) != "None") {
    x.remove(at::cluster_ip);
    x.remove(at::cluster_ips);
  }
  if (of.resource == "services")
    x.remove(at::health_check_port);
  if (of.resource == "pods")
    x.remove(at::node_name);
}

} // namespace cheops::glue::kubernetes
