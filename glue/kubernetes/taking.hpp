#pragma once

#include "cheops/traffic/adapter.hpp"
#include "cheops/traffic/remembered.hpp"
#include "glue/adapters.hpp"
#include "glue/kubernetes/object_name.hpp"
#include "glue/kubernetes/principal.hpp"

#include <atomic>
#include <memory>
#include <string>

/// From a request to an operation that each site's API server can run, in the
/// name of who asked (docs/decisions/0013-kubernetes-objects.md).
namespace cheops::glue::kubernetes {

/// Whose a token is, for a short while. For all threads.
class users {
public:
  users(std::size_t most, keyed_digest digest)
    : known_(most), digest_(std::move(digest)) {}

  [[nodiscard]] std::shared_ptr<const principal>
  find(std::string_view token, traffic::clock::time_point now);
  void put(std::string_view token, std::shared_ptr<const principal> who,
           traffic::clock::time_point until);

  /// The end of a generated name: five letters and digits that nobody can
  /// guess, as the API server makes them.
  [[nodiscard]] std::string suffix();

private:
  traffic::remembered<std::shared_ptr<const principal>> known_;
  keyed_digest digest_;
  std::atomic<std::uint64_t> names_{0};
};

/// So long a token counts that is revoked meanwhile, at most (and at most
/// `timeouts.validation`).
inline constexpr std::chrono::seconds user_kept{10};

/// A server-side apply of an object: it makes what is not there.
[[nodiscard]] bool is_apply(const traffic::request_view& in,
                            const object_request& is);

[[nodiscard]] std::unique_ptr<traffic::taking>
make_taking(traffic::to_take what, std::shared_ptr<users> known);

} // namespace cheops::glue::kubernetes
