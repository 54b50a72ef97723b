/// How well a model that is being trained ranks what its users' held-out interactions are with.
#pragma once

#include <cstdint>

#include "eval/full_ranking.hpp"
#include "io/dataset.hpp"
#include "ps/tables.hpp"

namespace factorps::worker {

/// Adds a user with something to find: 1, then kRankingMetrics at k, in expectation over ties.
void add_ranking(const eval::FullRanking& ranking, std::uint64_t k, ps::CellSums& sums);

/// Of the users in slice `slice` of a strip, cut in as many as there are blocks: those with
/// something to find, then the sums of kRankingMetrics at k, in expectation over ties. Candidates
/// are all items but those known from training, and when testing those of validation.
/// @param tables with all blocks; nobody changes them meanwhile
/// @param part validation or test
[[nodiscard]] ps::CellSums rank_slice(const ps::Tables& tables, const Dataset& dataset, Part part,
                                      StripId strip, BlockId slice, std::uint64_t k);

}  // namespace factorps::worker
