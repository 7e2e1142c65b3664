#include "glue/kubernetes/discovery.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

namespace {

constexpr std::size_t name_bytes_max = 253; // RFC 1123, as apimachinery has it.
constexpr std::size_t nesting_max = 16;
constexpr std::size_t verbs_max = 32;

error broken(std::string what) {
  return {errc::broken, std::move(what), "", "read discovery",
          "look at the answer: kubectl get --raw /apis"};
}

/// Of DNS labels: what groups, versions and resources are made of. Kinds have
/// capitals.
bool is_name(std::string_view x, bool capitals = false) {
  auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'
           || c == '.' || (capitals && c >= 'A' && c <= 'Z');
  };
  return !x.empty() && x.size() <= name_bytes_max
         && std::ranges::all_of(x, fits);
}

/// A member that is a text; empty: it has none, or another type.
std::string_view text_of(const json::object& in, std::string_view key) {
  const auto* x = in.if_contains(key);
  const auto* text = x ? x->if_string() : nullptr;
  return text ? std::string_view{*text} : std::string_view{};
}

/// A member that is a list; Go writes an empty one as null, or leaves it out.
const json::array& list_of(const json::object& in, std::string_view key) {
  static const json::array none;
  const auto* x = in.if_contains(key);
  const auto* list = x ? x->if_array() : nullptr;
  return list ? *list : none;
}

const json::object& object_of(const json::object& in, std::string_view key) {
  static const json::object none;
  const auto* x = in.if_contains(key);
  const auto* object = x ? x->if_object() : nullptr;
  return object ? *object : none;
}

std::vector<std::string> verbs_of(const json::object& in) {
  std::vector<std::string> out;
  for (const auto& x : list_of(in, "verbs"))
    if (const auto* verb = x.if_string();
        verb && is_name(*verb) && out.size() < verbs_max)
      out.emplace_back(std::string_view{*verb});
  return out;
}

/// "apps/v1" in two; nullopt: it is none.
std::optional<group_version> split(std::string_view x) {
  auto slash = x.find('/');
  group_version out;
  if (slash != std::string_view::npos) {
    out.group = x.substr(0, slash);
    x.remove_prefix(slash + 1);
    if (!is_name(out.group))
      return std::nullopt;
  }
  out.version = x;
  return is_name(out.version) ? std::optional{out} : std::nullopt;
}

result<json::object> parse(std::string_view body) {
  json::parse_options with;
  with.max_depth = nesting_max;
  json::error_code failed;
  auto value = json::parse(body, failed, {}, with);
  if (failed || !value.is_object())
    return broken("the API server's discovery is no JSON object");
  return std::move(value.get_object());
}

class reader {
public:
  result<discovered> aggregated(const json::object& whole) {
    for (const auto& item : list_of(whole, "items")) {
      const auto* group = item.if_object();
      if (group == nullptr)
        return broken("an item of APIGroupDiscoveryList is no object");
      auto name = text_of(object_of(*group, "metadata"), "name");
      if (!name.empty() && !is_name(name))
        return broken("a group has the name \"" + std::string{name} + "\"");
      for (const auto& x : list_of(*group, "versions"))
        if (auto ok = version(std::string{name}, x); !ok)
          return ok.error();
    }
    return std::move(out_);
  }

  result<discovered> of_one_version(const json::object& whole) {
    auto of = split(text_of(whole, "groupVersion"));
    if (!of)
      return broken("an APIResourceList has no groupVersion");
    for (const auto& x : list_of(whole, "resources")) {
      const auto* one = x.if_object();
      if (one == nullptr)
        return broken("a resource of APIResourceList is no object");
      auto name = text_of(*one, "name");
      auto slash = name.find('/');
      const auto* namespaced = one->if_contains("namespaced");
      auto ok =
        slash == std::string_view::npos
          ? add(*of, name, text_of(*one, "kind"),
                namespaced && namespaced->is_bool() && namespaced->get_bool(),
                *one)
          : add_part(*of, name.substr(0, slash), name.substr(slash + 1), *one);
      if (!ok)
        return ok.error();
    }
    return std::move(out_);
  }

private:
  result<void> version(std::string group, const json::value& x) {
    const auto* one = x.if_object();
    if (one == nullptr || !is_name(text_of(*one, "version")))
      return broken("a version of group \"" + group + "\" has no name");
    group_version of{std::move(group), std::string{text_of(*one, "version")}};
    if (text_of(*one, "freshness") == "Stale") {
      out_.stale.push_back(std::move(of));
      return {};
    }
    for (const auto& y : list_of(*one, "resources")) {
      const auto* r = y.if_object();
      if (r == nullptr)
        return broken("a resource of " + path_of(of) + " is no object");
      auto name = text_of(*r, "resource");
      auto ok = add(of, name, text_of(object_of(*r, "responseKind"), "kind"),
                    text_of(*r, "scope") == "Namespaced", *r);
      if (!ok)
        return ok;
      for (const auto& z : list_of(*r, "subresources"))
        if (const auto* part = z.if_object())
          if (ok = add_part(of, name, text_of(*part, "subresource"), *part);
              !ok)
            return ok;
    }
    return {};
  }

  result<void> add(const group_version& of, std::string_view name,
                   std::string_view kind, bool namespaced,
                   const json::object& from) {
    if (!is_name(name))
      return broken("a resource of " + path_of(of) + " has the name \""
                    + std::string{name} + "\"");
    if (find(of, name) != nullptr)
      return broken(path_of(of) + " has the resource " + std::string{name}
                    + " twice");
    if (auto ok = count(); !ok)
      return ok;
    // Some parts have no resource of their own, and so no kind.
    out_.resources.push_back({of,
                              std::string{name},
                              is_name(kind, true) ? std::string{kind} : "",
                              namespaced,
                              verbs_of(from),
                              {}});
    return {};
  }

  /// Lists name a part behind what it belongs to, or without it.
  result<void> add_part(const group_version& of, std::string_view owner,
                        std::string_view name, const json::object& from) {
    // "services/proxy/…" is one part with a slash in its name.
    if (!is_name(name.substr(0, name.find('/'))))
      return broken("a part of " + path_of(of) + "/" + std::string{owner}
                    + " has the name \"" + std::string{name} + "\"");
    if (find(of, owner) == nullptr) {
      auto* namespaced = from.if_contains("namespaced");
      auto ok =
        add(of, owner, "",
            namespaced && namespaced->is_bool() && namespaced->get_bool(), {});
      if (!ok)
        return ok;
    }
    if (auto ok = count(); !ok)
      return ok;
    find(of, owner)->subresources.push_back(
      {std::string{name}, verbs_of(from)});
    return {};
  }

  result<void> count() {
    if (++counted_ > discovered_resources_max)
      return error{errc::too_large,
                   "the API server names more than "
                     + std::to_string(discovered_resources_max) + " resources",
                   "", "read discovery", ""};
    return {};
  }

  /// What was added last is asked for most.
  api_resource* find(const group_version& of, std::string_view name) {
    auto& all = out_.resources;
    for (auto i = all.rbegin(); i != all.rend() && i->of == of; ++i)
      if (i->name == name)
        return &*i;
    return nullptr;
  }

  discovered out_;
  std::size_t counted_ = 0;
};

/// Versions of one group, the preferred one first.
result<void> add_group(const json::object& group,
                       std::vector<group_version>& out) {
  auto first =
    split(text_of(object_of(group, "preferredVersion"), "groupVersion"));
  if (first)
    out.push_back(*first);
  for (const auto& x : list_of(group, "versions")) {
    const auto* one = x.if_object();
    auto of = one ? split(text_of(*one, "groupVersion")) : std::nullopt;
    if (!of)
      return broken("a version of the group "
                    + std::string{text_of(group, "name")}
                    + " has no groupVersion");
    if (of != first)
      out.push_back(std::move(*of));
  }
  return {};
}

} // namespace

result<discovered> read_resources(std::string_view body) {
  auto whole = parse(body);
  if (!whole)
    return whole.error();
  auto kind = text_of(*whole, "kind");
  if (kind == "APIGroupDiscoveryList")
    return reader{}.aggregated(*whole);
  if (kind == "APIResourceList")
    return reader{}.of_one_version(*whole);
  return broken("the API server's discovery is a \"" + std::string{kind}
                + "\"");
}

result<std::vector<group_version>> read_versions(std::string_view body) {
  auto whole = parse(body);
  if (!whole)
    return whole.error();
  std::vector<group_version> out;
  auto kind = text_of(*whole, "kind");
  if (kind == "APIVersions") {
    for (const auto& x : list_of(*whole, "versions")) {
      const auto* text = x.if_string();
      if (text == nullptr || !is_name(*text))
        return broken("a version of the core group has no name");
      out.push_back({"", std::string{std::string_view{*text}}});
    }
    return out;
  }
  if (kind != "APIGroupList")
    return broken("the API server's discovery is a \"" + std::string{kind}
                  + "\"");
  for (const auto& x : list_of(*whole, "groups")) {
    const auto* group = x.if_object();
    if (group == nullptr)
      return broken("a group of APIGroupList is no object");
    if (auto ok = add_group(*group, out); !ok)
      return ok.error();
  }
  if (out.size() > discovered_resources_max)
    return broken("the API server names too many versions");
  return out;
}

std::string path_of(const group_version& x) {
  return x.group.empty() ? "/api/" + x.version
                         : "/apis/" + x.group + "/" + x.version;
}

} // namespace cheops::glue::kubernetes
