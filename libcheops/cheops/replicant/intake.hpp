#pragma once

#include "cheops/application/description.hpp"
#include "cheops/replicant/wishes.hpp"
#include "cheops/replication.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// From a client's request to an operation that every site can run. The
/// description says all that must be known; no credential goes in.
namespace cheops::replicant {

/// What is replicated at this site. An empty function finds nothing.
struct lookups {
  std::function<std::optional<ports::local_replica>(const service_id& service,
                                                    std::string_view kind,
                                                    std::string_view local_id)>
    by_id;
  std::function<std::optional<ports::local_replica>(const natural_key& name)>
    by_name;
};

/// One request for a change. Everything is viewed, nothing is kept.
struct intake {
  const application::request_match& match; ///< `about` is set.
  const traffic::request_view& head;
  std::string_view target; ///< As the application is to see it.
  std::string_view body;   ///< Whole, without chunks.
  const wishes& asks;
  /// Whose replicant the path's {id} is; unset: it creates one.
  std::optional<meta_id> on;
  std::string_view principal;
  std::uint64_t entry_bytes_max = 0;
};

struct taken {
  operation what;
  std::optional<natural_key> key; ///< Of a create whose user chose the name.
  std::string retry_key;          ///< Of one that names nothing.
  /// Of `what.after`: those that the request names only by name. Where such a
  /// one has no copy there may be another of that name, so it is to be waited
  /// for only where it has one.
  std::vector<meta_id> by_name;
  /// Where what a create has made is read; empty: the description says it.
  std::string read_target;
};

/// Errors: `too_large` (the text names the limit), `bad_request` (a name is
/// needed to tell it at other sites, and there is none), `conflict` (it would
/// rename what is known by its name), `not_built` (the description forbids it).
[[nodiscard]] result<taken> take_in(const intake& in, const lookups& at);

/// What a probe's answer shows: whether a resource of that kind and name is
/// there, and its id. `target`: the probe's, as `take_in` made it.
[[nodiscard]] probed read_probe(const application::resource& of,
                                std::string_view target, std::uint16_t status,
                                std::string_view body);

/// The id in the answer to a create: at the description's pointer, else the
/// last segment of `location`; empty: neither says it.
[[nodiscard]] std::string id_in_answer(const application::resource& of,
                                       std::string_view body,
                                       std::string_view location);

/// Where the resource that a create has made is read at this site: the path of
/// the description's read operation; nullopt: it has none that fits.
[[nodiscard]] std::optional<std::string>
read_target(const application::request_match& create,
            std::string_view local_id);

} // namespace cheops::replicant
