#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/scope/plan.hpp"
#include "cheops/site/config.hpp"
#include "cheops/traffic/correlation.hpp"
#include "cheops/traffic/request.hpp"
#include "cheops/traffic/taking.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// The port for what a description cannot declare of an application. See
/// docs/decisions/0009-openstack-adapter.md.
namespace cheops::traffic {

struct caller;
struct decision;

/// Both clocks, read once for each request.
struct moment {
  clock::time_point steady;
  std::chrono::system_clock::time_point wall;
};

/// What changes in the head of one leg.
struct edits {
  std::string target;            ///< Empty: as it is.
  std::vector<header> set;       ///< Replace the fields of their names.
  std::vector<std::string> drop; ///< Names of fields that do not go on.
};

/// What one request may look at beside itself.
struct surroundings {
  const std::shared_ptr<const site::config>& config;
  const mesh::view& mesh;
  correlation& ids; ///< Shared with the traces; ids have credential 0.
  moment now;
};

/// Goes on to the carriers and the plan.
struct go_on {};

/// What an adapter finds in a request.
struct reading {
  /// How it goes on. An `aside` is learned from, then the request is read
  /// anew; the others end it here.
  std::variant<go_on, error, small_answer, aside> then;

  std::string scope; ///< By a carrier of the application's own, or empty.
  /// What a resource that the request is about was made with: counts for
  /// services that no other carrier names.
  std::string kept;
  /// A prefix holds the scope of a session: it may name services that this
  /// request does not reach.
  bool is_session = false;

  edits for_local; ///< On a leg to the backend here.
  edits for_peer;  ///< On a leg to a peer.

  /// The field with the id by which inner calls are known; empty: this
  /// request leads to none.
  std::string_view id_field;
  std::string_view id_prefix; ///< Of a fresh id, before its UUID.
  std::string_view id;        ///< What the request brought; empty: none.
  std::uint64_t owner = 0;    ///< A digest of its credential.
  std::string resource;       ///< The id of what it is about; may be empty.
  /// The entry of `id`, where the request may belong to it.
  std::optional<correlated> live;
};

/// Follows one exchange: its answer, and where it wants to its request.
class follower {
public:
  virtual ~follower() = default;

  /// Whether the body of the request is to be shown before it goes on.
  [[nodiscard]] virtual bool wants_request() const noexcept { return false; }
  /// The whole body, for a new one; nullopt: as it came. An error refuses the
  /// request.
  [[nodiscard]] virtual result<std::optional<std::string>>
  on_request(std::string_view, const moment&) {
    return std::optional<std::string>{};
  }

  struct wish {
    std::vector<header> set; ///< Replace the answer's fields.
    bool body = false;       ///< `on_body` is to be called.
    /// Without its body (too large, coded) the answer must not pass.
    bool needed = false;
  };
  /// `here`: the backend of this site gave it. An error replaces the answer.
  [[nodiscard]] virtual result<wish> on_head(unsigned status,
                                             std::span<const field> fields,
                                             bool here, const moment& now) = 0;

  /// The whole body, for a new one; nullopt: as it came.
  [[nodiscard]] virtual result<std::optional<std::string>>
  on_body(std::string_view body, const moment& now) = 0;
};

/// Bodies above it are not shown to a follower.
inline constexpr std::size_t followed_body_bytes_max = 1024 * 1024;

/// The same for requests; a larger one is refused.
inline constexpr std::size_t followed_request_bytes_max = 128 * 1024;

/// Asides of one request, before it is refused.
inline constexpr unsigned asides_max = 8;

/// What is known of one application beyond its description. Called by all
/// threads of the data plane; does no I/O and reads no clock.
class adapter {
public:
  virtual ~adapter() = default;

  /// First of all, at each front. `of`: the service that is asked.
  [[nodiscard]] virtual reading read(const request_view& in, const caller& from,
                                     const application::service& of,
                                     const surroundings& around) = 0;

  /// What came of an aside; `read` is called again.
  virtual void learn(const aside& asked, const result<small_answer>& told,
                     const surroundings& around) = 0;

  /// Whether the sites that a scope names go together, for a request that
  /// will run at `sites`. Depends on nothing else, so the answer is kept
  /// with the plan.
  [[nodiscard]] virtual result<void>
  check(const scope::tree& scope, const scope::question& ask,
        const std::vector<site_id>& sites,
        const site::config& config) const = 0;

  /// The decision stands: may add edits, and a follower of the answer.
  /// `scope`: canonical; empty: none.
  virtual void shape(decision& out, const request_view& in, const caller& from,
                     const reading& found, const surroundings& around) = 0;

  /// What a request is about, as far as several sites may have it.
  [[nodiscard]] virtual subject about(const application::service& of,
                                      const request_view& in,
                                      std::string_view target) const {
    return {application::match(of, in.method, target), false, false, {}};
  }

  /// Whether it makes operations itself, which are then run in the name of
  /// who asked: with the node's own identity at the service.
  [[nodiscard]] virtual bool takes() const noexcept { return false; }
  /// Not null where `takes`.
  [[nodiscard]] virtual std::unique_ptr<taking> take(to_take) {
    return nullptr;
  }

  /// Whether a request that brings no other scope may have one in its body.
  [[nodiscard]] virtual bool
  may_hold_scope(const request_view&) const noexcept {
    return false;
  }
  /// The scope in a body; empty: there is none.
  [[nodiscard]] virtual std::string scope_in(const request_view&,
                                             std::string_view) const {
    return {};
  }
};

} // namespace cheops::traffic
