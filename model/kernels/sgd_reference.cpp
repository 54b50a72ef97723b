#include <algorithm>
#include <cmath>
#include <vector>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {
namespace {

struct Batch {
  std::size_t user;
  std::size_t first;
  std::size_t count;
};

/// The batches of a range of runs, in order.
std::vector<Batch> batches(const CellView& cell, std::size_t first_run, std::size_t last_run) {
  std::vector<Batch> result;
  std::size_t position = 0;
  for (std::size_t r = 0; r < last_run; ++r) {
    for (std::size_t done = 0; r >= first_run && done < cell.runs[r].count; done += kBatch) {
      result.push_back({cell.runs[r].user, position + done,
                        std::min<std::size_t>(kBatch, cell.runs[r].count - done)});
    }
    position += cell.runs[r].count;
  }
  return result;
}

/// Batches of both halves of the cell, alternating while both last.
std::vector<Batch> in_order(const CellView& cell) {
  const std::size_t half = cell.runs.size() / 2;
  const auto first = batches(cell, 0, half);
  const auto second = batches(cell, half, cell.runs.size());
  std::vector<Batch> result;
  for (std::size_t n = 0; n < std::max(first.size(), second.size()); ++n) {
    if (n < first.size()) result.push_back(first[n]);
    if (n < second.size()) result.push_back(second[n]);
  }
  return result;
}

double update(const CellView& cell, const Batch& batch, RowsView users, RowsView items,
              const SgdStep& step) {
  const std::size_t dim = users.stride;
  float* user = users.factors + batch.user * dim;
  RowState& user_state = users.states[batch.user];
  const double user_scale = 1 / std::sqrt(1.0 + user_state.accumulator);
  const std::vector<double> p(user, user + dim);
  const double user_bias = user_state.bias;
  const double n = static_cast<double>(batch.count);
  std::vector<double> gradient(dim, 0.0);
  double loss = 0;
  double sum = 0;
  double sum_of_squares = 0;
  for (std::size_t k = batch.first; k < batch.first + batch.count; ++k) {
    float* q = items.factors + cell.items[k] * dim;
    RowState& state = items.states[cell.items[k]];
    double error = double{cell.value(k)} - step.mu - user_bias - state.bias;
    for (std::size_t f = 0; f < dim; ++f) error -= p[f] * q[f];
    const double g = std::clamp(error * step.gain, -double{step.limit}, double{step.limit});
    const double scale = 1 / std::sqrt(1.0 + state.accumulator);
    for (std::size_t f = 0; f < dim; ++f) {
      gradient[f] += g * q[f];
      q[f] =
          static_cast<float>(q[f] + step.rate * scale * (g * p[f] - double{step.l2_item} * q[f]));
    }
    state.bias = static_cast<float>(state.bias + step.rate_bias * scale *
                                                     (g - double{step.l2_bias} * state.bias));
    state.accumulator = static_cast<float>(state.accumulator + step.accumulation * g * g);
    loss += error * error;
    sum += g;
    sum_of_squares += g * g;
  }
  for (std::size_t f = 0; f < dim; ++f) {
    user[f] =
        static_cast<float>(p[f] + step.rate * user_scale * (gradient[f] - n * step.l2_user * p[f]));
  }
  user_state.bias = static_cast<float>(user_bias + step.rate_bias * user_scale *
                                                       (sum - n * step.l2_bias * user_bias));
  user_state.accumulator =
      static_cast<float>(user_state.accumulator + step.accumulation * sum_of_squares);
  return loss;
}

}  // namespace

double train_reference(const CellView& cell, RowsView users, RowsView items, const SgdStep& step) {
  double loss = 0;
  for (const Batch& batch : in_order(cell)) loss += update(cell, batch, users, items, step);
  return loss;
}

void predict_reference(const CellView& cell, RowsView users, RowsView items, float mu,
                       float* predictions) {
  std::size_t n = 0;
  for (const Run& run : cell.runs) {
    const float* p = users.factors + run.user * users.stride;
    for (std::size_t end = n + run.count; n < end; ++n) {
      const float* q = items.factors + cell.items[n] * users.stride;
      double sum = double{mu} + users.states[run.user].bias + items.states[cell.items[n]].bias;
      for (std::size_t f = 0; f < users.stride; ++f) sum += double{p[f]} * q[f];
      predictions[n] = static_cast<float>(sum);
    }
  }
}

}  // namespace factorps
