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

/// The k best of the items whose scores are offered, ties by item row.
class BestItems {
 public:
  explicit BestItems(std::size_t k) : k_{k} {}

  /// Those of neighbouring items from `first` on, which is above all that were offered before; NaN
  /// scores are left out.
  void offer(std::size_t first, std::span<const float> scores);
  /// The same, if nobody else can be among the best. @param positions in `scores`, ascending
  void offer_some(std::size_t first, std::span<const float> scores,
                  std::span<const std::uint32_t> positions);
  [[nodiscard]] bool full() const { return best_.size() == k_; }
  /// Of a full list: no other score matters.
  [[nodiscard]] float limit() const;
  /// Best first; fewer than k if there are not as many.
  [[nodiscard]] std::vector<ScoredItem> take() &&;

 private:
  /// Score and item as one number, higher for better ones: compared in one step.
  using Key = std::uint64_t;
  static Key key_of(ScoredItem scored);
  static ScoredItem scored_of(Key key);
  void add(Key key);
  void replace_worst(Key key);

  std::size_t k_;
  std::vector<Key> best_;  // a heap when it is full, the worst one in front
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
