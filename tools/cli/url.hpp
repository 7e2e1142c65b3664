#pragma once

#include <string>
#include <string_view>
#include <vector>

/// How a scope rides in URLs.
namespace cheops::cli {

/// "http://host:1" -> "http://host:1/scope/<base64url>"; as it is without a
/// scope. No slash at the end, so that a path can follow.
[[nodiscard]] std::string with_scope(std::string_view url,
                                     std::string_view scope);

/// A service and where this machine's clients reach its front.
struct front_url {
  std::string service;
  std::vector<std::string> aliases;
  std::string url;
};

/// By name or alias in any case; nullptr if there is none.
[[nodiscard]] const front_url* find_front(const std::vector<front_url>& all,
                                          std::string_view service);

/// Replaces {url:SERVICE}, {scope} and {scope64}. What is in braces but none
/// of them stays. `missing`: a service that has no front; else empty. `old`:
/// what the variable was; where a URL there has a path before what stands
/// behind {url:SERVICE}, the service is below it: "http://host/identity/v3".
struct expansion {
  std::string text;
  std::string missing;
};
[[nodiscard]] expansion expand(std::string_view text,
                               const std::vector<front_url>& fronts,
                               std::string_view scope,
                               std::string_view old = {});

} // namespace cheops::cli
