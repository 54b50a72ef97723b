#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include "model/fold_in.hpp"
#include "model/weighted_gram.hpp"

namespace factorps {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

VectorXd to_vector(std::span<const float> row) {
  return Eigen::Map<const Eigen::VectorXf>{row.data(), static_cast<Index>(row.size())}
      .cast<double>();
}

std::vector<float> to_floats(const VectorXd& x) {
  std::vector<float> row(static_cast<std::size_t>(x.size()));
  std::ranges::transform(x, row.begin(), [](double value) { return static_cast<float>(value); });
  return row;
}

}  // namespace

/// (G + sum of w q q^T + l2 I) p = sum of w q
class AllPairsFoldIn::Equations {
 public:
  Equations(const AllPairsFoldIn& fold, const History& history)
      : fold_{fold}, history_{history}, right_{VectorXd::Zero(dim())} {
    const Settings& settings = fold.settings_;
    MatrixXd matrix = Eigen::Map<const MatrixXd>{fold.gram_.data(), dim(), dim()};
    MatrixXd rows{dim(), static_cast<Index>(history.items.size())};  // sqrt(w) q
    for (std::size_t n = 0; n < history.items.size(); ++n) {
      rows.col(static_cast<Index>(n)) = std::sqrt(weight(n)) * item(n);
      right_ += weight(n) * item(n);
    }
    matrix.selfadjointView<Eigen::Lower>().rankUpdate(rows);
    const double pairs =
        static_cast<double>(history.items.size()) + settings.unobserved * fold.known_;
    matrix.diagonal().array() += settings.l2 * std::pow(pairs, settings.l2_exponent);
    solver_.compute(matrix);
    if (solver_.info() == Eigen::Success) return;
    matrix.diagonal().array() += 1e-12 * matrix.diagonal().maxCoeff();  // nothing tells them apart
    solver_.compute(matrix);
  }

  [[nodiscard]] double weight(std::size_t n) const {
    return double{fold_.settings_.confidence.weight(history_.values[n])};
  }
  [[nodiscard]] VectorXd item(std::size_t n) const {
    return to_vector(fold_.items_.row(history_.items[n]));
  }
  [[nodiscard]] VectorXd solution() const { return solver_.solve(right_); }
  [[nodiscard]] VectorXd solve(const VectorXd& right) const { return solver_.solve(right); }

 private:
  [[nodiscard]] Index dim() const { return static_cast<Index>(fold_.items_.dim); }

  const AllPairsFoldIn& fold_;
  const History& history_;
  VectorXd right_;
  Eigen::LLT<MatrixXd> solver_;
};

AllPairsFoldIn::AllPairsFoldIn(const FixedItems& items, const Settings& settings)
    : items_{items},
      settings_{settings},
      gram_{weighted_gram(items.factors, items.dim, {})},
      known_{static_cast<double>(
          std::ranges::count_if(items.counts, [](std::uint32_t n) { return n > 0; }))} {
  for (double& sum : gram_) sum *= settings.unobserved;
}

FoldedRow AllPairsFoldIn::row(const History& history) const {
  if (history.items.empty()) return {std::vector<float>(items_.dim), 0};
  return {to_floats(Equations{*this, history}.solution()), 0};
}

std::vector<double> AllPairsFoldIn::contributions(const History& history,
                                                  std::uint32_t item) const {
  if (history.items.empty()) return {};
  const Equations equations{*this, history};
  const VectorXd direction = equations.solve(to_vector(items_.row(item)));
  std::vector<double> parts;
  for (std::size_t n = 0; n < history.items.size(); ++n) {
    parts.push_back(equations.weight(n) * equations.item(n).dot(direction));
  }
  return parts;
}

/// Weights that make squares of Huber's costs come down monotonically (Huber 1981); squares need
/// one round.
FoldedRow RatingFoldIn::row(const History& history) const {
  constexpr int kRounds = 50;
  const auto dim = static_cast<Index>(items_.dim);
  const auto count = static_cast<Index>(history.items.size());
  if (count == 0) return {std::vector<float>(items_.dim), 0};
  MatrixXd columns = MatrixXd::Zero(count, dim + 1);  // the last one: the user's bias
  VectorXd target{count};
  for (Index n = 0; n < count; ++n) {
    const std::uint32_t item = history.items[static_cast<std::size_t>(n)];
    columns.row(n).head(dim) = to_vector(items_.row(item));
    columns(n, dim) = settings_.bias ? 1 : 0;
    target[n] =
        double{history.values[static_cast<std::size_t>(n)]} - items_.mu - double{items_.bias[item]};
  }
  const double times = std::pow(static_cast<double>(count), settings_.l2_exponent);
  VectorXd penalty = VectorXd::Constant(dim + 1, settings_.l2 * times);
  penalty[dim] = settings_.bias ? settings_.l2_bias * times : 1;
  VectorXd x = VectorXd::Zero(dim + 1);
  VectorXd weights = VectorXd::Ones(count);
  for (int round = 0; round < (settings_.limit > 0 ? kRounds : 1); ++round) {
    MatrixXd matrix = columns.transpose() * weights.asDiagonal() * columns;
    matrix.diagonal() += penalty;
    const VectorXd next = matrix.ldlt().solve(columns.transpose() * weights.cwiseProduct(target));
    const double moved = (next - x).norm();
    x = next;
    if (moved <= 1e-9 * x.norm()) break;
    const VectorXd errors = (target - columns * x).cwiseAbs();
    if (settings_.limit > 0) weights = (settings_.limit / errors.array().max(settings_.limit));
  }
  return {to_floats(x.head(dim)), static_cast<float>(x[dim])};
}

}  // namespace factorps
