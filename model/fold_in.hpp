/// The row of a user whom the training did not see, or not enough of: the minimum of the training's
/// loss over that row alone. Items stay as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/confidence.hpp"
#include "model/kernels/ranking_kernel.hpp"

namespace factorps {

/// What the items of a model are. Spans must outlive whoever holds this.
struct FixedItems {
  std::size_t dim = 0;
  std::span<const float> factors;         ///< items x dim, row-major
  std::span<const float> bias;            ///< items
  std::span<const std::uint32_t> counts;  ///< items: training interactions; 0: never negative
  double mu = 0;

  [[nodiscard]] std::span<const float> row(std::uint32_t item) const {
    return factors.subspan(item * dim, dim);
  }
};

/// What a user has: items below FixedItems::counts.size(), and values in the units of the training.
struct History {
  std::span<const std::uint32_t> items;
  std::span<const float> values;
};

struct FoldedRow {
  std::vector<float> factors;  ///< dim
  float bias = 0;
};

/// Thread-safe. A history of nothing gives a row of zeros.
class FoldIn {
 public:
  virtual ~FoldIn() = default;
  [[nodiscard]] virtual FoldedRow row(const History& history) const = 0;
};

/// Least squares over all pairs, as in model/kernels/als_kernel.hpp; solved in double.
class AllPairsFoldIn final : public FoldIn {
 public:
  struct Settings {
    double l2 = 0;  ///< of the user, times (interactions + unobserved x known items)^l2_exponent
    double l2_exponent = 1;
    double unobserved = 0.1;
    Confidence confidence;
  };
  AllPairsFoldIn(const FixedItems& items, const Settings& settings);
  [[nodiscard]] FoldedRow row(const History& history) const override;
  /// What each interaction adds to the score of an item: their sum is the score of the folded row.
  /// With A the matrix of the normal equations and w the confidences: w_n <q, A^-1 q_n>.
  [[nodiscard]] std::vector<double> contributions(const History& history, std::uint32_t item) const;

 private:
  class Equations;
  FixedItems items_;
  Settings settings_;
  std::vector<double> gram_;  // dim x dim: unobserved x sum of q q^T
  double known_ = 0;          // items with interactions
};

/// Ratings: mu + biases + product of factors. Each interaction costs the square of its error e, or
/// beyond `limit` 2 limit |e| - limit^2 (Huber); the penalties are times interactions^l2_exponent.
class RatingFoldIn final : public FoldIn {
 public:
  struct Settings {
    double l2 = 0;
    double l2_bias = 0;
    double l2_exponent = 1;
    bool bias = true;
    double limit = 0;  ///< 0: squares throughout
  };
  RatingFoldIn(const FixedItems& items, const Settings& settings)
      : items_{items}, settings_{settings} {}
  [[nodiscard]] FoldedRow row(const History& history) const override;

 private:
  FixedItems items_;
  Settings settings_;
};

/// The losses of model/kernels/ranking_kernel.hpp, with all known items in the place of the sampled
/// ones. Newton's method with step halving; with cosine scores on the sphere.
class RankingFoldIn final : public FoldIn {
 public:
  static constexpr int kMaxSteps = 20;
  /// @param step its rates, batch and number of negatives do not matter
  RankingFoldIn(const FixedItems& items, const RankingStep& step);
  [[nodiscard]] FoldedRow row(const History& history) const override;

 private:
  class Problem;
  FixedItems items_;
  RankingStep step_;
  double known_ = 0;  // items with interactions
};

}  // namespace factorps
