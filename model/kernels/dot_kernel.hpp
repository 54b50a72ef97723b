/// The inner loops of heads whose score is a dot product.
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
};

/// Of one instruction set. @param set one of usable_kernels()
[[nodiscard]] DotKernels dot_kernels_of(InstructionSet set);

/// Of the best instruction set.
[[nodiscard]] const DotKernels& dot_kernels();

}  // namespace factorps
