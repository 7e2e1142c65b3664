#include "glue/kubernetes/rights.hpp"

#include <boost/json.hpp>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

namespace {

constexpr right needed[] = {
  {"create", "authentication.k8s.io", "tokenreviews"},
  {"create", "authorization.k8s.io", "subjectaccessreviews"},
  {"impersonate", "", "users"},
  {"impersonate", "", "groups"},
  {"impersonate", "authentication.k8s.io", "uids"},
};

} // namespace

std::span<const right> needed_rights() {
  return needed;
}

std::string to_string(const right& x) {
  return std::string{x.verb} + " " + std::string{x.resource};
}

std::string review_of(const right& x) {
  json::object of;
  of["verb"] = x.verb;
  of["group"] = x.group;
  of["resource"] = x.resource;
  json::object out;
  out["apiVersion"] = "authorization.k8s.io/v1";
  out["kind"] = "SelfSubjectAccessReview";
  out["spec"] = {{"resourceAttributes", std::move(of)}};
  return json::serialize(out);
}

std::optional<bool> allowed_by(std::string_view answer) {
  boost::system::error_code ec;
  auto whole = json::parse(answer, ec);
  if (ec)
    return std::nullopt;
  const auto* x = whole.find_pointer("/status/allowed", ec);
  if (x == nullptr || !x->is_bool())
    return std::nullopt;
  return x->get_bool();
}

} // namespace cheops::glue::kubernetes
