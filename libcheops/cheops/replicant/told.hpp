#pragma once

#include "cheops/replication.hpp"
#include "cheops/result.hpp"
#include "cheops/traffic/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What clients are told of changes: in fields, errors, and names.
namespace cheops::replicant {

/// An operation as clients name it: "META_ORIGIN-SESSION-SEQUENCE".
struct operation_name {
  meta_id meta;
  operation_id id;
  friend bool operator==(const operation_name&,
                         const operation_name&) = default;
};
[[nodiscard]] std::string to_string(const operation_name& x);
[[nodiscard]] std::optional<operation_name>
parse_operation_name(std::string_view text);

/// Where clients of a front look at an operation: it answers for itself.
inline constexpr std::string_view operations_path =
  "/.well-known/cheops/operations/";

/// The path of an operation that was asked for at `site`.
[[nodiscard]] std::string path_of(const site_id& site, const operation_name& x);

struct operation_at {
  site_id site;
  operation_name what;
};
/// What `path_of` made; nullopt for anything else below `operations_path`.
[[nodiscard]] std::optional<operation_at>
parse_operation_path(std::string_view target);

/// "Berlin=201, Paris=pending": the status where it was done, else the state.
/// `here` comes first.
[[nodiscard]] std::string sites_text(const std::vector<site_line>& sites,
                                     const site_id& here);

/// `Cheops-Sites`, `Cheops-Replicant`, `Cheops-Replicant-Index` and
/// `Cheops-Operation`, as far as they are known.
[[nodiscard]] std::vector<traffic::header>
fields_of(const ports::write_answer& x, const site_id& here);

/// The same for a read of a copy: its id, how far it is, and its state where
/// that is not `ok`.
[[nodiscard]] std::vector<traffic::header>
fields_of(const ports::local_replica& x);

/// A refusal as an error, and its HTTP status (types.hpp). `asked`: the status
/// that the operation wanted for `stale`.
struct told_error {
  error why;
  unsigned status = 500;
};
[[nodiscard]] told_error explain(refusal why, const meta_id& meta,
                                 std::uint16_t asked = 0);

/// A fate that is open at the end of the wait.
[[nodiscard]] error undecided(const operation_name& x, const site_id& here);

/// Why a linearizable read is not answered at a site.
[[nodiscard]] told_error explain(const read_answer& x, const meta_id& meta);

} // namespace cheops::replicant
