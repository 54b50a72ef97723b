/// How well a model that is being trained ranks what its users' held-out interactions are with.
#pragma once

#include <cstdint>

#include "io/dataset.hpp"
#include "ps/als_tables.hpp"

namespace factorps::worker {

/// Of users with something to find: their number, then the sums of kRankingMetrics at k, in
/// expectation over ties. Candidates are all items but those known from training, and when testing
/// those of validation.
/// @param part validation or test
/// @param users of the strip
[[nodiscard]] ps::CellSums rank_users(const ps::AlsTables& tables, const Dataset& dataset,
                                      Part part, StripId strip, RowRange users, std::uint64_t k);

}  // namespace factorps::worker
