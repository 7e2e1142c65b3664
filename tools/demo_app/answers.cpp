#include "tools/demo_app/answers.hpp"

#include <boost/json.hpp>

#include <cstdlib>

namespace demo {

namespace json = boost::json;

namespace {

std::string_view title_of(unsigned status) {
  switch (status) {
  case 400:
    return "Bad Request";
  case 404:
    return "Not Found";
  case 409:
    return "Conflict";
  case 412:
    return "Precondition Failed";
  case 422:
    return "Unprocessable Content";
  case 502:
    return "Bad Gateway";
  case 507:
    return "Insufficient Storage";
  default:
    return "Error";
  }
}

std::string tag_of(const record& x) {
  return '"' + std::to_string(x.version) + '"';
}

} // namespace

response problem(unsigned status, std::string detail) {
  auto out = answer(status, json::object{{"type", "about:blank"},
                                         {"title", title_of(status)},
                                         {"status", status},
                                         {"detail", detail}});
  out.type = "application/problem+json";
  return out;
}

response answer(unsigned status, const json::value& body) {
  response out;
  out.status = status;
  out.body = json::serialize(body) + '\n';
  return out;
}

response answer(const request& to, const record& x) {
  auto tag = tag_of(x);
  response out;
  if (to.method == "GET" && to.get("If-None-Match") == tag) {
    out.status = 304;
    out.type.clear();
  } else {
    out = answer(200, x.body);
  }
  out.fields.emplace_back("ETag", tag);
  return out;
}

response refusal(collection::outcome what, const std::string& kind,
                 const std::string& name) {
  using outcome = collection::outcome;
  switch (what) {
  case outcome::absent:
    return problem(404, kind + ' ' + name + " not found");
  case outcome::taken:
    return problem(409, "a " + kind + " named " + name + " exists");
  case outcome::stale:
    return problem(412, kind + ' ' + name + " has changed since");
  case outcome::full:
    return problem(507, "no room for more " + kind + 's');
  case outcome::done:
    break;
  }
  return problem(500, "nothing to refuse");
}

std::variant<json::object, response> members_of(const request& in) {
  boost::system::error_code failed;
  auto body = json::parse(in.body, failed);
  if (failed || !body.is_object())
    return problem(400, "the body must be a JSON object");
  if (text_of(body.get_object(), "name").empty())
    return problem(422, "\"name\" must be a text and not empty");
  return std::move(body.get_object());
}

std::string text_of(const json::object& from, std::string_view member) {
  const auto* x = from.if_contains({member.data(), member.size()});
  if (!x || !x->is_string())
    return {};
  return {x->get_string().data(), x->get_string().size()};
}

std::optional<std::uint64_t> expected_version(const request& in) {
  auto tag = in.get("If-Match");
  if (tag.empty() || tag == "*")
    return std::nullopt;
  std::string digits{tag.substr(0, tag.rfind('"')).substr(1)};
  return std::strtoull(digits.c_str(), nullptr, 10);
}

} // namespace demo
