#pragma once

#include "glue/openstack/memory.hpp"

#include <memory>
#include <optional>
#include <string>

/// What is looked at, and changed, in the answers of OpenStack's services, and
/// in the request for a token.
namespace cheops::glue::openstack {

/// What to do with one answer; what is empty is not done.
struct answer_tasks {
  std::string scope;   ///< Goes behind the token that is given out.
  std::string subject; ///< The subject token, as the client sent it.
  /// Of this site's Keystone: known once it has answered there.
  std::optional<std::string> base;
  bool gives_token = false;
  /// Of `config`: links in the answer are to lead to it, under `prefix`;
  /// null: they stay.
  const site::front* front = nullptr;
  std::string prefix;
  std::string host;       ///< As the client asked for it.
  bool to_fronts = false; ///< The catalogue is to.
  std::shared_ptr<const site::config> config;
  std::shared_ptr<const application::description> app;
  std::string server_scope; ///< A server made here keeps it.
  std::string token;        ///< Marked, bare: a cause recorded for it is told.

  [[nodiscard]] bool nothing() const noexcept;
  /// Whether the body is wanted, so that it must not come coded.
  [[nodiscard]] bool wants_body() const noexcept;
};

[[nodiscard]] std::unique_ptr<traffic::follower>
follow(answer_tasks what, std::shared_ptr<memory> known);

} // namespace cheops::glue::openstack
