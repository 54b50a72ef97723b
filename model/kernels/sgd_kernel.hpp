/// The inner loop of training: one pass of SGD over one cell, and the same cell's prediction.
///
/// Interactions of a user are taken eight at a time (a batch), and two batches of different users
/// together (a pair): sixteen predictions from the rows as they are, then the updates, which add
/// up where an item stands in both batches. The order is a pure function of the cell: its runs are
/// cut in two halves with about as many batches, and the n-th pair holds the n-th batch of each
/// half. Two users at a time, because one alone is bound by latency: dot product, error, update,
/// and only then the next dot product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "model/cell.hpp"

namespace factorps {

inline constexpr std::size_t kRowMultiple = 16;  ///< floats; one cache line
inline constexpr std::size_t kBatch = 8;         ///< interactions
inline constexpr std::size_t kBlankRows = 2 * kBatch;

/// What stands beside the factors of one row.
struct RowState {
  float bias;
  float accumulator;  ///< AdaGrad: scaled sum of squared loss gradients
};

/// Mutable rows of one strip or block. Factors are row-major with `stride` floats per row, a
/// multiple of kRowMultiple, aligned to 64 bytes; columns beyond dim are zero and stay zero.
/// Behind the last row of a block lie kBlankRows more, which the kernels use as scratch.
struct RowsView {
  float* factors;
  RowState* states;
  std::size_t stride;
  std::size_t rows;  ///< without the blank rows; (rows + kBlankRows) * stride is below 2^32
};

/// One update step, the same for all losses and optimizers:
///
///   e = value - (mu + b_u + b_i + <p, q>)      g = clamp(e * gain, -limit, limit)
///   q += s_i (g p - l2_item q)                 b_i += t_i (g - l2_bias b_i)
///   p += s_u (sum g q - n l2_user p)           b_u += t_u (sum g - n l2_bias b_u)
///   s = rate / sqrt(1 + G)                     t = rate_bias / sqrt(1 + G)
///   G += accumulation * sum g^2                after the step, per row
///
/// with sums over the n interactions of the batch. Errors, biases and G are those before the pair;
/// rows p are those before it too, rows q as the updates before in the same pair have left them.
/// Squared loss: gain 1, limit infinite. Huber (1964): gain 1, limit delta. Absolute: gain huge,
/// limit 1. Row-wise AdaGrad (Duchi, Hazan, Singer 2011, one scalar per row): accumulation is the
/// expected square of one factor, so that G estimates the sum of the mean squared factor gradients.
/// Plain SGD: accumulation 0.
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

  [[nodiscard]] bool is_squared() const noexcept {
    return gain == 1 && limit >= std::numeric_limits<float>::max();
  }
};

/// Where the second half of a cell begins.
struct CellHalves {
  std::size_t run = 0;
  std::size_t position = 0;  ///< of its first interaction
};

/// The cut that leaves both halves with about the same number of batches.
[[nodiscard]] CellHalves halves_of(const CellView& cell) noexcept;

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
