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

/// Adds what a part of a pass has brought to the parts before it, whose cells its sums include.
void add_part(const PassResult& part, PassResult& total);

/// Whether rows are solved on several nodes none of which holds whole tables. Where
/// ials.copies = "auto" whole ones are assumed.
[[nodiscard]] bool streams_rows(const Config& config, int nodes);

/// Whether held-out items are ranked as blocks come by, in two passes: no node has all items.
[[nodiscard]] bool ranks_in_turns(const Config& config, int nodes);

/// What evaluate.metric asks for of a part; the sums are those of Evaluation.
/// @param start part and epoch @param nodes of the job
[[nodiscard]] PassResult run_evaluation(Cluster& cluster, const Config& config,
                                        comm::StartPass start, int nodes);

}  // namespace factorps::scheduler
