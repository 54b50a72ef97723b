#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {
namespace {

struct Batch {
  std::size_t user = 0;
  std::size_t first = 0;
  std::size_t count = 0;
};

std::size_t batches_of(const Run& run) { return (run.count + kBatch - 1) / kBatch; }

/// The batches of a range of runs, in order.
std::vector<Batch> batches(const CellView& cell, std::size_t run, std::size_t last,
                           std::size_t position) {
  std::vector<Batch> result;
  for (; run < last; ++run) {
    for (std::size_t done = 0; done < cell.runs[run].count; done += kBatch) {
      result.push_back({cell.runs[run].user, position + done,
                        std::min<std::size_t>(kBatch, cell.runs[run].count - done)});
    }
    position += cell.runs[run].count;
  }
  return result;
}

/// Everything a pair's updates need from the time before them, for one interaction.
struct Gradient {
  double error;
  double g;
  double scale;  // of the item's learning rates
  double item_bias;
};

Gradient gradient_of(const CellView& cell, std::size_t n, const float* p, const RowState& user,
                     RowsView items, const SgdStep& step) {
  const float* q = items.factors + cell.items[n] * items.stride;
  const RowState& item = items.states[cell.items[n]];
  double error = double{cell.value(n)} - step.mu - user.bias - item.bias;
  for (std::size_t f = 0; f < items.stride; ++f) error -= double{p[f]} * q[f];
  const double g = std::clamp(error * step.gain, -double{step.limit}, double{step.limit});
  return {error, g, 1 / std::sqrt(1.0 + item.accumulator), item.bias};
}

void update(const CellView& cell, const Batch& batch, std::span<const Gradient> gradients,
            RowsView users, RowsView items, const SgdStep& step) {
  const std::size_t dim = users.stride;
  float* user = users.factors + batch.user * dim;
  RowState& state = users.states[batch.user];
  const std::vector<double> p(user, user + dim);
  std::vector<double> total(dim, 0.0);
  double sum = 0;
  double sum_of_squares = 0;
  for (std::size_t n = 0; n < batch.count; ++n) {
    const auto& [error, g, scale, bias] = gradients[n];
    float* q = items.factors + cell.items[batch.first + n] * dim;
    RowState& item = items.states[cell.items[batch.first + n]];
    for (std::size_t f = 0; f < dim; ++f) {
      total[f] += g * q[f];
      q[f] =
          static_cast<float>(q[f] + step.rate * scale * (g * p[f] - double{step.l2_item} * q[f]));
    }
    item.bias =
        static_cast<float>(item.bias + step.rate_bias * scale * (g - double{step.l2_bias} * bias));
    item.accumulator = static_cast<float>(item.accumulator + step.accumulation * g * g);
    sum += g;
    sum_of_squares += g * g;
  }
  const double n = static_cast<double>(batch.count);
  const double scale = 1 / std::sqrt(1.0 + state.accumulator);
  for (std::size_t f = 0; f < dim; ++f) {
    user[f] = static_cast<float>(p[f] + step.rate * scale * (total[f] - n * step.l2_user * p[f]));
  }
  state.bias = static_cast<float>(state.bias +
                                  step.rate_bias * scale * (sum - n * step.l2_bias * state.bias));
  state.accumulator = static_cast<float>(state.accumulator + step.accumulation * sum_of_squares);
}

}  // namespace

CellHalves halves_of(const CellView& cell) noexcept {
  std::size_t total = 0;
  for (const Run& run : cell.runs) total += batches_of(run);
  CellHalves halves;
  for (std::size_t seen = 0; 2 * seen < total; ++halves.run) {
    seen += batches_of(cell.runs[halves.run]);
    halves.position += cell.runs[halves.run].count;
  }
  return halves;
}

double train_reference(const CellView& cell, RowsView users, RowsView items, const SgdStep& step) {
  const CellHalves halves = halves_of(cell);
  const auto first = batches(cell, 0, halves.run, 0);
  const auto second = batches(cell, halves.run, cell.runs.size(), halves.position);
  double loss = 0;
  for (std::size_t n = 0; n < std::max(first.size(), second.size()); ++n) {
    std::vector<Batch> pair;
    if (n < first.size()) pair.push_back(first[n]);
    if (n < second.size()) pair.push_back(second[n]);
    std::vector<std::vector<Gradient>> gradients;
    for (const Batch& batch : pair) {
      auto& mine = gradients.emplace_back();
      for (std::size_t k = batch.first; k < batch.first + batch.count; ++k) {
        mine.push_back(gradient_of(cell, k, users.factors + batch.user * users.stride,
                                   users.states[batch.user], items, step));
        loss += mine.back().error * mine.back().error;
      }
    }
    for (std::size_t b = 0; b < pair.size(); ++b) {
      update(cell, pair[b], gradients[b], users, items, step);
    }
  }
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
