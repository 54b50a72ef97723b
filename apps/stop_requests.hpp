/// What besides its end ends a training: signals, a file, the end of the SLURM allocation.
#pragma once

#include <filesystem>

#include "io/config.hpp"
#include "scheduler/trainer.hpp"

namespace factorps::apps {

/// Whoever makes it asks the run to stop; it is never removed by the program.
[[nodiscard]] std::filesystem::path stop_file(const Config& config);

/// Needs StopSignals to live meanwhile. The end of the allocation is read from the environment:
/// FACTORPS_END_TIME, else SLURM_JOB_END_TIME, in seconds since 1970.
/// @throws ConfigError if that is not a number
[[nodiscard]] scheduler::Trainer::StopRequested stop_requests(const Config& config);

}  // namespace factorps::apps
