#include "model/kernels/product_kernel.hpp"

#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"
#include "common/random.hpp"

namespace factorps {
namespace {

constexpr std::size_t kDepth = 37;
constexpr std::size_t kStride = 48;

/// Small integers: every product and sum is exact.
AlignedBuffer<float> integers(std::size_t count, std::uint64_t seed) {
  const RandomStream stream{seed, Purpose::generate};
  AlignedBuffer<float> values{count};
  for (std::size_t n = 0; n < count; ++n) {
    values.data()[n] = static_cast<float>(stream.below(9, n)) - 4;
  }
  return values;
}

TEST(ProductKernel, AddsWhatTheReferenceAdds) {
  const auto a = integers(kDepth * kProductStrip, 1);
  const auto b = integers(kDepth * kProductStrip, 2);
  for (const Kernels& kernels : usable_kernels()) {
    auto expected = integers(kProductStrip * kStride, 3);
    for (std::size_t i = 0; i < kProductStrip; ++i) {
      for (std::size_t j = 0; j < kProductStrip; ++j) {
        for (std::size_t k = 0; k < kDepth; ++k) {
          expected.data()[i * kStride + j] +=
              a.data()[k * kProductStrip + i] * b.data()[k * kProductStrip + j];
        }
      }
    }
    auto sums = integers(kProductStrip * kStride, 3);
    add_products_of(kernels.set)(a.data(), b.data(), kDepth, sums.data(), kStride);
    for (std::size_t n = 0; n < sums.size(); ++n) {
      ASSERT_EQ(sums.data()[n], expected.data()[n]) << name_of(kernels.set) << " " << n;
    }
  }
}

TEST(ProductKernel, AddsMatricesOfAnyShapeAlsoTurnedOver) {
  constexpr std::size_t kRows = 48;
  constexpr std::size_t kColumns = 80;  // an odd number of widest vectors
  const auto a = integers(kDepth * kRows, 1);
  const auto b = integers(kDepth * (kColumns + 16), 2);
  const std::size_t b_stride = kColumns + 16;
  for (const ProductFactor factor :
       {ProductFactor{a.data(), kRows, 1}, ProductFactor{a.data(), 1, kDepth}}) {
    for (const Kernels& kernels : usable_kernels()) {
      auto expected = integers(kRows * kColumns, 3);
      for (std::size_t i = 0; i < kRows; ++i) {
        for (std::size_t j = 0; j < kColumns; ++j) {
          for (std::size_t k = 0; k < kDepth; ++k) {
            expected.data()[i * kColumns + j] +=
                a.data()[k * factor.by_k + i * factor.by_i] * b.data()[k * b_stride + j];
          }
        }
      }
      auto sums = integers(kRows * kColumns, 3);
      add_matrix_product_of(kernels.set)(factor, kRows, b.data(), b_stride, kColumns, kDepth,
                                         sums.data(), kColumns);
      for (std::size_t n = 0; n < sums.size(); ++n) {
        ASSERT_EQ(sums.data()[n], expected.data()[n]) << name_of(kernels.set) << " " << n;
      }
    }
  }
}

}  // namespace
}  // namespace factorps
