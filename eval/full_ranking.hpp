/// Where the relevant items of users stand among all items: no sampling.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/ranking.hpp"
#include "eval/scores.hpp"
#include "eval/topk.hpp"
#include "model/kernels/sift_kernel.hpp"

namespace factorps::eval {

struct FullRanking {
  std::vector<TieGroup> groups;  ///< by ascending `above`
  std::uint64_t candidates = 0;  ///< items that are not excluded
};

/// A relevant item, and how many candidates stand above it and equal it, itself among them.
struct ItemPlace {
  std::uint32_t item = 0;
  float score = 0;
  Places places;
};

/// What metrics want to know of one user.
struct UserRanking {
  std::vector<ItemPlace> relevant;  ///< those that are candidates, best first
  std::uint64_t candidates = 0;     ///< items that are not excluded
  std::vector<ScoredItem> best;     ///< of the candidates, best first, ties by item row

  [[nodiscard]] FullRanking groups() const;
  /// As if only some of the items were relevant. @param items ascending
  [[nodiscard]] FullRanking groups_of(std::span<const std::uint32_t> items) const;
};

/// All items for each query. Scores that are no numbers come below all others. Where the scorer has
/// single scores, memory does not depend on the number of items.
/// @param queries at most eval::kQueryBlock
/// @param relevant [query] item rows, ascending; those that are excluded do not count
/// @param k length of the lists of best items
/// @param memory of an earlier call, it need not be cleared again
[[nodiscard]] std::vector<UserRanking> rank_users(
    const Scorer& scorer, std::span<const Query> queries,
    std::span<const std::span<const std::uint32_t>> relevant, std::size_t k,
    std::vector<float>& memory);

/// Scores of every item for each query: kNoCandidate if excluded, below all others if the scorer
/// gives no number. Query by query: queries x items.
/// @param queries at most eval::kQueryBlock
/// @param memory of the result; of an earlier call, it need not be cleared again
[[nodiscard]] std::span<float> candidate_scores(const Scorer& scorer,
                                                std::span<const Query> queries,
                                                std::vector<float>& memory);

/// @param scores of one user, as above
/// @param relevant item rows; those that are no candidates do not count
[[nodiscard]] UserRanking rank_user(std::span<const float> scores,
                                    std::span<const std::uint32_t> relevant, std::size_t k);

}  // namespace factorps::eval
