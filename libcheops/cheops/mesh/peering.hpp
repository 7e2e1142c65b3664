#pragma once

#include "cheops/mesh/link.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The rules of all connections between this site and one peer: when to
/// dial, and which connection stays. docs/links.md argues why both sides
/// always keep the same one.
namespace cheops::mesh::peering {

using link::instant;
using link::role;

/// A new dial begins so often while there is no link, also beside dials
/// that have not ended: a healed path is seen by the next one.
inline constexpr instant dial_interval = std::chrono::milliseconds{500};
/// A hello that is not answered for so long no longer holds others off.
inline constexpr instant greeting_patience = std::chrono::seconds{1};

enum class stage : std::uint8_t {
  dialling, ///< Ours; not secured yet.
  greeting, ///< Ours; we said hello.
  admitted, ///< The peer's; we said hello, and await its first heartbeat.
  up,
};

struct connection {
  std::uint64_t id = 0;
  role as = role::dialled;
  peering::stage stage = stage::dialling;
  instant since{};
  std::optional<wire::hello> hello;
};

struct state {
  site_id self;
  site_id peer;
  bool wanted = false; ///< Its address is known: dial it.
  bool armed = false;  ///< A `dial_due` will come.
  std::vector<connection> all;
  reach seen = reach::connecting;
  std::optional<instant> last_dial;
  std::uint64_t dials = 0;
  std::uint64_t times_down = 0;
  std::string last_error;
};

/// Whether to dial.
struct wanted {
  bool yes = true;
};
/// The time that a `retry` asked for.
struct dial_due {};
/// A `dial` has become this connection.
struct dialled {
  std::uint64_t id = 0;
};
/// Our connection is secured, and may say hello.
struct ready {
  std::uint64_t id = 0;
};
/// The peer's connection said hello.
struct greeted {
  std::uint64_t id = 0;
  wire::hello hello;
};
struct opened {
  std::uint64_t id = 0;
  wire::hello hello;
};
struct closed {
  std::uint64_t id = 0;
  std::string why;
  std::optional<wire::farewell> said;
};
/// The site is no longer one of the mesh, as far as we are concerned.
struct removed {};

using input = std::variant<wanted, dial_due, dialled, ready, greeted, opened,
                           closed, removed>;

struct dial {};
/// A `dial_due`, after so long.
struct retry {
  instant after{};
};
struct permit {
  std::uint64_t id = 0;
};
struct finish {
  std::uint64_t id = 0;
  wire::farewell why = wire::farewell::crossing;
  std::string text;
};
struct went_up {
  std::uint64_t id = 0;
  wire::hello hello;
};
struct went_down {
  std::string why;
};
/// Two processes run under the peer's name; for the log.
struct conflict {
  std::string text;
};

using effect =
  std::variant<dial, retry, permit, finish, went_up, went_down, conflict>;

[[nodiscard]] std::vector<effect> step(state& self, const input& in,
                                       instant now);

/// The connection that carries frames; nullptr if there is none.
[[nodiscard]] const connection* current(const state& self);

} // namespace cheops::mesh::peering
