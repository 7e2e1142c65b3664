#include "glue/kubernetes/principal.hpp"

#include "cheops/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

namespace {

constexpr std::string_view step = "act on behalf of a user";
constexpr std::string_view added_by_every_server = "system:authenticated";

error wrong(std::string what) {
  return {errc::bad_request, std::move(what), "", std::string{step}, ""};
}

/// Whether a field's value arrives as it is. Surrounding spaces are not part
/// of one (RFC 9110, 5.5).
bool fits_a_field(std::string_view x) {
  auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  };
  return !x.empty() && x.front() != ' ' && x.back() != ' '
         && std::ranges::none_of(x, is_control);
}

/// As part of a field's name. An API server folds the case of the name before
/// it decodes, so capitals are encoded too: else they would be lost.
std::string encoded_key(std::string_view key) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (auto c : key) {
    auto byte = static_cast<unsigned char>(c);
    if (token_chars[byte] && c != '%' && !(c >= 'A' && c <= 'Z')) {
      out += c;
      continue;
    }
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 0xFU];
  }
  return out;
}

bool read_texts(const json::value& from, std::vector<std::string>& to) {
  const auto* list = from.if_array();
  if (list == nullptr)
    return false;
  for (const auto& x : *list) {
    const auto* text = x.if_string();
    if (text == nullptr)
      return false;
    to.emplace_back(*text);
  }
  return true;
}

bool read_member(std::string_view key, const json::value& from, principal& to) {
  if (key == "groups")
    return read_texts(from, to.groups);
  if (key == "extra") {
    const auto* all = from.if_object();
    return all != nullptr && std::ranges::all_of(*all, [&](const auto& x) {
             return read_texts(x.value(), to.extra[std::string{x.key()}]);
           });
  }
  const auto* text = from.if_string();
  if (text == nullptr || (key != "user" && key != "uid"))
    return false;
  (key == "user" ? to.user : to.uid) = *text;
  return true;
}

} // namespace

std::string to_json(const principal& x) {
  json::object out;
  out["user"] = x.user;
  out["uid"] = x.uid;
  out["groups"] = json::array(x.groups.begin(), x.groups.end());
  auto& extra = out["extra"].emplace_object();
  for (const auto& [key, values] : x.extra)
    extra[key] = json::array(values.begin(), values.end());
  return json::serialize(out);
}

result<principal> principal_from_json(std::string_view text) {
  boost::system::error_code ec;
  auto whole = json::parse(text, ec);
  const auto* members = ec ? nullptr : whole.if_object();
  principal out;
  if (members == nullptr
      || !std::ranges::all_of(
        *members,
        [&](const auto& x) { return read_member(x.key(), x.value(), out); })
      || out.user.empty())
    return wrong("who asked is not told in the words of this application");
  return out;
}

result<std::vector<traffic::header>> impersonation_fields(const principal& x) {
  std::vector<traffic::header> out;
  bool fits = true;
  auto add = [&](std::string name, std::string_view value) {
    fits = fits && fits_a_field(value);
    out.push_back({std::move(name), std::string{value}});
  };
  add("Impersonate-User", x.user);
  if (!x.uid.empty())
    add("Impersonate-Uid", x.uid);
  for (const auto& group : x.groups)
    if (group != added_by_every_server)
      add("Impersonate-Group", group);
  for (const auto& [key, values] : x.extra) {
    fits = fits && !key.empty();
    for (const auto& value : values)
      add("Impersonate-Extra-" + encoded_key(key), value);
  }
  if (!fits)
    return wrong("the name, a group or an attribute of the user cannot be said "
                 "in a field of HTTP: it is empty, has a control character or "
                 "a space at an end");
  return out;
}

std::string untrusted_name(const principal& x, const site::trust& of) {
  auto counts = [&](const std::string& name) {
    auto named = [&](const std::string& role) {
      return role == "*" || role == name;
    };
    return !name.starts_with("system:") || name == added_by_every_server
           || std::ranges::any_of(of.roles, named);
  };
  if (!counts(x.user))
    return x.user;
  auto i = std::ranges::find_if_not(x.groups, counts);
  return i == x.groups.end() ? std::string{} : *i;
}

} // namespace cheops::glue::kubernetes
