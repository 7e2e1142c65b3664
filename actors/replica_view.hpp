#pragma once

#include "cheops/replicant/codec.hpp"
#include "cheops/replicant/state.hpp"
#include "cheops/replication.hpp"

/// What people see of a replicant.
namespace cheops::actors {

[[nodiscard]] ports::replicant_view view_of(const replicant::state& x);

[[nodiscard]] ports::operation_view view_of(const replicant::state& x,
                                            const replicant::operation_id& id);

/// From what is stored, without waking its owner.
[[nodiscard]] ports::replicant_line line_of(const replicant::meta_id& meta,
                                            const replicant::membership& own,
                                            const replicant::site_record& site);

[[nodiscard]] bool fits(const ports::replicant_line& x,
                        const ports::list_filter& which);

} // namespace cheops::actors
