#include "tools/admin.hpp"

#include "cheops/scope/parse.hpp"
#include "cheops/text.hpp"
#include "tools/admin_answers.hpp"
#include "tools/admin_json.hpp"
#include "tools/admin_replicants.hpp"
#include "tools/explain.hpp"
#include "tools/time.hpp"

#include <boost/json.hpp>

#include <cassert>
#include <map>

namespace cheops::tools {

namespace json = boost::json;

/// tools/openapi.json, embedded by the build.
extern const std::string_view openapi_text;

namespace {

using http::service_request;
using http::service_response;
using context_ptr = std::shared_ptr<const admin_context>;

service_response text(unsigned status, std::string body) {
  return reply(status, "text/plain; charset=utf-8", std::move(body));
}

service_response explained(const admin_context& in, const service_request& rq) {
  auto body = to_explain_request(rq.body);
  if (!body) {
    auto why = body.error();
    why.site = in.config()->name.value;
    return problem(why);
  }
  auto found =
    explain(*body, *in.application(), *in.view(), in.replication != nullptr);
  if (found)
    return answer(*found);
  auto failure = found.error();
  if (failure.what.site.empty())
    failure.what.site = in.config()->name.value;
  json::object more;
  if (failure.where) {
    more["pointer"] = "#/scope";
    more["at"] = failure.where->at;
    more["caret"] = scope::pointed(body->scope, *failure.where);
    more["expected"] = failure.where->expected;
    more["nearest"] = failure.where->nearest;
  }
  return problem(failure.what, std::move(more));
}

service_response ready(const admin_context& in, const service_request& rq) {
  bool passed = true;
  std::string lines;
  for (const auto& x : in.checks()) {
    passed = passed && x.ok;
    lines += (x.ok ? "[+]" : "[-]") + x.name
             + (x.ok ? " ok" : " failed: " + x.why) + "\n";
  }
  auto view = in.view();
  for (const auto& x : view->sites)
    if (x.state == mesh::reach::up)
      lines += "[+]peer " + x.name.value + " ok\n";
    else if (x.state != mesh::reach::self)
      lines += "[!]peer " + x.name.value + " "
               + std::string{mesh::to_string(x.state)} + " (not counted)\n";
  auto verdict = std::string{"readyz check "} + (passed ? "passed" : "failed");
  auto verbose = rq.query.contains("verbose") || !passed;
  return text(passed ? 200 : 503, verbose ? lines + verdict + "\n" : "ok\n");
}

service_response put_faults(const admin_context& in,
                            const service_request& rq) {
  auto site = in.config()->name.value;
  auto table = to_fault_table(rq.body, *in.view());
  if (!table) {
    auto why = table.error();
    why.site = site;
    return problem(why);
  }
  if (!in.put_faults(*table))
    return problem({errc::forbidden, "faults are only for experiments", site,
                    "put faults",
                    "set experiments: true in the site's configuration"});
  return answer(faults_json(in.faults()));
}

json::object version_json(const admin_context& in) {
  json::object out;
  out["version"] = in.version;
  out["site"] = in.config()->name.value;
  out["application"] = in.application()->name;
  out["started"] = utc_ms(in.started);
  return out;
}

} // namespace

std::string openapi_document(std::string_view version) {
  std::string out{openapi_text};
  constexpr std::string_view mark = "@VERSION@";
  auto at = out.find(mark);
  assert(at != std::string::npos);
  return out.replace(at, mark.size(), version);
}

std::vector<http::route> admin_routes(admin_context context) {
  assert(context.view && context.config && context.application);
  assert(context.metrics && context.checks);
  assert(context.faults && context.put_faults);
  auto in = std::make_shared<const admin_context>(std::move(context));
  auto get = [&](std::string path, auto render) {
    return http::route{
      "GET", std::move(path),
      [in, render](const service_request&) { return answer(render(*in)); }};
  };
  using ctx = const admin_context&;
  std::vector<http::route> out;
  out.push_back({"GET", "/livez",
                 [](const service_request&) { return text(200, "ok\n"); },
                 false});
  out.push_back({"GET", "/readyz",
                 [in](const service_request& rq) { return ready(*in, rq); },
                 false});
  out.push_back({"GET", "/metrics", [in](const service_request&) {
                   return reply(200, "text/plain; version=0.0.4; charset=utf-8",
                                in->metrics());
                 }});
  out.push_back({"GET", "/openapi.json", [in](const service_request&) {
                   return reply(200, "application/json",
                                openapi_document(in->version));
                 }});
  out.push_back(get("/v1/version", version_json));
  out.push_back(get("/v1/sites", [](ctx x) { return sites_json(*x.view()); }));
  out.push_back(get("/v1/links", [](ctx x) { return links_json(*x.view()); }));
  out.push_back(
    get("/v1/fronts", [](ctx x) { return fronts_json(*x.config()); }));
  out.push_back(get("/v1/application",
                    [](ctx x) { return application_json(*x.application()); }));
  out.push_back(
    get("/v1/faults", [](ctx x) { return faults_json(x.faults()); }));
  out.push_back({"POST", "/v1/scope:explain", [in](const service_request& rq) {
                   return explained(*in, rq);
                 }});
  out.push_back({"PUT", "/v1/faults", [in](const service_request& rq) {
                   return put_faults(*in, rq);
                 }});
  add_replicant_routes(out, in);
  return out;
}

result<std::unique_ptr<http::service>> start_admin(admin_context context) {
  assert(context.config);
  http::service_settings with;
  with.at = context.config()->admin;
  with.site = context.config()->name.value;
  with.index = "/openapi.json";
  // Changes of sites are waited for; the rest must not wait for them.
  with.threads = 4;
  with.routes = admin_routes(std::move(context));
  return http::service::start(std::move(with));
}

} // namespace cheops::tools
