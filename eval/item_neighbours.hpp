/// Item-kNN: an item's score for a user is the sum of its similarities to what the user has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "eval/pair_matrix.hpp"
#include "eval/scores.hpp"

namespace factorps::eval {

struct NeighbourSettings {
  std::size_t neighbours = 100;  ///< of each item: the most similar ones, ties by item row
  double shrinkage = 100;        ///< added to the denominator: distrusts few common users
};

/// With n(i) users of item i and n(i, j) of both: the similarity is
/// n(i, j) / (sqrt(n(i) n(j)) + shrinkage), the cosine of binary columns if shrinkage is 0
/// (Deshpande, Karypis: "Item-based top-N recommendation algorithms", 2004). An item's score adds
/// up, in the order of item rows, its similarities to those of its neighbours in Query::history.
class ItemNeighbours final : public Scorer {
 public:
  /// Time: the sum over users of the square of their items. Memory: 8 bytes per kept neighbour.
  ItemNeighbours(const PairMatrix& pairs, const NeighbourSettings& settings);

  [[nodiscard]] std::size_t items() const override { return begin_.size() - 1; }
  void score(std::span<const Query> queries, const VisitScores& visit) const override;

 private:
  struct Weight {
    std::uint32_t item;  ///< whose score the user's item adds to
    float similarity;
  };
  std::vector<std::size_t> begin_;  // [item of a user], plus the end
  std::vector<Weight> weights_;
};

}  // namespace factorps::eval
