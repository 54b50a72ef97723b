/// The inner steps of alternating least squares: one row of a table against all of the other one.
///
/// Row p minimises
///
///   sum over its interactions of w (<p, q> - t)^2  +  <p, G p>  +  l2 |p|^2
///
/// where q are rows of the other table, which stays as it is.
///
/// Over all pairs (Hu, Koren, Volinsky 2008; the parameters as in Rendle, Krichene, Zhang, Koren
/// 2021): every target t is 1, and G = unobserved weight x sum of q q^T over all of the other
/// table: so pairs without an interaction count too, and cost nothing each.
///
/// Over known values (Zhou, Wilkinson, Schreiber, Pan 2008): t is the value less the mean, G is
/// zero. Biases are two columns more: users are (factors, bias, 1), items (factors, 1, bias), so
/// that <p, q> holds both biases. The bias has a penalty of its own, the 1 stays as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/aligned_buffer.hpp"
#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

inline constexpr std::size_t kAlsBatch = 16;  ///< rows that share the products with G

/// A column that does not exist.
inline constexpr std::size_t kNoColumn = ~std::size_t{0};

/// One row to be solved.
struct AlsTask {
  std::span<const std::uint32_t> others;  ///< rows of the other table, one per interaction
  const float* weights = nullptr;         ///< w of each, at least 0; none: all are 1
  float l2 = 0;
  float* row = nullptr;            ///< `stride` floats: where to start; then the solution
  const float* targets = nullptr;  ///< t of each interaction; none: all are 1
  float l2_bias = 0;               ///< of AlsProblem::bias, instead of l2
};

/// What the rows of a half sweep have in common. Factors are row-major with `stride` floats per
/// row, a multiple of kRowMultiple, aligned to 64 bytes, zero beyond the dimension.
struct AlsProblem {
  const float* fixed = nullptr;  ///< the other table
  const float* gram = nullptr;   ///< G, stride x stride
  std::size_t stride = 0;
  /// Columns that are solved together, a multiple of kRowMultiple. `stride`: the exact minimum.
  /// Less: one exact step in each range of columns after the other (Rendle et al., iALS++, 2021).
  std::size_t block = 0;
  /// Above 0: so many steps of conjugate gradients from where the row starts, instead of the above.
  std::size_t cg_steps = 0;
  std::size_t bias = kNoColumn;      ///< has a penalty of its own
  std::size_t constant = kNoColumn;  ///< stays as it is, in rows without interactions too
};

/// Memory that kernels use between calls; one per thread.
struct AlsWorkspace {
  AlignedBuffer<float> fixed;      // parts of constant size
  AlignedBuffer<float> residuals;  // grows with the interactions of a batch
  std::vector<std::size_t> begin;  // [task] in residuals

  /// At least `size` floats that survive the call, not what is in them.
  [[nodiscard]] static float* reserve(AlignedBuffer<float>& buffer, std::size_t size) {
    if (buffer.size() < size) buffer = AlignedBuffer<float>{size + size / 4};
    return buffer.data();
  }
};

/// Rows whose products add_gram sums in floats, counted from the first: what is added in pieces of
/// a multiple of it has the same bits as added at once.
inline constexpr std::size_t kGramRows = 256;

/// The kernels of one instruction set. Solutions do not depend on which tasks share a call.
struct AlsKernels {
  /// Solves up to kAlsBatch rows. A row without interactions becomes zero.
  /// @return sum of w (<p, q> - t)^2 over all interactions, of the solutions
  double (*solve)(const AlsProblem& problem, std::span<const AlsTask> tasks,
                  AlsWorkspace& workspace);
  /// Adds the sum over `count` rows x of x[i] x[j] to sums[(i - i0) * width + (j - j0)], for i and
  /// j in the `width` columns from i0 and j0 on; `width`, i0, j0 are multiples of kRowMultiple.
  void (*add_gram)(const float* rows, std::size_t count, std::size_t stride, std::size_t i0,
                   std::size_t j0, std::size_t width, double* sums);
};

/// @param set one of usable_kernels()
[[nodiscard]] AlsKernels als_kernels(InstructionSet set);

// In plain loops with double sums, and Eigen's LDLT: what tests compare with, and what runs on a
// CPU without SSE4.
double als_solve_reference(const AlsProblem& problem, std::span<const AlsTask> tasks,
                           AlsWorkspace& workspace);
void als_gram_reference(const float* rows, std::size_t count, std::size_t stride, std::size_t i0,
                        std::size_t j0, std::size_t width, double* sums);

}  // namespace factorps
