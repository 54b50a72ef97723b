#include "model/kernels/als_kernel.hpp"

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/als_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/als_solver-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

double als_solve(const AlsProblem& problem, std::span<const AlsTask> tasks,
                 AlsWorkspace& workspace) {
  return AlsSolver{problem, tasks, workspace}.run();
}

/// Floats hold the sums of a few rows, then doubles: a table may have millions.
void als_add_gram(const float* rows, std::size_t count, std::size_t stride, std::size_t i0,
                  std::size_t j0, std::size_t width, double* sums) {
  AlignedBuffer<float> part{width * width};
  for (std::size_t r = 0; r < count; r += kGramRows) {
    std::fill_n(part.data(), part.size(), 0.0F);
    const float* first = rows + r * stride;
    add_products<false, false>({first + i0, stride, 1}, width, first + j0, stride, width, nullptr,
                               std::min(kGramRows, count - r), part.data(), width);
    for (std::size_t n = 0; n < part.size(); ++n) sums[n] += double{part.data()[n]};
  }
}

AlsKernels als_kernels() { return {&als_solve, &als_add_gram}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

AlsKernels als_kernels(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, als_kernels());
  return {&als_solve_reference, &als_gram_reference};
}

}  // namespace factorps
#endif
