/// How well a model that is being trained ranks what its users' held-out interactions are with.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "eval/full_ranking.hpp"
#include "io/dataset.hpp"
#include "ps/tables.hpp"

namespace factorps::worker {

/// Adds a user with something to find: 1, then kRankingMetrics at k, in expectation over ties.
void add_ranking(const eval::FullRanking& ranking, std::uint64_t k, ps::CellSums& sums);

/// The users of a slice of a strip, cut in as many as there are blocks.
struct UsersToRank {
  RowRange users;
  std::vector<std::vector<std::uint32_t>>
      wanted;  ///< held-out items, ascending; [user of the slice]
  std::vector<std::vector<std::uint32_t>> known;  ///< no candidates, ascending; [user of the slice]
  std::vector<std::int64_t>
      times;  ///< the earliest of what is wanted, if the dataset has times; [user of the slice]
};
/// @param part validation, where items known from training are no candidates, or test, where those
/// of validation are none either
[[nodiscard]] UsersToRank users_to_rank(const Dataset& dataset, Part part, StripId strip,
                                        BlockId slice);

/// Sums over those with something to find: how many, then kRankingMetrics at k, in expectation over
/// ties. Candidates are all items that are not known.
/// @param factors_of what the scorer's queries need of a user
[[nodiscard]] ps::CellSums rank_users(
    const UsersToRank& slice, const eval::Scorer& scorer,
    const std::function<std::span<const float>(std::uint64_t user)>& factors_of, std::uint64_t k);

/// The same by factors in tables.
/// @param tables with all blocks; nobody changes them meanwhile
[[nodiscard]] ps::CellSums rank_slice(const ps::Tables& tables, const Dataset& dataset, Part part,
                                      StripId strip, BlockId slice, std::uint64_t k);

}  // namespace factorps::worker
