#pragma once

#include "cheops/traffic/adapter.hpp"
#include "cheops/traffic/remembered.hpp"
#include "glue/openstack/identity.hpp"
#include "glue/openstack/token.hpp"

#include <memory>
#include <mutex>
#include <string>

/// What the adapter remembers: bounded, and none of it a secret.
namespace cheops::glue::openstack {

/// What a Keystone says of a token.
struct opinion {
  unsigned status = 0; ///< Keystone's; 0: it could not be asked, `why`.
  error why;
  identity who; ///< With 200.
};

/// A token of this site that was asked about.
struct credential : opinion {
  std::string catalogue; ///< A JSON array; only of those who may validate.
};

/// What the Keystone that issued a token says of it.
struct validation : opinion {
  std::string body;
};

/// Safe to call from every thread.
class memory {
public:
  memory(const site::limits& most, marker marks);

  [[nodiscard]] const marker& marks() const noexcept { return marks_; }

  // -- tokens ----------------------------------------------------------------
  /// Null: ask with `about_credential`, and learn the answer.
  [[nodiscard]] std::shared_ptr<const credential>
  who_is(std::string_view bare, traffic::clock::time_point now);
  [[nodiscard]] std::shared_ptr<const validation>
  valid(std::string_view bare, std::string_view issuer,
        traffic::clock::time_point now);

  /// `base`: see below.
  [[nodiscard]] traffic::aside about_credential(std::string_view bare,
                                                std::string_view base,
                                                const site_id& here,
                                                const service_id& identity);
  [[nodiscard]] traffic::aside about_foreign(std::string_view bare,
                                             std::string_view base,
                                             const site_id& issuer,
                                             const service_id& identity);

  void learn(const traffic::aside& asked,
             const result<traffic::small_answer>& told,
             const site::config& config, const traffic::moment& now);

  // -- causes ----------------------------------------------------------------
  /// Why a token was not accepted: for the user, whom the service tells less.
  void blame(std::string_view bare, const error& why,
             traffic::clock::time_point until);
  void forgive(std::string_view bare);
  [[nodiscard]] std::optional<error> cause(std::string_view bare,
                                           traffic::clock::time_point now);

  // -- servers ---------------------------------------------------------------
  void keep(std::string_view server, std::string scope,
            traffic::clock::time_point until);
  /// Empty: none is kept. What is found stays until `until`.
  [[nodiscard]] std::string kept(std::string_view server,
                                 traffic::clock::time_point now,
                                 traffic::clock::time_point until);

  // -- this site's Keystone --------------------------------------------------
  /// What stands before "/v3" in its paths ("/identity" in some clouds);
  /// nullopt until it has answered at such a path.
  void base(std::string_view x);
  [[nodiscard]] std::optional<std::string> base() const;
  /// The catalogue for a project; "[]" until one was seen.
  [[nodiscard]] std::string catalogue(const credential* asker,
                                      std::string_view project) const;

private:
  void learn_credential(const std::string& key,
                        const result<traffic::small_answer>& told,
                        const site::config& config, const traffic::moment& now);
  void learn_validation(const std::string& key,
                        const result<traffic::small_answer>& told,
                        const site::config& config, const traffic::moment& now);

  marker marks_;
  traffic::remembered<std::shared_ptr<const credential>> credentials_;
  traffic::remembered<std::shared_ptr<const validation>> validations_;
  traffic::remembered<error> causes_;
  traffic::remembered<std::string> servers_;
  mutable std::mutex guard_; ///< Of the two below.
  std::optional<std::string> base_;
  std::shared_ptr<const credential> last_service_;
};

} // namespace cheops::glue::openstack
