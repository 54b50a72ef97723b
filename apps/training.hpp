/// One training, callable by other subcommands.
#pragma once

#include <string>

#include "apps/commands.hpp"
#include "io/config.hpp"
#include "scheduler/trainer.hpp"

namespace factorps::apps {

/// Trains as the configuration says; options.config is not read again. Collective.
/// @return on rank 0 the whole result, elsewhere its exit code
[[nodiscard]] scheduler::TrainingResult train(const Config& config, const TrainOptions& options,
                                              const comm::Environment& environment);

/// Results on stdout: the JSON itself, or the numbers a person wants.
void print_summary(const std::string& summary, const OutputOptions& output);

}  // namespace factorps::apps
