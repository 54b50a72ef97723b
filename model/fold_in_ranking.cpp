#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <Eigen/Cholesky>

#include "model/fold_in.hpp"
#include "model/weighted_gram.hpp"

namespace factorps {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Eigen::VectorXf;
using Rows =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

/// The loss of one user as a function of the row: scores t = Q x + biases + mu, then
///   value(t),   slope = Q^T a,   curvature = Q^T diag(d) Q - sum of (l r^T + r l^T) / 2.
class RankingFoldIn::Problem {
 public:
  Problem(const RankingFoldIn& fold, const History& history)
      : items_{fold.items_},
        step_{fold.step_},
        known_{fold.known_},
        positives_{history.items},
        rows_{items_.factors.data(), static_cast<Index>(items_.counts.size()),
              static_cast<Index>(items_.dim)},
        size_{static_cast<double>(positives_.size())} {}

  /// Mean of the interactions' items: where the search starts.
  [[nodiscard]] VectorXd centre() const {
    VectorXd sum = VectorXd::Zero(rows_.cols());
    for (const std::uint32_t item : positives_) sum += rows_.row(item).cast<double>();
    return sum / size_;
  }

  /// @param expand whether slope() and curvature() will be asked for
  double value(const VectorXd& x, bool expand) {
    scores_ = rows_ * x.cast<float>();
    scores_ += Eigen::Map<const VectorXf>{items_.bias.data(), scores_.size()};
    scores_.array() += static_cast<float>(items_.mu);
    a_.setZero(expand ? scores_.size() : 0);
    d_.setZero(expand ? scores_.size() : 0);
    outer_.clear();
    x_ = x;
    return loss(expand) + penalty() / 2 * x.squaredNorm();
  }
  [[nodiscard]] VectorXd slope() const {
    return (rows_.transpose() * a_).cast<double>() + penalty() * x_;
  }
  [[nodiscard]] MatrixXd curvature() const {
    MatrixXd h = MatrixXd::Zero(rows_.cols(), rows_.cols());
    if (d_.maxCoeff() > 0) {
      const auto sums = weighted_gram(items_.factors, items_.dim,
                                      {d_.data(), static_cast<std::size_t>(d_.size())});
      h = Eigen::Map<const MatrixXd>{sums.data(), rows_.cols(), rows_.cols()};
    }
    for (const auto& [left, right] : outer_) {
      h -= (left * right.transpose() + right * left.transpose()) / 2;
    }
    h.diagonal().array() += penalty();
    return h;
  }

 private:
  /// Cosine scores do not see the length of a row.
  [[nodiscard]] double penalty() const { return step_.cosine ? 0 : double{step_.l2_user} * size_; }
  [[nodiscard]] bool known(Index item) const {
    return items_.counts[static_cast<std::size_t>(item)] > 0;
  }

  double loss(bool expand) {
    switch (step_.loss) {
      case RankingLoss::softmax:
        return softmax(expand);
      case RankingLoss::bpr:
        return pairwise(expand);
      default:
        return pointwise(expand);
    }
  }

  double softmax(bool expand) {
    const double inverse = 1 / double{step_.temperature};
    double highest = -std::numeric_limits<double>::infinity();
    for (Index i = 0; i < scores_.size(); ++i) {
      if (known(i)) highest = std::max(highest, double{scores_[i]});
    }
    VectorXf share = VectorXf::Zero(scores_.size());
    double sum = 0;
    for (Index i = 0; i < scores_.size(); ++i) {
      if (!known(i)) continue;
      const double e = std::exp((double{scores_[i]} - highest) * inverse);
      share[i] = static_cast<float>(e);
      sum += e;
    }
    double total = size_ * double{step_.exponent} * (highest * inverse + std::log(sum));
    for (const std::uint32_t item : positives_) total -= double{scores_[item]} * inverse;
    if (!expand) return total;
    share /= static_cast<float>(sum);
    const double weight = size_ * double{step_.exponent} * inverse;
    a_ = static_cast<float>(weight) * share;
    d_ = static_cast<float>(weight * inverse) * share;
    for (const std::uint32_t item : positives_) a_[item] -= static_cast<float>(inverse);
    const VectorXd mean = (rows_.transpose() * share).cast<double>();
    outer_.emplace_back(weight * inverse * mean, mean);
    return total;
  }

  /// ccl and logistic: each score has a cost of its own.
  double pointwise(bool expand) {
    const bool logistic = step_.loss == RankingLoss::logistic;
    const double each = size_ * double{step_.weight} / known_;
    double total = 0;
    for (Index i = 0; i < scores_.size(); ++i) {
      if (!known(i)) continue;
      const double t = double{scores_[i]} - (logistic ? 0 : double{step_.margin});
      total += each * (logistic ? softplus(t) : std::max(t, 0.0));
      if (!expand) continue;
      const double p = logistic ? sigmoid(t) : (t > 0 ? 1.0 : 0.0);
      a_[i] = static_cast<float>(each * p);
      d_[i] = static_cast<float>(logistic ? each * p * (1 - p) : 0);
    }
    for (const std::uint32_t item : positives_) {
      const double s = double{scores_[item]};
      total += logistic ? softplus(-s) : 1 - s;
      if (!expand) continue;
      const double p = sigmoid(-s);
      a_[item] -= static_cast<float>(logistic ? p : 1);
      if (logistic) d_[item] += static_cast<float>(p * (1 - p));
    }
    return total;
  }

  double pairwise(bool expand) {
    double total = 0;
    VectorXf bend = VectorXf::Zero(expand ? scores_.size() : 0);
    for (const std::uint32_t item : positives_) {
      for (Index i = 0; i < scores_.size(); ++i) {
        if (!known(i)) continue;
        const double t = double{scores_[i]} - double{scores_[item]};
        total += softplus(t) / known_;
        if (!expand) continue;
        const double p = sigmoid(t);
        a_[i] += static_cast<float>(p / known_);
        a_[item] -= static_cast<float>(p / known_);
        bend[i] = static_cast<float>(p * (1 - p) / known_);
      }
      if (!expand) continue;
      d_ += bend;
      d_[item] += bend.sum();
      outer_.emplace_back(2 * rows_.row(item).cast<double>().transpose(),
                          (rows_.transpose() * bend).cast<double>());
    }
    return total;
  }

  const FixedItems& items_;
  const RankingStep& step_;
  double known_;
  std::span<const std::uint32_t> positives_;
  Rows rows_;
  double size_;  // interactions
  VectorXd x_;
  VectorXf scores_;
  VectorXf a_;
  VectorXf d_;
  std::vector<std::pair<VectorXd, VectorXd>> outer_;
};

namespace {

/// The part of a slope and of a curvature along the sphere at x; across it 1.
void to_sphere(const VectorXd& x, VectorXd& slope, MatrixXd& curvature) {
  const double along = x.dot(slope);
  slope -= along * x;
  const MatrixXd across = MatrixXd::Identity(x.size(), x.size()) - x * x.transpose();
  curvature = (across * curvature * across - along * across + x * x.transpose()).eval();
}

/// Newton's direction; where the curvature is not positive, of one that is.
VectorXd direction(const VectorXd& slope, const MatrixXd& curvature) {
  const double scale = std::max(curvature.diagonal().cwiseAbs().maxCoeff(), 1e-30);
  for (double shift = 0;; shift = shift == 0 ? 1e-6 * scale : 10 * shift) {
    MatrixXd shifted = curvature;
    shifted.diagonal().array() += shift;
    const Eigen::LLT<MatrixXd> solver{shifted};
    if (solver.info() == Eigen::Success) return -solver.solve(slope);
  }
}

}  // namespace

RankingFoldIn::RankingFoldIn(const FixedItems& items, const RankingStep& step)
    : items_{items},
      step_{step},
      known_{static_cast<double>(
          std::ranges::count_if(items.counts, [](std::uint32_t n) { return n > 0; }))} {}

FoldedRow RankingFoldIn::row(const History& history) const {
  constexpr int kHalvings = 30;
  constexpr double kFloatNoise = 1e-7;  // scores are floats
  if (history.items.empty() || known_ == 0) return {std::vector<float>(items_.dim), 0};
  Problem problem{*this, history};
  VectorXd x = problem.centre();
  if (step_.cosine) x.normalize();
  double loss = problem.value(x, true);
  for (int n = 0; n < kMaxSteps; ++n) {
    VectorXd slope = problem.slope();
    MatrixXd curvature = problem.curvature();
    if (step_.cosine) to_sphere(x, slope, curvature);
    const VectorXd move = direction(slope, curvature);
    const double before = loss;
    VectorXd next;
    double size = 1;
    for (int halving = 0; halving < kHalvings; ++halving, size /= 2) {
      next = x + size * move;
      if (step_.cosine) next.normalize();
      loss = problem.value(next, false);
      if (loss <= before + 1e-4 * size * slope.dot(move)) break;
    }
    if (!(loss < before - kFloatNoise * std::abs(before))) {
      if (loss < before) x = next;
      break;
    }
    x = next;
    loss = problem.value(x, true);
  }
  std::vector<float> row(items_.dim);
  std::ranges::transform(x, row.begin(), [](double value) { return static_cast<float>(value); });
  return {std::move(row), 0};
}

}  // namespace factorps
