#include "model/kernels/product_kernel.hpp"

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/product_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/als_kernel.hpp"
#include "model/kernels/matrix-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

void add_square(const float* a, const float* b, std::size_t depth, float* sums,
                std::size_t stride) {
  add_products<false, false>({a, kProductStrip, 1}, kProductStrip, b, kProductStrip, kProductStrip,
                             nullptr, depth, sums, stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace factorps {

AddProducts add_products_of(InstructionSet set) {
  switch (set) {
#if HWY_TARGETS & HWY_SSE4
    case InstructionSet::sse4:
      return &N_SSE4::add_square;
#endif
#if HWY_TARGETS & HWY_AVX2
    case InstructionSet::avx2:
      return &N_AVX2::add_square;
#endif
#if HWY_TARGETS & HWY_AVX3
    case InstructionSet::avx512:
      return &N_AVX3::add_square;
#endif
    default:
      return &add_products_reference;
  }
}

void add_products_reference(const float* a, const float* b, std::size_t depth, float* sums,
                            std::size_t stride) {
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t i = 0; i < kProductStrip; ++i) {
      for (std::size_t j = 0; j < kProductStrip; ++j) {
        sums[i * stride + j] += a[k * kProductStrip + i] * b[k * kProductStrip + j];
      }
    }
  }
}

}  // namespace factorps
#endif
