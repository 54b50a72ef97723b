/// Where the relevant items of users stand among all items: no sampling.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/ranking.hpp"
#include "eval/scores.hpp"

namespace factorps::eval {

struct FullRanking {
  std::vector<TieGroup> groups;  ///< by ascending `above`
  std::uint64_t candidates = 0;  ///< items that are not excluded
};

/// By the scores of eval/scores.hpp; NaN ranks below all others. Memory: a float per item and
/// query.
/// @param queries at most kQueryBlock
/// @param relevant item rows of each query in ascending order; excluded ones do not count
[[nodiscard]] std::vector<FullRanking> rank_relevant(
    const ItemTable& items, std::span<const Query> queries,
    std::span<const std::span<const std::uint32_t>> relevant);

}  // namespace factorps::eval
