/// One training, callable by other subcommands.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

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

/// "time" of summary.json as a table and a sentence on stdout.
void print_time(const nlohmann::json& time);

}  // namespace factorps::apps
