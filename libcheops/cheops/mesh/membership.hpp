#pragma once

#include "cheops/mesh/link.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/wire/messages.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

/// The rules of who is in the mesh: each site makes signed statements about
/// itself, and passes on those of others unchanged.
namespace cheops::mesh::membership {

using link::instant;

/// A change of a round trip is told when it is more than this and more than
/// an eighth of what was told before: noise stays here, 40 ms more do not.
inline constexpr instant round_trip_step = std::chrono::milliseconds{1};
/// Statements for a round trip alone are at least so far apart.
inline constexpr instant round_trip_pause = std::chrono::milliseconds{400};
/// All statements go again to a peer that holds others: at first after so
/// long, then twice as long each time, since what it refuses stays different.
inline constexpr instant repair_first = std::chrono::seconds{1};
inline constexpr instant repair_last = std::chrono::seconds{60};

struct declared_peer {
  site_id name;
  address link;
};

struct settings {
  std::vector<declared_peer> declared;
  std::size_t sites_max = 256; ///< Besides ourselves.
  /// There is no TLS: statements are not signed. The node is on loopback.
  bool unsigned_mesh = false;
  /// Whether an address that a site states may be its own (limits.networks).
  std::function<bool(const address&)> believes;
};

/// Another site.
struct member {
  site_id name;
  std::optional<address> declared; ///< Where the configuration says it is.
  std::optional<wire::statement> says;
  wire::sealed_statement sealed;
  std::string doubt; ///< Why its last statement was refused; empty if not.
};

/// With one peer. A difference that has just begun is most often a statement
/// that is on its way.
struct repair {
  instant next{};
  instant pause = repair_first;
  bool differs = false;
};

struct state {
  settings with;
  wire::statement own;
  std::optional<wire::sealed_statement> sealed; ///< Of `own`, when signed.
  std::map<site_id, member> members;
  std::set<site_id> removed; ///< Taken out of the configuration.
  std::map<site_id, repair> linked;
  std::map<site_id, std::chrono::microseconds> measured;
  std::optional<instant> told_round_trips;
};

/// The own statement has been signed.
struct sealed {
  std::uint64_t version = 0;
  wire::sealed_statement statement;
};
/// A statement came from the linked site `from`. `signer` is the name in the
/// certificate that the signature was checked with; empty if there is none
/// or the check failed, for the reason that `distrust` is.
struct heard {
  site_id from;
  wire::statement statement;
  wire::sealed_statement sealed;
  site_id signer;
  std::string distrust = {};
};
struct linked {
  site_id peer;
};
struct unlinked {
  site_id peer;
};
struct measured {
  site_id peer;
  std::chrono::microseconds round_trip{};
};
/// The peer's digest: while it differs, and once it no longer does.
struct compared {
  site_id peer;
  std::uint64_t digest = 0;
};
struct configured {
  settings with;
  address peer_front; ///< As we advertise them.
  address link;
};

using input =
  std::variant<sealed, heard, linked, unlinked, measured, compared, configured>;

/// Sign it and come back with `sealed`.
struct sign {
  wire::statement statement;
};
struct tell {
  site_id peer;
  std::vector<wire::sealed_statement> statements;
};
/// A site may be dialled at other addresses than before, or is new.
struct know {
  site_id site;
  std::vector<address> at;
};
struct forget {
  site_id site;
};
/// Something was not believed; for the log, once for each reason.
struct refused {
  site_id site;
  std::string why;
};
/// `members` is not what it was.
struct changed {};

using effect = std::variant<sign, tell, know, forget, refused, changed>;

/// A new membership and what to do first.
struct beginning {
  state self;
  std::vector<effect> effects;
};
[[nodiscard]] beginning start(settings with, wire::statement own);

[[nodiscard]] std::vector<effect> step(state& self, const input& in,
                                       instant now);

/// Whether a statement is worth checking its signature: it says something
/// newer about a site than what is known.
[[nodiscard]] bool is_news(const state& self, const wire::statement& x);

/// Why a site of that name may not be linked; empty if it may.
[[nodiscard]] std::string objection(const state& self, const wire::hello& x);

/// Equal at two sites that hold the same statements.
[[nodiscard]] std::uint64_t digest(const state& self);

} // namespace cheops::mesh::membership
