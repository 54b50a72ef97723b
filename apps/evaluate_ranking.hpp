/// `evaluate --at`: the quality of rankings of all items, shared out over the ranks strip by strip.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "apps/commands.hpp"
#include "apps/ranker.hpp"
#include "io/dataset.hpp"

namespace factorps::comm {
class Environment;
}

namespace factorps::apps {

/// Collective; rank 0 writes the result. @param result with "predictor", to be filled
ExitCode evaluate_ranking(const EvaluateOptions& options, const Dataset& dataset,
                          const Ranker& ranker, nlohmann::ordered_json result,
                          const comm::Environment& environment);

}  // namespace factorps::apps
