/// The row of a new user of a model with layers.
#pragma once

#include <memory>
#include <vector>

#include "model/fold_in.hpp"
#include "model/heads/head.hpp"

namespace factorps {

/// The minimum, near `start`, of a user's share of row mode's loss over the user's row; items and
/// layers stay as they are. Quasi-Newton steps (BFGS) with step halving, in double on gradients in
/// single precision; layers are no convex function, so another start may lead elsewhere.
///
/// Each interaction costs its loss and, for losses that rank, `negatives` times the mean over other
/// items with training interactions: all of them up to kMaxOthers, else so many spread evenly.
class HeadFoldIn final : public FoldIn {
 public:
  static constexpr int kMaxSteps = 60;
  static constexpr std::size_t kMaxOthers = 4096;

  struct Settings {
    double negatives = 0;  ///< for losses that rank
    double l2 = 0;         ///< l2 / 2 |row|^2 for each interaction
  };
  /// @param head without dropout, of the loss that counts @param dense of it
  /// @param start [user_width]
  /// @param items rows of head.shape().item_width; without biases
  HeadFoldIn(std::unique_ptr<Head> head, std::vector<float> dense, const FixedItems& items,
             std::vector<float> start, const Settings& settings);
  [[nodiscard]] FoldedRow row(const History& history) const override;
  /// What row() brings down, and its slope. @param slope [user_width]
  double loss(const History& history, std::span<const float> row, std::span<double> slope) const;

 private:
  class Problem;
  std::unique_ptr<Head> head_;
  std::vector<float> dense_;
  FixedItems items_;
  std::vector<float> start_;
  Settings settings_;
  std::vector<std::uint32_t> known_;  // items with interactions
};

}  // namespace factorps
