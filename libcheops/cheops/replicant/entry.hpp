#pragma once

#include "cheops/replicant/operation.hpp"

#include <string>
#include <variant>
#include <vector>

/// What stands in a group's log.
namespace cheops::replicant {

/// An operation, as it travels and is stored. What a site needs to keep the
/// order is in clear; the rest is `content`, which a witness cannot read.
struct submission {
  operation_id id;
  /// The origin no longer waits for anything of this session below it.
  std::uint64_t floor = 0;
  change does = change::create;
  std::optional<index_id> read_at;
  std::optional<client_key> key;
  bool report_soon = false; ///< Somebody waits for every site.
  bool sealed = false;      ///< `content` is for the vault to open.
  std::string content;      ///< An encoded `operation`.
  friend bool operator==(const submission&, const submission&) = default;
};

/// Whether an entry stands: said by the site that was asked, once its
/// application has answered, or in its place by another that waited for too
/// long. The first in the log counts.
struct verdict {
  index_id index = 0;
  bool stands = true;
  std::uint16_t status = 0; ///< Of the asking site's application.
  friend bool operator==(const verdict&, const verdict&) = default;
};

/// The entry at `index` stands, a site refused it, and its rule says
/// `compensate`: undo it everywhere.
struct compensation {
  index_id index = 0;
  friend bool operator==(const compensation&, const compensation&) = default;
};

/// Who the members shall be; whoever leads brings it about step by step.
struct membership_goal {
  operation_id id;
  std::uint64_t floor = 0;
  /// Voters, and at most one witness. In the log they are stores; in a record
  /// those of them that are members, and who is to come, by the ids that they
  /// have in the group.
  raft::configuration members;
  /// At a site that leaves: whether its application loses the resource.
  bool remove_at_leavers = true;
  friend bool operator==(const membership_goal&,
                         const membership_goal&) = default;
};

/// The payload of an entry of raft's kind `operation`.
using log_entry =
  std::variant<submission, verdict, compensation, membership_goal>;

inline constexpr std::size_t members_max = 128;
inline constexpr std::size_t store_bytes_max = 64;

} // namespace cheops::replicant
