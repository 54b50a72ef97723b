#include <algorithm>
#include <cmath>

#include "model/kernels/ranking_kernel.hpp"

namespace factorps {
namespace {

using Vector = std::vector<double>;

Vector row_of(const RowsView& rows, std::size_t row) {
  const float* x = rows.factors + row * rows.stride;
  return {x, x + rows.stride};
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
  return sum;
}

void add(double factor, const Vector& x, Vector& sum) {
  for (std::size_t c = 0; c < x.size(); ++c) sum[c] += factor * x[c];
}

void to_length_one(Vector& x) {
  const double length = std::sqrt(dot(x, x));
  for (double& value : x) value = length > 0 ? value / length : 0;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return x > 30 ? x : std::log1p(std::exp(x)); }

/// What a loss says of one interaction.
struct Slope {
  double loss = 0;
  double positive = 0;  // by the score of the interaction
  Vector negative;      // by those of the negatives
};

/// @param weights c of each negative; not all 0
Slope slope_of(double s, const Vector& t, const Vector& weights, const RankingStep& step) {
  const auto n = static_cast<double>(t.size());
  Slope slope;
  slope.negative.resize(t.size());
  if (step.loss == RankingLoss::softmax) {
    double sum = 0;
    for (std::size_t j = 0; j < t.size(); ++j) {
      slope.negative[j] = weights[j] * std::exp(t[j] / double{step.temperature});
      sum += slope.negative[j];
    }
    for (double& x : slope.negative) x *= double{step.exponent} / (sum * double{step.temperature});
    slope.positive = -1 / double{step.temperature};
    slope.loss = -s / double{step.temperature} + double{step.exponent} * std::log(sum);
    return slope;
  }
  if (step.loss == RankingLoss::ccl) {
    slope.positive = -1;
    slope.loss = 1 - s;
  } else if (step.loss == RankingLoss::logistic) {
    slope.positive = -sigmoid(-s);
    slope.loss = softplus(-s);
  }
  for (std::size_t j = 0; j < t.size(); ++j) {
    const double over = t[j] - double{step.margin};
    switch (step.loss) {
      case RankingLoss::ccl:
        slope.negative[j] = over > 0 ? weights[j] * double{step.weight} / n : 0;
        slope.loss += weights[j] * double{step.weight} / n * std::max(0.0, over);
        break;
      case RankingLoss::bpr:
        slope.negative[j] = weights[j] * sigmoid(t[j] - s) / n;
        slope.positive -= slope.negative[j];
        slope.loss += weights[j] * softplus(t[j] - s) / n;
        break;
      default:
        slope.negative[j] = weights[j] * double{step.weight} / n * sigmoid(t[j]);
        slope.loss += weights[j] * double{step.weight} / n * softplus(t[j]);
    }
  }
  return slope;
}

void update(const RowsView& rows, std::size_t row, Vector gradient, double l2,
            const RankingStep& step) {
  Vector x = row_of(rows, row);
  if (step.cosine) {
    to_length_one(x);
    add(-dot(gradient, x), x, gradient);
  }
  float& accumulator = rows.states[row].accumulator;
  const double squares = dot(gradient, gradient) / static_cast<double>(rows.stride);
  accumulator = static_cast<float>(double{accumulator} + squares);
  const double size =
      step.adagrad ? double{step.rate} / std::sqrt(double{accumulator} + 1e-8) : double{step.rate};
  add(l2, x, gradient);
  add(-size, gradient, x);
  if (step.cosine) to_length_one(x);
  std::ranges::transform(x, rows.factors + row * rows.stride,
                         [](double value) { return static_cast<float>(value); });
}

}  // namespace

double train_ranking_reference(const CellView& cell, RowsView users, RowsView items,
                               const Candidates& candidates, const RankingStep& step,
                               std::uint64_t seed, RankingWorkspace& workspace) {
  shuffle_positives(cell, seed, workspace);
  if (step.exclude_positives) list_known(workspace);
  const auto& positives = workspace.positives;
  double loss = 0;
  for (std::size_t first = 0; first < positives.size(); first += step.batch) {
    draw_negatives(candidates, step.negatives, seed, first / step.batch, workspace);
    if (step.exclude_positives) list_sampled(workspace);
    const std::size_t size = std::min(step.batch, positives.size() - first);
    std::vector<Vector> negatives;
    for (const std::uint32_t item : workspace.negatives) negatives.push_back(row_of(items, item));
    if (step.cosine) std::ranges::for_each(negatives, to_length_one);
    std::vector<Vector> user_gradients(size, Vector(users.stride));
    std::vector<Vector> item_gradients(size, Vector(users.stride));
    std::vector<Vector> negative_gradients(negatives.size(), Vector(users.stride));
    for (std::size_t n = 0; n < size; ++n) {
      Vector p = row_of(users, positives[first + n].user);
      Vector q = row_of(items, positives[first + n].item);
      if (step.cosine) {
        to_length_one(p);
        to_length_one(q);
      }
      Vector scores;
      for (const Vector& negative : negatives) scores.push_back(dot(p, negative));
      Vector weights{workspace.weights.begin(), workspace.weights.end()};
      if (step.exclude_positives) {
        const float grow = mask_known(positives[first + n].user, candidates, workspace);
        if (grow == 0) continue;  // nothing to compare with
        for (double& weight : weights) weight *= double{grow};
        for (const std::uint32_t j : workspace.masked) weights[j] = 0;
      }
      const Slope slope = slope_of(dot(p, q), scores, weights, step);
      loss += slope.loss;
      add(slope.positive, q, user_gradients[n]);
      add(slope.positive, p, item_gradients[n]);
      for (std::size_t j = 0; j < negatives.size(); ++j) {
        add(slope.negative[j], negatives[j], user_gradients[n]);
        add(slope.negative[j], p, negative_gradients[j]);
      }
    }
    for (std::size_t n = 0; n < size; ++n) {
      update(users, positives[first + n].user, user_gradients[n], double{step.l2_user}, step);
      update(items, positives[first + n].item, item_gradients[n], double{step.l2_item}, step);
    }
    for (std::size_t j = 0; j < negatives.size(); ++j) {
      update(items, workspace.negatives[j], negative_gradients[j], double{step.l2_negative}, step);
    }
  }
  return loss;
}

}  // namespace factorps
