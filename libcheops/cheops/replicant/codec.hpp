#pragma once

#include "cheops/replicant/types.hpp"
#include "cheops/result.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The bytes of what is stored and sent; docs/formats.md has them in tables.
/// Each begins with a layout number. A decoder ignores bytes after the fields
/// that it knows: later versions append, or take the next number.
namespace cheops::replicant {

/// A member's term and vote (dissertation, 3.8).
struct hard_state {
  raft::term_id term = 0;
  std::optional<member_id> voted_for;
  friend bool operator==(const hard_state&, const hard_state&) = default;
};

/// How a group began, and who we are in it.
struct membership {
  birth born;
  member_id self;
  friend bool operator==(const membership&, const membership&) = default;
};

[[nodiscard]] std::string encode(const operation& x);
[[nodiscard]] std::string encode(const log_entry& x);
[[nodiscard]] std::string encode(const membership& x);
[[nodiscard]] std::string encode(const record& x);
[[nodiscard]] std::string encode(const site_record& x);
[[nodiscard]] std::string encode(const hard_state& x);
[[nodiscard]] std::string encode(const raft::entry& x);
[[nodiscard]] std::string encode(const raft::snapshot& x);
/// Without `from.site` and `to.site`: the link knows them.
[[nodiscard]] std::string encode(const message& x);

/// Errors of each: `broken`, for bytes that are no such thing or break a
/// bound.
[[nodiscard]] result<operation> decode_operation(std::string_view x);
[[nodiscard]] result<log_entry> decode_entry(std::string_view x);
/// Whether it is a submission whose content everybody can read; does not read
/// the content.
[[nodiscard]] bool shows_content(std::string_view entry);
[[nodiscard]] result<membership> decode_membership(std::string_view x);
[[nodiscard]] result<record> decode_record(std::string_view x);
[[nodiscard]] result<site_record> decode_site(std::string_view x);
[[nodiscard]] result<hard_state> decode_hard_state(std::string_view x);
[[nodiscard]] result<raft::entry> decode_raft_entry(std::string_view x);
[[nodiscard]] result<raft::snapshot> decode_snapshot(std::string_view x);
[[nodiscard]] result<message>
decode_message(std::string_view x, const site_id& from, const site_id& to);

} // namespace cheops::replicant
