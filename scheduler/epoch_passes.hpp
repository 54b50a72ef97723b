/// The passes that an epoch of each solver consists of.
#pragma once

#include "io/config.hpp"
#include "scheduler/cluster.hpp"

namespace factorps::scheduler {

/// What must be known before the first epoch of a job, whatever the factors are.
void prepare_epochs(Cluster& cluster, const Config& config);

/// One epoch. The sums of the result: interactions, and the loss of all of them. With `als` and
/// `ials` that is what is minimised, but for the penalties, when the users are solved.
/// @param start epoch and learning rate
[[nodiscard]] PassResult run_epoch(Cluster& cluster, const Config& config, comm::StartPass start,
                                   const Cluster::OnProgress& on_progress);

}  // namespace factorps::scheduler
