/// Where the relevant items of users stand among all items: no sampling.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "eval/ranking.hpp"
#include "eval/scores.hpp"

namespace factorps::eval {

struct FullRanking {
  std::vector<TieGroup> groups;  ///< by ascending `above`
  std::uint64_t candidates = 0;  ///< items that are not excluded
};

/// The score of an item that is no candidate: equals and exceeds nothing.
inline constexpr float kNoCandidate = std::numeric_limits<float>::quiet_NaN();

/// Scores of every item for each query: kNoCandidate if excluded, below all others if the scorer
/// gives no number. Query by query: queries x items.
/// @param queries at most eval::kQueryBlock
/// @param memory of the result; of an earlier call, it need not be cleared again
[[nodiscard]] std::span<float> candidate_scores(const Scorer& scorer,
                                                std::span<const Query> queries,
                                                std::vector<float>& memory);

/// @param scores of one user, as above
/// @param relevant item rows; those that are no candidates do not count
[[nodiscard]] FullRanking rank_relevant(std::span<const float> scores,
                                        std::span<const std::uint32_t> relevant);

}  // namespace factorps::eval
