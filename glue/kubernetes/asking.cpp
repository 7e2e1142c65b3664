#include "glue/kubernetes/asking.hpp"

#include "cheops/names.hpp"
#include "cheops/percent.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

namespace {

constexpr std::string_view prefix = "Impersonate-";
constexpr std::string_view extra_prefix = "Impersonate-Extra-";
constexpr std::string_view service_account = "system:serviceaccount:";
constexpr std::size_t claims_max = 32;

traffic::aside posted(std::string target, json::object body,
                      const site_id& here, const service_id& service) {
  traffic::aside out;
  out.site = here;
  out.service = service;
  out.target = std::move(target);
  out.fields = {{"Content-Type", "application/json"}};
  out.method = "POST";
  out.body = json::serialize(body);
  out.as_node = true;
  return out;
}

json::array list_of(const std::vector<std::string>& all) {
  json::array out;
  for (const auto& x : all)
    out.emplace_back(json::string{x});
  return out;
}

/// The `status` of a review. Errors: the node may not ask.
result<json::value> status_in(const traffic::small_answer& told,
                              std::string_view what) {
  if (told.status / 100 != 2)
    return error{errc::broken,
                 "the node's own identity may not create " + std::string{what}
                   + ": the API server answered " + std::to_string(told.status),
                 "", "ask who the user is",
                 "the operator gives backend.identity that right "
                 "(docs/kubernetes.md)"};
  json::error_code failed;
  auto whole = json::parse(told.body, failed);
  if (!failed && whole.is_object())
    if (auto* status = whole.get_object().if_contains("status");
        status != nullptr && status->is_object())
      return std::move(*status);
  return error{errc::broken,
               "the API server's answer to " + std::string{what} + " is none",
               "", "ask who the user is", ""};
}

std::string text_in(const json::object& x, std::string_view key) {
  const auto* at = x.if_contains(key);
  return at != nullptr && at->is_string()
           ? std::string{std::string_view{at->get_string()}}
           : std::string{};
}

std::vector<std::string> texts_of(const json::value* x) {
  std::vector<std::string> out;
  if (x != nullptr && x->is_array())
    for (const auto& y : x->get_array())
      if (y.is_string())
        out.emplace_back(std::string_view{y.get_string()});
  return out;
}

} // namespace

bool is_impersonation(std::string_view name) noexcept {
  return name.size() > prefix.size() && begins_with_name(name, prefix);
}

std::string_view bearer_of(const traffic::request_view& in) {
  constexpr std::string_view scheme = "Bearer ";
  auto x = in.get("Authorization");
  if (in.count("Authorization") != 1 || !begins_with_name(x, scheme))
    return {};
  x.remove_prefix(scheme.size());
  x.remove_prefix(std::min(x.find_first_not_of(' '), x.size()));
  return x;
}

traffic::aside token_review(std::string_view token, const site_id& here,
                            const service_id& service) {
  json::object body;
  body["apiVersion"] = "authentication.k8s.io/v1";
  body["kind"] = "TokenReview";
  body["spec"] = json::object{{"token", token}};
  return posted("/apis/authentication.k8s.io/v1/tokenreviews", std::move(body),
                here, service);
}

result<std::optional<principal>>
read_review(const traffic::small_answer& told) {
  auto status = status_in(told, "tokenreviews");
  if (!status)
    return status.error();
  const auto& x = status->get_object();
  const auto* known = x.if_contains("authenticated");
  const auto* user = x.if_contains("user");
  if (known == nullptr || !known->is_bool() || !known->get_bool()
      || user == nullptr || !user->is_object())
    return std::optional<principal>{};
  const auto& is = user->get_object();
  principal out{text_in(is, "username"),
                text_in(is, "uid"),
                texts_of(is.if_contains("groups")),
                {}};
  if (const auto* extra = is.if_contains("extra");
      extra != nullptr && extra->is_object())
    for (const auto& [key, values] : extra->get_object())
      out.extra[std::string{std::string_view{key}}] = texts_of(&values);
  if (out.user.empty())
    return std::optional<principal>{};
  return std::optional{std::move(out)};
}

result<std::optional<principal>> impersonated(const traffic::request_view& in) {
  principal out;
  auto some = false;
  auto users = 0;
  for (const auto& f : in.fields) {
    if (!is_impersonation(f.name))
      continue;
    some = true;
    std::string value{f.value};
    if (same_name(f.name, "Impersonate-User")) {
      ++users;
      out.user = value;
    } else if (same_name(f.name, "Impersonate-Uid")) {
      out.uid = value;
    } else if (same_name(f.name, "Impersonate-Group")) {
      out.groups.push_back(value);
    } else if (f.name.size() > extra_prefix.size()
               && begins_with_name(f.name, extra_prefix)) {
      auto key = percent_decoded(f.name.substr(extra_prefix.size()));
      if (!key)
        return error{errc::bad_request,
                     "a field Impersonate-Extra-… has a broken escape", "",
                     "read the request", ""};
      out.extra[fold_case(*key)].push_back(value);
    }
  }
  if (!some)
    return std::optional<principal>{};
  if (users != 1 || out.user.empty())
    return error{errc::bad_request,
                 "who impersonates names one user: Impersonate-User", "",
                 "read the request", ""};
  if (claims_of(out).size() > claims_max)
    return error{errc::too_large,
                 "more than " + std::to_string(claims_max)
                   + " groups and extras are impersonated",
                 "", "read the request", "name fewer"};
  return std::optional{std::move(out)};
}

std::vector<claim> claims_of(const principal& x) {
  constexpr auto ours = "authentication.k8s.io";
  std::vector<claim> out;
  auto colon = x.user.find(':', service_account.size());
  if (x.user.starts_with(service_account) && colon != std::string::npos)
    out.push_back(
      {"", "serviceaccounts", "",
       x.user.substr(service_account.size(), colon - service_account.size()),
       x.user.substr(colon + 1)});
  else
    out.push_back({"", "users", "", "", x.user});
  if (!x.uid.empty())
    out.push_back({ours, "uids", "", "", x.uid});
  for (const auto& group : x.groups)
    out.push_back({"", "groups", "", "", group});
  for (const auto& [key, values] : x.extra)
    for (const auto& value : values)
      out.push_back({ours, "userextras", key, "", value});
  return out;
}

traffic::aside access_review(const principal& who, const claim& what,
                             const site_id& here, const service_id& service) {
  json::object attributes{{"verb", "impersonate"},
                          {"group", what.group},
                          {"resource", what.resource},
                          {"name", what.name}};
  if (!what.subresource.empty())
    attributes["subresource"] = what.subresource;
  if (!what.ns.empty())
    attributes["namespace"] = what.ns;
  json::object extra;
  for (const auto& [key, values] : who.extra)
    extra[key] = list_of(values);
  json::object spec{{"user", who.user},
                    {"groups", list_of(who.groups)},
                    {"resourceAttributes", std::move(attributes)}};
  if (!who.uid.empty())
    spec["uid"] = who.uid;
  if (!extra.empty())
    spec["extra"] = std::move(extra);
  json::object body;
  body["apiVersion"] = "authorization.k8s.io/v1";
  body["kind"] = "SubjectAccessReview";
  body["spec"] = std::move(spec);
  return posted("/apis/authorization.k8s.io/v1/subjectaccessreviews",
                std::move(body), here, service);
}

result<bool> read_access(const traffic::small_answer& told) {
  auto status = status_in(told, "subjectaccessreviews");
  if (!status)
    return status.error();
  const auto* allowed = status->get_object().if_contains("allowed");
  return allowed != nullptr && allowed->is_bool() && allowed->get_bool();
}

result<listed> read_list(std::string_view body) {
  json::error_code failed;
  auto whole = json::parse(body, failed);
  const auto* items = failed ? nullptr : whole.find_pointer("/items", failed);
  if (items == nullptr || !(items->is_array() || items->is_null()))
    return error{errc::broken, "the API server's list is none", "",
                 "look which objects there are", ""};
  listed out;
  if (items->is_array())
    for (const auto& x : items->get_array())
      if (const auto* meta = x.find_pointer("/metadata", failed);
          meta != nullptr && meta->is_object())
        out.names.emplace_back(text_in(meta->get_object(), "namespace"),
                               text_in(meta->get_object(), "name"));
  if (const auto* meta = whole.find_pointer("/metadata", failed);
      meta != nullptr && meta->is_object())
    out.next = text_in(meta->get_object(), "continue");
  return out;
}

traffic::small_answer status_of(unsigned code, std::string_view reason,
                                std::string_view message,
                                const std::vector<std::string>& causes) {
  json::object out;
  out["kind"] = "Status";
  out["apiVersion"] = "v1";
  out["metadata"] = json::object{};
  out["status"] = "Failure";
  out["message"] = message;
  out["reason"] = reason;
  json::array all;
  for (const auto& x : causes)
    all.push_back(json::object{{"message", x}});
  if (!all.empty())
    out["details"] = json::object{{"causes", std::move(all)}};
  out["code"] = code;
  return {
    code, {{"Content-Type", "application/json"}}, json::serialize(out) + "\n"};
}

} // namespace cheops::glue::kubernetes
