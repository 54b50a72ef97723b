/// EASE: exact linear weights between all items (Steck: "Embarrassingly shallow autoencoders for
/// sparse data", 2019, equations 6 to 8).
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "eval/pair_matrix.hpp"
#include "eval/scores.hpp"

namespace factorps::eval {

/// Who computes on memory that all members see, and how they wait for each other.
struct Crew {
  std::size_t member = 0;
  std::size_t members = 1;
  std::function<void()> barrier = [] {};
};

/// items x items floats.
[[nodiscard]] constexpr std::size_t ease_bytes(std::size_t items) noexcept {
  return items * items * sizeof(float);
}

/// B = I - P diag(1 / diag P) with P = (X^T X + l2 I)^-1, where X is `pairs`; its diagonal is 0.
///
/// P comes from a symmetric sweep in blocks, in place, in float. Counts are exact, pivots are
/// inverted in double. What is computed in which order does not depend on the number of members, so
/// neither do the bits. Work: items^3 operations, shared out.
/// Collective over the crew.
/// @param weights items x items, row-major, zeroed; in the end row j holds what an item j of a user
///        adds to the score of each item
/// @return on every member, false if X^T X + l2 I is not positive definite in float
[[nodiscard]] bool ease_weights(const PairMatrix& pairs, double l2, std::span<float> weights,
                                const Crew& crew);

/// Scores by dense weights: the rows of Query::history added up in ascending order.
class ItemWeights final : public Scorer {
 public:
  /// @param weights items x items, as of ease_weights(); must outlive the object
  ItemWeights(std::size_t items, std::span<const float> weights)
      : items_{items}, weights_{weights} {}

  [[nodiscard]] std::size_t items() const override { return items_; }
  void score(std::span<const Query> queries, const VisitScores& visit) const override;

 private:
  std::size_t items_;
  std::span<const float> weights_;
};

}  // namespace factorps::eval
