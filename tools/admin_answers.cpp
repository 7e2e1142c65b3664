#include "tools/admin_answers.hpp"

#include "http/problem.hpp"

#include <boost/json.hpp>

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
  if (status == 0)
    status = describe(x.code).status;
  auto body = http::as_problem(status, x);
  for (const auto* member : {"site", "step", "hint"})
    body.emplace(member, ""); // Each is there, always.
  for (auto& member : more)
    body[member.key()] = std::move(member.value());
  auto out = http::to_response(status, x, x.site);
  out.body = json::serialize(body) + "\n";
  return out;
}

} // namespace cheops::tools
