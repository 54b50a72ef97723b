/// Baselines that rank items for users by the training data alone: popular, item-knn and ease.
#pragma once

#include "apps/commands.hpp"
#include "apps/ranker.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"

namespace factorps::comm {
class Environment;
}

namespace factorps::apps {

[[nodiscard]] bool is_item_baseline(const std::string& name);

/// With its settings, for people.
[[nodiscard]] std::string describe_baseline(const EvaluateOptions& options);

/// Collective; every rank reads the training data. The weights of ease are computed by all ranks of
/// a machine together, once per machine, in memory that they share; the neighbours by each rank.
/// @throws ResourceError with the missing bytes if the weights of ease do not fit; ConfigError if
///         the regularisation of ease is too small for its precision
[[nodiscard]] Ranker item_baseline(const EvaluateOptions& options, const Config& config,
                                   const Dataset& dataset, const comm::Environment& environment);

}  // namespace factorps::apps
