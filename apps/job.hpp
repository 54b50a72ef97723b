/// The wiring of a training job: which roles live here, what they share, who runs when.
#pragma once

#include <functional>

#include "apps/job_trace.hpp"
#include "comm/environment.hpp"
#include "io/config.hpp"
#include "io/dataset.hpp"
#include "model/kernels/sgd_kernel.hpp"
#include "ps/layout.hpp"
#include "ps/residents.hpp"
#include "scheduler/cluster.hpp"
#include "worker/stream_forecast.hpp"

namespace factorps::apps {

/// What a job has found about its traffic before it begins.
struct JobFindings {
  ps::LeaseCount leases;
  worker::StreamForecast stream;  ///< of all nodes
};

/// What the scheduler does with the job once it stands; called on rank 0 only.
using Conduct = std::function<void(scheduler::Cluster& cluster, const JobFindings& findings)>;

/// The roles of a job without a launcher: threads of one process.
[[nodiscard]] ps::JobLayout layout_alone(const Config& config);

/// The roles of this job: one per rank under a launcher, else threads of this process.
[[nodiscard]] ps::JobLayout plan_layout(const Config& config, const comm::Environment& environment);

/// The kernels that every rank of the job can run and the configuration allows. Collective.
/// @throws ConfigError if the configuration asks for a set that some rank lacks
[[nodiscard]] Kernels choose_kernels(const Config& config, const comm::Environment& environment);

/// Hosts the roles of this rank until `conduct` has returned on rank 0. Collective.
/// @param trace none: nothing is recorded
/// @throws what any role of this process throws
void run_job(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
             const Kernels& kernels, const comm::Environment& environment, const Conduct& conduct,
             JobTrace* trace = nullptr);

/// A job of threads of this process, whoever started it, on the first strips of the data.
/// @param grid of the dataset, with all blocks but perhaps not all strips
void run_alone(const Config& config, const Dataset& dataset, const Grid& grid, int workers,
               const Kernels& kernels, const comm::Environment& environment,
               const Conduct& conduct);

}  // namespace factorps::apps
