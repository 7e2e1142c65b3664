#include "glue/openstack/identity.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace cheops::glue::openstack {

namespace {

namespace json = boost::json;

/// Names of roles match whatever their case, as OpenStack's policies do.
constexpr std::array<std::string_view, 2> privileged{"admin", "service"};

error nonsense(std::string_view what) {
  return {errc::broken,
          "Keystone's answer about a token has no " + std::string{what}, "",
          "ask about a token", ""};
}

const json::object* object_at(const json::object& in, std::string_view key) {
  const auto* x = in.if_contains(key);
  return x != nullptr ? x->if_object() : nullptr;
}

std::string text_at(const json::object* in, std::string_view key) {
  const auto* x = in != nullptr ? in->if_contains(key) : nullptr;
  const auto* text = x != nullptr ? x->if_string() : nullptr;
  return text != nullptr ? std::string{text->data(), text->size()} : "";
}

std::string domain_of(const json::object* in) {
  return in != nullptr ? text_at(object_at(*in, "domain"), "id") : "";
}

bool has_name(const std::vector<std::string>& all, std::string_view name) {
  return std::ranges::any_of(
    all, [&](const std::string& one) { return same_name(one, name); });
}

/// Whether a rule means this user or project: by id, or by name.
bool is_meant(const std::vector<std::string>& rule, std::string_view id,
              std::string_view name, std::string_view domain) {
  return has_name(rule, id) || (domain == named_domain && has_name(rule, name));
}

bool is_privileged(std::string_view role) {
  return std::ranges::any_of(privileged,
                             [&](auto one) { return same_name(one, role); });
}

template <class T>
bool digits(std::string_view text, std::size_t at, std::size_t n, T& to) {
  if (text.size() < at + n)
    return false;
  auto part = text.substr(at, n);
  auto [end, ec] = std::from_chars(part.data(), part.data() + n, to);
  return ec == std::errc{} && end == part.data() + n && part[0] != '-';
}

} // namespace

result<std::chrono::system_clock::time_point> read_time(std::string_view x) {
  using namespace std::chrono;
  int year_ = 0;
  unsigned month_ = 0, day_ = 0, hour = 0, minute = 0, second = 0;
  auto fine = digits(x, 0, 4, year_) && digits(x, 5, 2, month_)
              && digits(x, 8, 2, day_) && digits(x, 11, 2, hour)
              && digits(x, 14, 2, minute) && digits(x, 17, 2, second)
              && x[4] == '-' && x[7] == '-' && x[10] == 'T' && x[13] == ':'
              && x[16] == ':' && x.ends_with('Z');
  auto date = year{year_} / month{month_} / day{day_};
  if (!fine || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return nonsense("time that can be read");
  return system_clock::time_point{sys_days{date}} + hours{hour}
         + minutes{minute} + seconds{second};
}

result<identity> read_identity(std::string_view body) {
  boost::system::error_code ec;
  auto whole = json::parse(body, ec);
  const auto* outer = ec ? nullptr : whole.if_object();
  const auto* token = outer != nullptr ? object_at(*outer, "token") : nullptr;
  if (token == nullptr)
    return nonsense("token");
  identity out;
  const auto* user = object_at(*token, "user");
  out.user = text_at(user, "id");
  out.user_name = text_at(user, "name");
  out.user_domain = domain_of(user);
  if (out.user.empty())
    return nonsense("user");
  const auto* project = object_at(*token, "project");
  out.project = text_at(project, "id");
  out.project_name = text_at(project, "name");
  out.project_domain = domain_of(project);
  out.beyond_project = token->contains("domain") || token->contains("system");
  if (const auto* roles = token->if_contains("roles");
      roles != nullptr && roles->is_array())
    for (const auto& role : roles->get_array())
      if (role.is_object())
        out.roles.push_back(text_at(&role.get_object(), "name"));
  auto expires = read_time(text_at(token, "expires_at"));
  if (!expires)
    return expires.error();
  out.expires = *expires;
  return out;
}

bool is_service(const identity& x, const site::config& config) {
  return has_name(x.roles, "service")
         || is_meant(config.service_users, x.user, x.user_name, x.user_domain);
}

bool may_validate(const identity& x, const site::config& config) {
  return has_name(x.roles, "admin") || is_service(x, config);
}

result<std::vector<std::string>> judge(const identity& x,
                                       const site::trust& rules,
                                       const site_id& issuer,
                                       const site_id& here) {
  auto refuse = [&](std::string what, std::string_view rule) -> error {
    return {errc::forbidden, std::move(what), here.value,
            "judge a token of " + issuer.value,
            "the operator of " + here.value + " decides: " + std::string{rule}
              + " under trust for " + issuer.value};
  };
  if (!rules.tokens)
    return refuse("tokens that " + issuer.value + " issued are not accepted",
                  "tokens");
  auto any = has_name(rules.roles, "*");
  auto is_admin_fine = any || has_name(rules.roles, "admin");
  if ((x.beyond_project || x.project.empty()) && !is_admin_fine)
    return refuse("a token of " + issuer.value
                    + " counts for a project only, and this one is for "
                    + (x.beyond_project ? "more" : "none"),
                  "the role admin");
  if (!rules.projects.empty()
      && !is_meant(rules.projects, x.project, x.project_name, x.project_domain))
    return refuse("users of the project \"" + x.project_name + "\" of "
                    + issuer.value + " are not accepted",
                  "projects");
  std::vector<std::string> out;
  for (const auto& role : x.roles) {
    auto counts = any || has_name(rules.roles, role);
    if (is_privileged(role) && !counts)
      return refuse("the role \"" + role + "\" of " + issuer.value
                      + " is not accepted",
                    "roles");
    if (counts || rules.roles.empty())
      out.push_back(role);
  }
  if (out.empty() && !(any && x.roles.empty()))
    return refuse(
      "none of the user's roles at " + issuer.value + " is accepted", "roles");
  return out;
}

result<std::string> counted_answer(std::string_view body,
                                   const std::vector<std::string>& roles,
                                   std::string_view catalogue) {
  boost::system::error_code ec;
  auto whole = json::parse(body, ec);
  auto* outer = ec ? nullptr : whole.if_object();
  auto* token = outer != nullptr ? outer->if_contains("token") : nullptr;
  if (token == nullptr || !token->is_object())
    return nonsense("token");
  auto& inner = token->get_object();
  auto* all = inner.if_contains("roles");
  if (all != nullptr && all->is_array()) {
    json::array kept;
    for (auto& role : all->get_array())
      if (role.is_object()
          && has_name(roles, text_at(&role.get_object(), "name")))
        kept.push_back(role);
    *all = std::move(kept);
  }
  auto mine = json::parse(catalogue, ec);
  if (ec || !mine.is_array())
    return nonsense("catalogue");
  inner["catalog"] = std::move(mine);
  return json::serialize(whole);
}

} // namespace cheops::glue::openstack
