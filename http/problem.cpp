#include "http/problem.hpp"

#include "http/text.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/json.hpp>

namespace cheops::http {

namespace {

namespace json = boost::json;

constexpr std::size_t text_bytes_max = 1024;
constexpr std::size_t name_bytes_max = 256; // Sites, steps.

// When trying again is worth it, in seconds; 0: it will not help by itself.
unsigned retry_after(errc code) {
  switch (code) {
  case errc::overloaded:
  case errc::unreachable:
  case errc::no_quorum:
  case errc::unsettled:
    return 1;
  default:
    return 0;
  }
}

json::string text(std::string_view x, std::size_t bytes_max = text_bytes_max) {
  return json::string{clean_utf8(x, bytes_max)};
}

std::string_view title_of(unsigned status, const error& x) {
  auto& known = describe(x.code);
  auto phrase = reason_phrase(status);
  return status == known.status || phrase.empty() ? known.title : phrase;
}

} // namespace

json::object as_problem(unsigned status, const error& x) {
  json::object out;
  std::string type = "urn:cheops:error:";
  out["type"] = type.append(describe(x.code).slug);
  out["title"] = title_of(status, x);
  out["status"] = status;
  out["detail"] = text(x.what);
  out["code"] = describe(x.code).slug;
  if (!x.site.empty())
    out["site"] = text(x.site, name_bytes_max);
  if (!x.step.empty())
    out["step"] = text(x.step, name_bytes_max);
  if (!x.hint.empty())
    out["hint"] = text(x.hint);
  return out;
}

namespace {

/// What keystoneauth and the command line clients of OpenStack show: they
/// read the message alone, so it says all of it.
json::object as_openstack(unsigned status, const error& x) {
  auto phrase = reason_phrase(status);
  json::object inner;
  inner["code"] = status;
  inner["message"] = text(to_string(x), 2 * text_bytes_max);
  inner["title"] = phrase.empty() ? describe(x.code).title : phrase;
  json::object out;
  out["error"] = std::move(inner);
  return out;
}

// metav1.StatusReason, as apimachinery maps a status without a reason.
std::string_view kubernetes_reason(unsigned status) {
  switch (status) {
  case 400:
    return "BadRequest";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "NotFound";
  case 405:
    return "MethodNotAllowed";
  case 406:
    return "NotAcceptable";
  case 408:
  case 504:
    return "Timeout";
  case 409:
    return "Conflict";
  case 410:
    return "Gone";
  case 413:
    return "RequestEntityTooLarge";
  case 415:
    return "UnsupportedMediaType";
  case 422:
    return "Invalid";
  case 429:
    return "TooManyRequests";
  case 503:
    return "ServiceUnavailable";
  default:
    return status >= 500 ? "InternalError" : "";
  }
}

/// metav1.Status; kubectl prints "Error from server (REASON): MESSAGE".
json::object as_kubernetes(unsigned status, const error& x) {
  json::object cause;
  std::string type = "Cheops:";
  cause["reason"] = type.append(describe(x.code).slug);
  cause["message"] = text(x.what);
  if (!x.step.empty())
    cause["field"] = text(x.step, name_bytes_max);
  json::object details;
  if (!x.site.empty()) {
    details["name"] = text(x.site, name_bytes_max);
    details["kind"] = "site";
  }
  details["causes"] = json::array{std::move(cause)};
  if (auto seconds = retry_after(x.code))
    details["retryAfterSeconds"] = seconds;
  json::object out;
  out["kind"] = "Status";
  out["apiVersion"] = "v1";
  out["metadata"] = json::object{};
  out["status"] = "Failure";
  out["message"] = text(to_string(x), 2 * text_bytes_max);
  out["reason"] = kubernetes_reason(status);
  out["details"] = std::move(details);
  out["code"] = status;
  return out;
}

} // namespace

std::string_view reason_phrase(unsigned status) noexcept {
  namespace bh = boost::beast::http;
  auto known = bh::int_to_status(status);
  if (known == bh::status::unknown)
    return {};
  auto phrase = bh::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

problem to_problem(unsigned status, const error& x, application::error_shape as,
                   std::string_view here) {
  problem out;
  out.status = status;
  out.type = "application/json";
  switch (as) {
  case application::error_shape::problem:
    out.type = "application/problem+json";
    out.body = json::serialize(as_problem(status, x));
    break;
  case application::error_shape::openstack:
    out.body = json::serialize(as_openstack(status, x));
    break;
  case application::error_shape::kubernetes:
    out.body = json::serialize(as_kubernetes(status, x));
    break;
  }
  out.body += '\n';
  out.fields.emplace_back("Cheops-Error", describe(x.code).slug);
  // The site that failed where the error names one, else the one that says so.
  auto site = x.site.empty() ? here : std::string_view{x.site};
  if (!site.empty())
    out.fields.emplace_back("Cheops-Site", clean_field(site, name_bytes_max));
  out.fields.emplace_back("Cache-Control", "no-store");
  if (auto seconds = retry_after(x.code))
    out.fields.emplace_back("Retry-After", std::to_string(seconds));
  return out;
}

problem to_problem(const error& x, application::error_shape as,
                   std::string_view here) {
  return to_problem(describe(x.code).status, x, as, here);
}

} // namespace cheops::http
