/// Where and as what a job runs, for summary.json.
#pragma once

#include "comm/environment.hpp"
#include "model/kernels/sgd_kernel.hpp"
#include "ps/layout.hpp"
#include "scheduler/trainer.hpp"

namespace factorps::apps {

/// Versions, hosts, start time and SLURM ids. Reads the environment variables of SLURM.
[[nodiscard]] scheduler::JobFacts facts_of_job(const ps::JobLayout& layout, const Kernels& kernels,
                                               const comm::Environment& environment);

}  // namespace factorps::apps
