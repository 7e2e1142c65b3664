// Before a request is decided on: what it must be, and who brings it.
#include "cheops/names.hpp"
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

#include <algorithm>

namespace cheops::http {

/// What no decision can help: methods and forms of target that a reverse
/// proxy has no use for, and requests that were here before.
bool exchange::route() {
  auto bad = [this](unsigned status, refusal why, const char* what) {
    refuse({errc::bad_request, what, w_.site().value, "read the request", ""},
           why, status);
    return false;
  };
  if (in_->method == "CONNECT")
    return bad(501, refusal::not_allowed, "CONNECT is not served here");
  if (in_->target.front() != '/'
      && !(in_->target == "*" && in_->method == "OPTIONS") && !absolute_form())
    return bad(400, refusal::bad_syntax,
               "the target is not a path, nor a URL of this host");
  if (in_->forwards == 0U)
    return bad(501, refusal::not_allowed,
               "Max-Forwards is 0, and the node answers neither OPTIONS nor "
               "TRACE itself");
  if (in_->has_via && !s_.is_peer_front()
      && w_.came_back(*in_, s_.front()->service->name, began_)) {
    refuse({errc::loop,
            "the request came back to where it had been: "
              + loop_tags::path_of(*in_) + " > " + with().via_name,
            w_.site().value, "route",
            "the backend of " + s_.front()->service->name.value
              + " sends its requests to this front"},
           refusal::loop);
    return false;
  }
  return true;
}

/// RFC 9112, 3.2.2: accepted, and passed on as origin form.
bool exchange::absolute_form() {
  auto rest = in_->target;
  auto scheme = rest.substr(0, rest.find("://"));
  if (!same_name(scheme, "http") && !same_name(scheme, "https"))
    return false;
  rest.remove_prefix(scheme.size() + 3);
  auto end = std::min(rest.find_first_of("/?"), rest.size());
  auto authority = rest.substr(0, end);
  if (!valid_host(authority)
      || (in_->has_host && !same_name(authority, in_->host)))
    return false;
  rest.remove_prefix(end);
  if (rest.empty() && in_->method == "OPTIONS")
    target_ = "*";
  else
    target_.assign(rest.starts_with('/') ? "" : "/").append(rest);
  in_->target = target_;
  return true;
}

traffic::caller exchange::caller_of() {
  traffic::caller out;
  out.certificate = s_.certificate();
  if (!s_.is_peer_front()) {
    out.front = s_.front()->service;
    return out;
  }
  out.peer = s_.certified();
  if (out.peer.empty())
    out.peer = claimed_;
  return out;
}

} // namespace cheops::http
