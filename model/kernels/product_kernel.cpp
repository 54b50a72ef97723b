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

AddProducts add_products_kernel() { return &add_square; }

void add_matrix(ProductFactor a, std::size_t rows, const float* b, std::size_t b_stride,
                std::size_t columns, std::size_t depth, float* sums, std::size_t stride) {
  add_products<false, false>({a.data, a.by_k, a.by_i}, rows, b, b_stride, columns, nullptr, depth,
                             sums, stride);
}

AddMatrixProduct add_matrix_product_kernel() { return &add_matrix; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include "model/kernels/dispatch.hpp"

namespace factorps {

AddProducts add_products_of(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, add_products_kernel());
  return &add_products_reference;
}

AddMatrixProduct add_matrix_product_of(InstructionSet set) {
  FACTORPS_RETURN_FOR(set, add_matrix_product_kernel());
  return &add_matrix_product_reference;
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

void add_matrix_product_reference(ProductFactor a, std::size_t rows, const float* b,
                                  std::size_t b_stride, std::size_t columns, std::size_t depth,
                                  float* sums, std::size_t stride) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < depth; ++k) {
      const float factor = a.data[k * a.by_k + i * a.by_i];
      for (std::size_t j = 0; j < columns; ++j) {
        sums[i * stride + j] += factor * b[k * b_stride + j];
      }
    }
  }
}

}  // namespace factorps
#endif
