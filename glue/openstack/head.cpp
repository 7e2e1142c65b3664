#include "glue/openstack/head.hpp"

#include "cheops/names.hpp"

#include <algorithm>

namespace cheops::glue::openstack {

namespace {

constexpr std::string_view tokens_path = "/v3/auth/tokens";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

std::string_view last_segment(std::string_view path) noexcept {
  return path.substr(path.rfind('/') + 1);
}

} // namespace

seen look(const traffic::request_view& in) noexcept {
  seen out;
  auto take = [&](std::string_view& to, const traffic::field& x) {
    out.twice = out.twice || to.data() != nullptr;
    to = x.value;
  };
  for (const auto& x : in.fields) {
    switch (x.name.size()) {
    case 4:
      if (same_name(x.name, "host"))
        out.host = x.value;
      break;
    case auth_field.size():
      if (same_name(x.name, auth_field))
        take(out.auth, x);
      break;
    case subject_field.size(): // X-Service-Token is as long.
      static_assert(subject_field.size() == service_field.size());
      if (same_name(x.name, subject_field))
        take(out.subject, x);
      else if (same_name(x.name, service_field))
        out.has_service = true;
      break;
    case id_field.size():
      if (same_name(x.name, id_field))
        take(out.id, x);
      break;
    default:
      break;
    }
  }
  if (!is_request_id(out.id))
    out.id = {};
  return out;
}

bool is_request_id(std::string_view x) noexcept {
  constexpr std::string_view prefix = "req-";
  constexpr std::size_t uuid_size = 36;
  if (!x.starts_with(prefix) || x.size() != prefix.size() + uuid_size)
    return false;
  x.remove_prefix(prefix.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? x[i] != '-' : !is_hex(x[i]))
      return false;
  }
  return true;
}

std::string_view path_of(std::string_view target) noexcept {
  auto path = target.substr(0, target.find_first_of("?#"));
  while (path.ends_with('/'))
    path.remove_suffix(1);
  return path;
}

std::string_view base_of_tokens(std::string_view target) noexcept {
  auto path = path_of(target);
  if (!path.ends_with(tokens_path))
    return {};
  return path.substr(0, path.size() - tokens_path.size());
}

std::string_view server_of(std::string_view target) noexcept {
  constexpr std::string_view word = "/servers/";
  auto path = path_of(target);
  auto at = path.find(word);
  if (at == std::string_view::npos)
    return {};
  auto id = path.substr(at + word.size());
  return id.substr(0, id.find('/'));
}

bool makes_server(std::string_view method, std::string_view target) noexcept {
  if (method != "POST")
    return false;
  auto last = last_segment(path_of(target));
  return last == "servers" || last == "os-volumes_boot";
}

std::string_view device_of(std::string_view target) noexcept {
  constexpr std::string_view key = "device_id=";
  auto at = target.find('?');
  auto query =
    at == std::string_view::npos ? std::string_view{} : target.substr(at + 1);
  while (!query.empty()) {
    auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.starts_with(key))
      return pair.substr(key.size());
  }
  return {};
}

bool is_discovery(std::string_view method, std::string_view target) noexcept {
  if (method != "GET")
    return false;
  auto path = path_of(target);
  auto last = last_segment(path);
  auto is_version = last.size() > 1 && last[0] == 'v' && is_digit(last[1]);
  return std::ranges::count(path, '/') <= (is_version ? 2 : 1);
}

} // namespace cheops::glue::openstack
