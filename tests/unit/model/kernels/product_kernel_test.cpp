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

}  // namespace
}  // namespace factorps
