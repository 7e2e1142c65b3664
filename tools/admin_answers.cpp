#include "tools/admin_answers.hpp"

namespace cheops::tools {

namespace json = boost::json;

http::service_response reply(unsigned status, std::string type,
                             std::string body) {
  http::service_response out;
  out.status = status;
  out.type = std::move(type);
  out.body = std::move(body);
  return out;
}

http::service_response answer(const json::value& x, unsigned status) {
  return reply(status, "application/json", json::serialize(x) + "\n");
}

http::service_response problem(const error& x, json::object more,
                               unsigned status) {
  const auto& kind = describe(x.code);
  json::object body;
  body["type"] = "about:blank";
  body["title"] = kind.title;
  body["status"] = status == 0 ? kind.status : status;
  body["detail"] = x.what;
  body["code"] = kind.slug;
  body["site"] = x.site;
  body["step"] = x.step;
  body["hint"] = x.hint;
  for (auto& member : more)
    body[member.key()] = std::move(member.value());
  auto out = reply(status == 0 ? kind.status : status,
                   "application/problem+json", json::serialize(body) + "\n");
  out.fields.emplace_back("Cheops-Error", kind.slug);
  return out;
}

} // namespace cheops::tools
