#pragma once

#include "cheops/replicant/identity.hpp"
#include "cheops/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the rules need of the world, as abstract classes; `tools` wires them.
/// Those between the planes are in `replication.hpp`.
namespace cheops::ports {

// -- store -------------------------------------------------------------------

/// Column families. Stored: append, never renumber. Keys and values are those
/// of docs/formats.md; `replicant/storage.hpp` makes and reads them.
enum class family : std::uint8_t {
  group = 0, ///< meta id -> how the group began.
  hard = 1,  ///< meta id -> term and vote.
  base = 2,  ///< meta id -> the snapshot that the log starts from.
  log = 3,   ///< meta id, index -> entry.
  site = 4,  ///< meta id -> the site's own record.
  local = 5, ///< service, kind, local id -> meta id.
  over = 6,  ///< meta id without generation -> the last generation that ended;
             ///< meta id -> who this site was in the group, which it left;
             ///< a number -> the key of one of these, which goes again.
  awake = 7, ///< meta id -> nothing: its owner was not put to sleep.
};
inline constexpr std::size_t families = 8;

struct write {
  family in = family::group;
  std::string key;
  std::optional<std::string> value; ///< Unset: the key is erased.
  friend bool operator==(const write&, const write&) = default;
};

/// Written whole or not at all.
struct batch {
  std::vector<write> writes;
  friend bool operator==(const batch&, const batch&) = default;
};

/// An ordered map of bytes for each family. Written from one thread (the
/// keeper's), which may be blocked by it; read from any.
class store {
public:
  virtual ~store() = default;

  /// Writes the batches in their order, with one sync for all: when it
  /// returns they survive any crash. A crash before that may keep some of the
  /// first, each whole. Errors: `io`; then nothing more may be promised, and
  /// the node stops serving replicated writes.
  [[nodiscard]] virtual result<void> commit(std::span<const batch> all) = 0;

  /// Errors: `io`, also for what is there and damaged.
  [[nodiscard]] virtual result<std::optional<std::string>>
  get(family in, std::string_view key) const = 0;

  /// Keys that begin with `prefix`, ascending, from `prefix + from` on; until
  /// `take` says false. Errors: `io`.
  [[nodiscard]] virtual result<void>
  scan(family in, std::string_view prefix, std::string_view from,
       const std::function<bool(std::string_view key, std::string_view value)>&
         take) const = 0;
};

// -- vault -------------------------------------------------------------------

/// Seals the content of entries for the full members of groups, so that a
/// witness keeps what it cannot read. From any thread; with the same keys,
/// equal arguments give equal results.
class vault {
public:
  virtual ~vault() = default;

  /// `id` is unique for each content: it may serve as nonce.
  [[nodiscard]] virtual std::string seal(const replicant::meta_id& group,
                                         const replicant::operation_id& id,
                                         std::string_view content) const = 0;
  /// nullopt: not sealed for us, or damaged.
  [[nodiscard]] virtual std::optional<std::string>
  open(const replicant::meta_id& group, const replicant::operation_id& id,
       std::string_view sealed) const = 0;
};

} // namespace cheops::ports
