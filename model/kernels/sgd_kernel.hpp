/// The inner loop of training: one pass of SGD over one cell, and the same cell's prediction.
///
/// Interactions of a user are taken eight at a time (a batch): eight predictions from the same
/// rows, then eight item updates and one summed user update, all from the values before the batch.
/// The order is a pure function of the cell: its runs are cut into a first and a second half, and
/// the batches of the two halves alternate, which lets a CPU overlap two independent users.
/// An item that stands twice in one batch keeps only the later update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/cell.hpp"

namespace factorps {

/// What stands beside the factors of one row.
struct RowState {
  float bias;
  float accumulator;  ///< AdaGrad: scaled sum of squared loss gradients
};

/// Mutable rows of one strip or block. Factors are row-major with `stride` floats per row, a
/// multiple of kRowMultiple, aligned to 64 bytes; columns beyond dim are zero and stay zero.
/// Behind the last row of a block lies one more, the blank row, which the kernels use as scratch.
struct RowsView {
  float* factors;
  RowState* states;
  std::size_t stride;
  std::size_t rows;  ///< without the blank row; rows * stride is below 2^32
};

inline constexpr std::size_t kRowMultiple = 16;  ///< floats; one cache line
inline constexpr std::size_t kBatch = 8;         ///< interactions

/// One update step, the same for all losses and optimizers:
///
///   e = value - (mu + b_u + b_i + <p, q>)      g = clamp(e * gain, -limit, limit)
///   q += s_i (g p - l2_item q)                 b_i += t_i (g - l2_bias b_i)
///   p += s_u (sum g q - n l2_user p)           b_u += t_u (sum g - n l2_bias b_u)
///   s = rate / sqrt(1 + G)                     t = rate_bias / sqrt(1 + G)
///   G += accumulation * sum g^2                after the step, per row
///
/// with sums over the n interactions of the batch. Squared loss: gain 1, limit infinite. Huber
/// (1964): gain 1, limit delta. Absolute: gain huge, limit 1. Row-wise AdaGrad (Duchi, Hazan,
/// Singer 2011, one scalar per row): accumulation is the expected square of one factor, so that G
/// estimates the sum of the mean squared factor gradients. Plain SGD: accumulation 0.
struct SgdStep {
  float mu = 0;
  float rate = 0;
  float rate_bias = 0;
  float l2_user = 0;
  float l2_item = 0;
  float l2_bias = 0;
  float gain = 1;
  float limit = 0;
  float accumulation = 0;
};

enum class InstructionSet { reference, sse4, avx2, avx512 };
[[nodiscard]] std::string_view name_of(InstructionSet set) noexcept;

/// The kernels of one instruction set. The bits of a result depend on the set, on nothing else.
struct Kernels {
  InstructionSet set;
  /// Trains on every interaction of the cell once. `users` and `items` start at the first row of
  /// the strip and of the block.
  /// @return sum of the squared errors e, each before its update
  double (*train)(const CellView& cell, RowsView users, RowsView items, const SgdStep& step);
  /// predictions[n] = mu + b_u + b_i + <p, q> in normalised units; cell.size() floats.
  void (*predict)(const CellView& cell, RowsView users, RowsView items, float mu,
                  float* predictions);
};

/// Every set that this binary holds and this CPU can run, slowest first.
[[nodiscard]] std::span<const Kernels> usable_kernels();
/// The fastest set.
[[nodiscard]] const Kernels& best_kernels();

// The same computations in plain loops with double sums: what tests compare with, and what
// runs on a CPU without SSE4.
double train_reference(const CellView& cell, RowsView users, RowsView items, const SgdStep& step);
void predict_reference(const CellView& cell, RowsView users, RowsView items, float mu,
                       float* predictions);

}  // namespace factorps
