/// `evaluate --at`: the quality of rankings of all items, shared out over the ranks strip by strip.
#pragma once

#include <string>

#include "apps/commands.hpp"
#include "apps/ranker.hpp"
#include "io/dataset.hpp"

namespace factorps::comm {
class Environment;
}

namespace factorps::apps {

/// Collective; rank 0 writes the result. @param predictor name of what ranks, for the result
ExitCode evaluate_ranking(const EvaluateOptions& options, const Dataset& dataset,
                          const Ranker& ranker, const std::string& predictor,
                          const comm::Environment& environment);

}  // namespace factorps::apps
