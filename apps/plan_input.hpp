/// The sizes that a plan starts from.
#pragma once

#include "apps/commands.hpp"
#include "apps/job.hpp"
#include "comm/environment.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "ps/layout.hpp"
#include "scheduler/plan.hpp"

namespace factorps::apps {

/// From the dataset if it has been prepared, else counted in the raw files, before any cleaning
/// and with a grid cut without the permutation: close, and rather too large than too small.
[[nodiscard]] scheduler::PlanInput plan_input(const Config& config, const PlanOptions& options);

/// Of a job that runs, with as many ranks on every node as on the largest.
[[nodiscard]] scheduler::PlanInput plan_input_of_job(const Config& config, const Dataset& dataset,
                                                     const ps::JobLayout& layout,
                                                     const JobFindings& findings,
                                                     const comm::Environment& environment);

/// Memory and files of it, before anybody has counted which rows stay behind on a node, or what
/// streaming has to know: these may come on top. Nothing of its traffic.
[[nodiscard]] scheduler::PlanInput sizes_of_job(const Config& config, const Dataset& dataset,
                                                const ps::JobLayout& layout,
                                                const comm::Environment& environment);

/// What this machine has free now. The disk is that of run.dir.
[[nodiscard]] scheduler::Room room_of_this_machine(const Config& config);

}  // namespace factorps::apps
