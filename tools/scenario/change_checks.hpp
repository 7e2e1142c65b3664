#pragma once

#include "tools/scenario/book.hpp"
#include "tools/scenario/model.hpp"
#include "tools/scenario/report.hpp"
#include "tools/scenario/sites.hpp"

#include <vector>

/// What must hold of resources that several sites have, once all is healed:
/// `converged`, `acknowledged`, `no_duplicates`, `uncertain_shown`.
namespace cheops::scenario {

/// Asks the applications past their nodes, until it holds or the check's time
/// is over. `books`: of the file's workloads with changes.
[[nodiscard]] check_outcome
evaluate_changes(const check& x, sites& all,
                 const std::vector<change_book>& books);

} // namespace cheops::scenario
