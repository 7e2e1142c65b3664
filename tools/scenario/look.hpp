#pragma once

#include "tools/scenario/model.hpp"
#include "tools/scenario/report.hpp"
#include "tools/scenario/sites.hpp"
#include "tools/scenario/variables.hpp"

/// Steps that look at a node, as its operator does.
namespace cheops::scenario {

/// Runs `cheops`; what it prints is the answer.
void play_cheops(sites& all, const cheops_action& x, variables& known,
                 step_outcome& to);

/// Reads what a node counts.
void play_metrics(sites& all, const metrics_action& x, variables& known,
                  step_outcome& to);

/// Looks into the files of a node's data folder.
void play_store(sites& all, const store_action& x, const variables& known,
                step_outcome& to);

/// The value of a metric in Prometheus' text format; nullopt: there is none.
/// `name`: with its labels, as the text has them. Pure.
[[nodiscard]] std::optional<double> metric_of(std::string_view text,
                                              std::string_view name);

} // namespace cheops::scenario
