/// Exact top-K: the best items of a user among all items.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/scores.hpp"

namespace factorps::eval {

struct ScoredItem {
  std::uint32_t item = 0;
  float score = 0;
  friend bool operator==(const ScoredItem&, const ScoredItem&) = default;
};

/// By the scores of eval/scores.hpp; NaN scores are left out.
/// @param queries at most kQueryBlock
/// @return per query the k best (fewer if there are not as many), best first, ties by item row
[[nodiscard]] std::vector<std::vector<ScoredItem>> top_k(const ItemTable& items,
                                                         std::span<const Query> queries,
                                                         std::size_t k);

/// By any scorer.
[[nodiscard]] std::vector<std::vector<ScoredItem>> top_k(const Scorer& scorer,
                                                         std::span<const Query> queries,
                                                         std::size_t k);

/// The same from the scores of all items of one user, by item row.
[[nodiscard]] std::vector<ScoredItem> best_of(std::span<const float> scores, std::size_t k);

}  // namespace factorps::eval
