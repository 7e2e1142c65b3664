#include "cheops/result.hpp"

#include <array>
#include <cassert>
#include <stdexcept>

namespace cheops {

namespace {

constexpr std::array<error_class, 22> classes{{
  {"none", 500, "No error"},
  {"bad-scope", 400, "The scope is wrong"},
  {"unknown-site", 400, "The scope names a site that is not known"},
  {"unknown-service", 400, "The scope names a service out of reach"},
  {"not-built", 501, "This release does not run such a scope"},
  {"bad-request", 400, "The request breaks HTTP's rules"},
  {"too-large", 413, "The request is over a limit"},
  {"forbidden", 403, "The site's policy refuses the request"},
  {"loop", 508, "The request came back to where it had been"},
  {"unreachable", 503, "A site cannot be reached"},
  {"timed-out", 504, "No answer in time"},
  {"overloaded", 503, "The node is at a limit"},
  {"bad-config", 500, "The configuration is wrong"},
  {"broken", 502, "The upstream broke off or answered nonsense"},
  {"io", 500, "The operating system refused"},
  {"no-quorum", 503, "Too few sites of the resource can be reached"},
  {"undecided", 504, "Whether it was done is not known yet"},
  {"stale", 412, "The resource was changed since it was read"},
  {"conflict", 409, "What is there already stands against it"},
  {"not-found", 404, "There is no such thing here"},
  {"key-reused", 422, "The Idempotency-Key belongs to another request"},
  {"unsettled", 503, "A create here is not settled yet"},
}};

} // namespace

const error_class& describe(errc code) noexcept {
  auto i = static_cast<std::size_t>(code);
  assert(i < classes.size());
  return classes[i];
}

errc from_slug(std::string_view slug) noexcept {
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (classes[i].slug == slug)
      return static_cast<errc>(i);
  return errc::none;
}

std::string to_string(const error& x) {
  std::string out;
  if (!x.site.empty())
    out += "site " + x.site;
  if (!x.step.empty())
    out += (out.empty() ? "" : ", ") + x.step;
  out += (out.empty() ? "" : ": ") + x.what;
  if (!x.hint.empty())
    out += " (" + x.hint + ")";
  return out;
}

void throw_exception_from_error(const error& x, const boost::source_location&) {
  throw std::runtime_error(to_string(x));
}

} // namespace cheops
