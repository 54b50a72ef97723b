/// EASE: exact linear weights between all items (Steck: "Embarrassingly shallow autoencoders for
/// sparse data", 2019, equations 6 to 8).
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "common/aligned_buffer.hpp"
#include "eval/pair_matrix.hpp"
#include "eval/scores.hpp"
#include "model/kernels/product_kernel.hpp"

namespace factorps::eval {

/// Who computes on memory that all members see, and how they wait for each other.
struct Crew {
  std::size_t member = 0;
  std::size_t members = 1;
  std::function<void()> barrier = [] {};
};

/// Floats from one row of the weights to the next, and the number of rows.
[[nodiscard]] constexpr std::size_t ease_stride(std::size_t items) noexcept {
  return round_up(items, kProductStrip);
}
[[nodiscard]] constexpr std::size_t ease_bytes(std::size_t items) noexcept {
  return ease_stride(items) * ease_stride(items) * sizeof(float);
}

/// B = I - P diag(1 / diag P) with P = (X^T X + l2 I)^-1, where X is `pairs`; its diagonal is 0.
///
/// P comes from a symmetric sweep in blocks, in place, in float. Counts are exact, pivots are
/// inverted in double. What is computed in which order does not depend on the number of members, so
/// neither do the bits. Work: items^3 operations, shared out.
/// Collective over the crew.
/// @param weights ease_bytes(), row-major, zeroed, aligned to 64 bytes; in the end row j holds what
///        an item j of a user adds to the score of each item
/// @param set for the products; the bits depend on it
/// @return on every member, false if X^T X + l2 I is not positive definite in float
[[nodiscard]] bool ease_weights(const PairMatrix& pairs, double l2, std::span<float> weights,
                                InstructionSet set, const Crew& crew);

/// Scores by dense weights: the rows of Query::history added up in ascending order.
class ItemWeights final : public Scorer {
 public:
  /// @param weights rows of `stride` floats, one per item; must outlive the object
  ItemWeights(std::size_t items, std::size_t stride, std::span<const float> weights)
      : items_{items}, stride_{stride}, weights_{weights} {}

  [[nodiscard]] std::size_t items() const override { return items_; }
  void score(std::span<const Query> queries, const VisitScores& visit) const override;

 private:
  std::size_t items_;
  std::size_t stride_;
  std::span<const float> weights_;
};

}  // namespace factorps::eval
