#include "glue/kubernetes/object_name.hpp"

#include "cheops/percent.hpp"

#include <algorithm>
#include <vector>

namespace cheops::glue::kubernetes {

namespace {

constexpr std::size_t part_bytes_max = 253; // As apimachinery has it.
constexpr std::size_t parts_max = 12;

/// What a path may have as one part (apimachinery: IsValidPathSegmentName).
bool is_part(std::string_view x) {
  return !x.empty() && x.size() <= part_bytes_max && x != "." && x != ".."
         && x.find_first_of("/%") == std::string_view::npos
         && std::ranges::none_of(x, [](char c) {
              auto u = static_cast<unsigned char>(c);
              return u < 0x20 || u == 0x7f;
            });
}

std::string_view path_in(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

std::vector<std::string_view> split(std::string_view x, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    auto next = x.find(at);
    out.push_back(x.substr(0, next));
    if (next == std::string_view::npos)
      return out;
    x.remove_prefix(next + 1);
  }
}

object_verb verb_of(std::string_view method, bool named) {
  if (method == "GET" || method == "HEAD")
    return named ? object_verb::read : object_verb::list;
  if (method == "POST")
    return object_verb::create;
  if (method == "PUT")
    return object_verb::replace;
  if (method == "PATCH")
    return object_verb::patch;
  if (method == "DELETE")
    return named ? object_verb::remove : object_verb::remove_collection;
  return object_verb::other;
}

/// Whether that part belongs to the namespace itself.
bool of_namespace(std::string_view part) {
  return part == "status" || part == "finalize";
}

/// In a query a plus is a space, too.
std::optional<std::string> decoded(std::string_view x) {
  std::string spaced{x};
  std::ranges::replace(spaced, '+', ' ');
  return percent_decoded(spaced);
}

} // namespace

std::optional<object_request> read_path(std::string_view method,
                                        std::string_view target) {
  auto path = percent_decoded(path_in(target));
  if (!path)
    return std::nullopt;
  std::string_view rest = *path;
  auto first = rest.find_first_not_of('/');
  if (first == std::string_view::npos)
    return std::nullopt;
  rest = rest.substr(first, rest.find_last_not_of('/') + 1 - first);
  auto parts = split(rest, '/');
  if (parts.size() > parts_max || !std::ranges::all_of(parts, is_part))
    return std::nullopt;

  object_request out;
  std::size_t at = 0;
  if (parts[0] == "apis" && parts.size() > 3)
    out.object.group = parts[++at];
  else if (parts[0] != "api" || parts.size() < 3)
    return std::nullopt;
  out.version = parts[++at];
  ++at;
  if (parts[at] == "watch" || parts[at] == "proxy")
    return std::nullopt;
  auto left = parts.size() - at;
  if (parts[at] == "namespaces" && left > 2 && !of_namespace(parts[at + 2])) {
    out.object.ns = parts[at + 1];
    at += 2;
  }
  out.object.resource = parts[at++];
  if (at < parts.size())
    out.object.name = parts[at++];
  for (; at < parts.size(); ++at)
    out.subresource.append(out.subresource.empty() ? "" : "/")
      .append(parts[at]);
  out.does = verb_of(method, !out.object.name.empty());
  return out;
}

std::string to_local_id(const object_name& x) {
  return x.group + "/" + x.ns + "/" + x.resource + "/" + x.name;
}

std::optional<object_name> from_local_id(std::string_view text) {
  auto parts = split(text, '/');
  if (parts.size() != 4 || !is_part(parts[2]) || !is_part(parts[3]))
    return std::nullopt;
  for (auto x : {parts[0], parts[1]})
    if (!x.empty() && !is_part(x))
      return std::nullopt;
  return object_name{std::string{parts[0]}, std::string{parts[1]},
                     std::string{parts[2]}, std::string{parts[3]}};
}

replicant::natural_key natural_key_of(const service_id& service,
                                      const object_name& x) {
  return {
    service, std::string{object_kind}, {x.group, x.ns, x.resource, x.name}};
}

std::string path_of(std::string_view version, const object_name& x) {
  auto out = x.group.empty() ? std::string{"/api/"}
                             : "/apis/" + percent_encoded(x.group) + "/";
  out += percent_encoded(version);
  if (!x.ns.empty())
    out += "/namespaces/" + percent_encoded(x.ns);
  out += "/" + percent_encoded(x.resource);
  if (!x.name.empty())
    out += "/" + percent_encoded(x.name);
  return out;
}

std::optional<std::string> query_value(std::string_view target,
                                       std::string_view name) {
  auto mark = target.find('?');
  if (mark == std::string_view::npos)
    return std::nullopt;
  for (auto x : split(target.substr(mark + 1), '&')) {
    auto equals = std::min(x.find('='), x.size());
    if (decoded(x.substr(0, equals)) == name)
      return decoded(x.substr(std::min(equals + 1, x.size())));
  }
  return std::nullopt;
}

std::string without_query(std::string_view target,
                          std::span<const std::string_view> names) {
  auto mark = target.find('?');
  if (mark == std::string_view::npos)
    return std::string{target};
  std::string out{target.substr(0, mark)};
  auto between = '?';
  for (auto x : split(target.substr(mark + 1), '&')) {
    auto key = decoded(x.substr(0, x.find('=')));
    if (x.empty() || (key && std::ranges::find(names, *key) != names.end()))
      continue;
    out.append(1, between).append(x);
    between = '&';
  }
  return out;
}

} // namespace cheops::glue::kubernetes
