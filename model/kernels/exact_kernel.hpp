/// The loops of common/exact_sum.hpp on vectors, and means of such sums.
#pragma once

#include <cstddef>

#include "model/kernels/sgd_kernel.hpp"

namespace factorps {

struct ExactKernels {
  /// can_add_exactly()
  bool (*can_add)(const float* terms, std::size_t size);
  /// add_exactly()
  void (*add)(const float* terms, std::size_t size, double* sum);
  /// mean[n] = sum[n] * scale
  void (*mean_of_sum)(const double* sum, std::size_t size, double scale, float* mean);
  /// The same for the sum of one gradient.
  void (*mean_of_one)(const float* terms, std::size_t size, double scale, float* mean);
};

/// Of one instruction set; the results are the same in all. @param set one of usable_kernels()
[[nodiscard]] ExactKernels exact_kernels_of(InstructionSet set);
/// Of best_kernels().
[[nodiscard]] const ExactKernels& exact_kernels();

}  // namespace factorps
