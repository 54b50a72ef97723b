/// Products of matrices, added up in place: long ones a square at a time, others whole.
#pragma once

#include <cstddef>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

inline constexpr std::size_t kProductStrip = 32;  ///< columns; a multiple of kRowMultiple

/// sums(i, j) += sum over k < depth of a(k, i) b(k, j), each in ascending order of k, for the
/// kProductStrip x kProductStrip first numbers of `sums`.
///
/// Both factors are row-major, depth x kProductStrip, so that a product reads memory in one go.
/// All is aligned to 64 bytes. @param stride floats from one row of `sums` to the next
using AddProducts = void (*)(const float* a, const float* b, std::size_t depth, float* sums,
                             std::size_t stride);

/// Of one instruction set. Bits differ between those that multiply and add in one step and others.
[[nodiscard]] AddProducts add_products_of(InstructionSet set);

/// How a factor lies in memory: a(k, i) = data[k * by_k + i * by_i]. So it may be turned over.
struct ProductFactor {
  const float* data;
  std::size_t by_k;
  std::size_t by_i;
};

/// sums(i, j) += sum over k < depth of a(k, i) b[k * b_stride + j], each in ascending order of k,
/// so that a sum depends on its own factors alone, not on where it stands in the matrix.
///
/// @param rows i < rows @param columns j < columns; both, and the strides, are multiples of
/// kRowMultiple @param b aligned to 64 bytes, as `sums` @param stride floats from one row of `sums`
/// to the next
using AddMatrixProduct = void (*)(ProductFactor a, std::size_t rows, const float* b,
                                  std::size_t b_stride, std::size_t columns, std::size_t depth,
                                  float* sums, std::size_t stride);
[[nodiscard]] AddMatrixProduct add_matrix_product_of(InstructionSet set);

/// In plain loops: what tests compare with.
void add_products_reference(const float* a, const float* b, std::size_t depth, float* sums,
                            std::size_t stride);
void add_matrix_product_reference(ProductFactor a, std::size_t rows, const float* b,
                                  std::size_t b_stride, std::size_t columns, std::size_t depth,
                                  float* sums, std::size_t stride);

}  // namespace factorps
