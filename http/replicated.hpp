#pragma once

#include "cheops/replicant/intake.hpp"
#include "cheops/replicant/told.hpp"
#include "cheops/replicant/wishes.hpp"
#include "cheops/traffic/taking.hpp"
#include "http/mailbox.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cheops::http {

class exchange;
struct worker;

/// A place among the changes that wait for creates.
struct held_change {
  explicit held_change(worker& at);
  ~held_change();
  held_change(const held_change&) = delete;
  held_change& operator=(const held_change&) = delete;

  worker& on;
  std::uint64_t newest = 0; ///< What it waits for.
};

/// What an exchange keeps while it is about a resource on several sites.
struct replicated {
  explicit replicated(exchange& of) : waits(of) {}

  replicant::wishes asks;
  replicant::lookups at;
  std::unique_ptr<traffic::taking> taking; ///< By the adapter; else null.
  /// What the answer says beside the application's own.
  std::vector<traffic::header> fields;
  std::optional<ports::write_request> change;
  std::vector<site_id> sites; ///< Of the resource that is changed.
  /// Still to be looked at: replicants that the change names by name.
  std::vector<replicant::meta_id> by_name;
  /// Of a change that was settled, while the resource is read for its answer.
  unsigned settled_as = 0;
  std::string read_target; ///< Of a create; empty: the description's.
  awaited<exchange> waits;
};

} // namespace cheops::http
