/// Scores of all items by a head with layers.
#pragma once

#include "eval/scores.hpp"
#include "model/heads/head.hpp"

namespace factorps::eval {

/// score(i) = (head(factors, factors_i) + base + bias_i) * scale_i + offset_i
///
/// A bias of NaN leaves an item out. Costs the products of the layers for each pair.
class HeadScorer final : public Scorer {
 public:
  /// @param items rows as the head wants them
  /// References and spans must outlive the object.
  HeadScorer(const Head& head, std::span<const float> dense, const ItemTable& items)
      : head_{head}, dense_{dense}, items_{items} {}

  [[nodiscard]] std::size_t items() const override { return items_.bias.size(); }
  void score(std::span<const Query> queries, const VisitScores& visit) const override;

 private:
  const Head& head_;
  std::span<const float> dense_;
  ItemTable items_;
};

}  // namespace factorps::eval
