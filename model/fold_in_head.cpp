#include "model/fold_in_head.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/Core>

#include "common/check.hpp"

namespace factorps {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kMaxHalvings = 30;
constexpr double kEnough = 1e-4;     // of the decrease that the slope promises (Armijo)
constexpr double kConverged = 1e-6;  // relative decrease: below it single precision decides

}  // namespace

/// A user's loss as a function of the row.
class HeadFoldIn::Problem {
 public:
  Problem(const HeadFoldIn& fold, const History& history)
      : fold_{fold}, size_{static_cast<double>(history.items.size())} {
    add_items(history.items, positives_);
    const bool ranks = fold.head_->options().loss != HeadLoss::squared;
    const std::vector<std::uint32_t> others =
        ranks ? others_of(history.items) : std::vector<std::uint32_t>{};
    if (fold.head_->options().loss == HeadLoss::bpr) {
      pair_with(history.items, others);
    } else {
      positives_.targets.assign(history.items.size(), 1);
      if (!ranks) positives_.targets.assign(history.values.begin(), history.values.end());
      add_items(others, others_);
      others_.targets.assign(others.size(), 0);
      const double each = fold.settings_.negatives * size_;
      others_weight_ = each / static_cast<double>(std::max<std::size_t>(others.size(), 1));
    }
  }

  /// @param slope in place of what was there
  double value(const VectorXd& x, VectorXd& slope) {
    row_.resize(static_cast<std::size_t>(x.size()));
    for (std::size_t k = 0; k < row_.size(); ++k)
      row_[k] = static_cast<float>(x[static_cast<Eigen::Index>(k)]);
    const double penalty = fold_.settings_.l2 * size_;
    slope = penalty * x;
    return penalty / 2 * x.squaredNorm() + add(positives_, positives_weight_, slope) +
           add(others_, others_weight_, slope);
  }

 private:
  struct Batch {
    std::vector<float> rows;                // [item][width]
    std::vector<std::uint32_t> of_example;  // index of an item
    std::vector<float> targets;             // [example]; none for bpr
  };

  void add_items(std::span<const std::uint32_t> items, Batch& batch) const {
    for (const std::uint32_t item : items) {
      batch.of_example.push_back(static_cast<std::uint32_t>(batch.of_example.size()));
      const auto row = fold_.items_.row(item);
      batch.rows.insert(batch.rows.end(), row.begin(), row.end());
    }
  }

  [[nodiscard]] std::vector<std::uint32_t> others_of(std::span<const std::uint32_t> items) const {
    std::vector<std::uint32_t> own(items.begin(), items.end());
    std::ranges::sort(own);
    std::vector<std::uint32_t> others;
    std::ranges::set_difference(fold_.known_, own, std::back_inserter(others));
    if (others.size() <= kMaxOthers) return others;
    for (std::size_t n = 0; n < kMaxOthers; ++n) others[n] = others[n * others.size() / kMaxOthers];
    others.resize(kMaxOthers);
    return others;
  }

  /// Each interaction before its share of the others.
  void pair_with(std::span<const std::uint32_t> items, const std::vector<std::uint32_t>& others) {
    positives_.of_example.clear();
    if (others.empty()) return;
    add_items(others, positives_);
    const std::size_t own = items.size();
    std::vector<std::uint32_t> numbers = std::exchange(positives_.of_example, {});
    const std::size_t share = (others.size() + own - 1) / own;
    for (std::size_t n = 0; n < own; ++n) {
      for (std::size_t k = 0; k < share; ++k) {
        positives_.of_example.push_back(static_cast<std::uint32_t>(n));
        const std::size_t other = (n + k * own) % others.size();
        positives_.of_example.push_back(static_cast<std::uint32_t>(own + other));
      }
    }
    positives_weight_ = fold_.settings_.negatives / static_cast<double>(share);
  }

  double add(const Batch& batch, double weight, VectorXd& slope) {
    if (batch.of_example.empty()) return 0;
    zeros_.assign(batch.of_example.size(), 0);
    by_row_.resize(row_.size());
    by_items_.resize(batch.rows.size());
    by_dense_.resize(fold_.dense_.size());
    const double loss =
        fold_.head_->gradient({{row_, zeros_}, {batch.rows, batch.of_example}, batch.targets, 0, 0},
                              fold_.dense_, {by_row_, by_items_, by_dense_}, workspace_);
    for (std::size_t k = 0; k < by_row_.size(); ++k)
      slope[static_cast<Eigen::Index>(k)] += weight * double{by_row_[k]};
    return weight * loss;
  }

  const HeadFoldIn& fold_;
  double size_;
  Batch positives_;
  Batch others_;
  double positives_weight_ = 1;
  double others_weight_ = 0;
  std::vector<float> row_;
  std::vector<std::uint32_t> zeros_;
  std::vector<float> by_row_;
  std::vector<float> by_items_;
  std::vector<float> by_dense_;
  HeadWorkspace workspace_;
};

HeadFoldIn::HeadFoldIn(std::unique_ptr<Head> head, std::vector<float> dense,
                       const FixedItems& items, std::vector<float> start, const Settings& settings)
    : head_{std::move(head)},
      dense_{std::move(dense)},
      items_{items},
      start_{std::move(start)},
      settings_{settings} {
  FACTORPS_CHECK(start_.size() == head_->shape().user_width &&
                 items.dim == head_->shape().item_width);
  for (std::uint32_t item = 0; item < items.counts.size(); ++item) {
    if (items.counts[item] > 0) known_.push_back(item);
  }
}

double HeadFoldIn::loss(const History& history, std::span<const float> row,
                        std::span<double> slope) const {
  Problem problem{*this, history};
  VectorXd by_row;
  const VectorXd x =
      Eigen::Map<const Eigen::VectorXf>{row.data(), static_cast<Eigen::Index>(row.size())}
          .cast<double>();
  const double value = problem.value(x, by_row);
  std::ranges::copy(by_row, slope.begin());
  return value;
}

FoldedRow HeadFoldIn::row(const History& history) const {
  FoldedRow folded{std::vector<float>(start_.size()), 0};
  if (history.items.empty()) return folded;
  Problem problem{*this, history};
  VectorXd x =
      Eigen::Map<const Eigen::VectorXf>{start_.data(), static_cast<Eigen::Index>(start_.size())}
          .cast<double>();
  VectorXd slope;
  double value = problem.value(x, slope);
  MatrixXd inverse = MatrixXd::Identity(x.size(), x.size()) / std::max(slope.norm(), 1e-12);
  for (int step = 0; step < kMaxSteps; ++step) {
    VectorXd move = -inverse * slope;
    const double promised = move.dot(slope);
    if (!(promised < 0)) break;
    VectorXd next_slope;
    double next = problem.value(x + move, next_slope);
    double length = 1;
    for (int n = 0; n < kMaxHalvings && !(next <= value + kEnough * length * promised); ++n) {
      length /= 2;
      next = problem.value(x + length * move, next_slope);
    }
    if (!(next < value)) break;
    move *= length;
    const VectorXd turn = next_slope - slope;
    if (const double curvature = move.dot(turn); curvature > 0) {
      const VectorXd turned = inverse * turn;
      inverse += (1 + turn.dot(turned) / curvature) / curvature * move * move.transpose() -
                 (turned * move.transpose() + move * turned.transpose()) / curvature;
    }
    const bool converged = value - next <= kConverged * std::abs(value);
    x += move;
    slope = next_slope;
    value = next;
    if (converged) break;
  }
  for (std::size_t k = 0; k < folded.factors.size(); ++k)
    folded.factors[k] = static_cast<float>(x[static_cast<Eigen::Index>(k)]);
  return folded;
}

}  // namespace factorps
