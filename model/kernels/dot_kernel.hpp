/// The inner loops of heads whose score is a dot product, of two rows or with weights.
///
/// Multiplications and additions only, none of them fused, sums in the shape of fold_sums(): the
/// results are the same for every instruction set.
#pragma once

#include <cstddef>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

struct DotKernels {
  /// @return the sum over n < size of (scale * a[n]) * b[n]
  float (*dot)(float scale, const float* a, const float* b, std::size_t size);
  /// by_a[n] += factor * b[n] and by_b[n] += factor * a[n], which are four places apart
  void (*add_slopes)(float factor, const float* a, const float* b, std::size_t size, float* by_a,
                     float* by_b);
  /// @return the sum over n < size of (a[n] * b[n]) * c[n]
  float (*dot3)(const float* a, const float* b, const float* c, std::size_t size);
  /// by_a[n] += (factor * b[n]) * c[n], by_b[n] += (factor * a[n]) * c[n] and
  /// by_c[n] += (factor * a[n]) * b[n], which are six places apart
  void (*add_slopes3)(float factor, const float* a, const float* b, const float* c,
                      std::size_t size, float* by_a, float* by_b, float* by_c);
};

/// Of one instruction set. @param set one of usable_kernels()
[[nodiscard]] DotKernels dot_kernels_of(InstructionSet set);

/// Of the best instruction set.
[[nodiscard]] const DotKernels& dot_kernels();

}  // namespace factorps
