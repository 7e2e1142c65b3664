#pragma once

#include "glue/openstack/memory.hpp"

#include <memory>
#include <string>

/// What is looked at, and changed, in the answers of OpenStack's services, and
/// in the request for a token.
namespace cheops::glue::openstack {

/// What to do with one answer; what is empty is not done.
struct answer_tasks {
  std::string scope;   ///< Goes behind the token that is given out.
  std::string subject; ///< The subject token, as the client sent it.
  std::string base;    ///< Of Keystone, learned when a token is given out.
  bool gives_token = false;
  std::string prefix; ///< Links are to keep it, …
  std::string host;   ///< … those to this host.
  bool to_fronts = false;
  std::shared_ptr<const site::config> config;
  std::string server_scope; ///< A server made here keeps it.
  std::string token;        ///< Marked, bare: a cause recorded for it is told.

  [[nodiscard]] bool nothing() const noexcept;
  /// Whether the body is wanted, so that it must not come coded.
  [[nodiscard]] bool wants_body() const noexcept;
};

[[nodiscard]] std::unique_ptr<traffic::follower>
follow(answer_tasks what, std::shared_ptr<memory> known);

} // namespace cheops::glue::openstack
