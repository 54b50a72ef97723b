#include "model/kernels/dot_kernel.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps {
namespace {

std::vector<float> some(std::uint64_t seed, std::size_t size) {
  const RandomStream random{seed, Purpose::generate};
  std::vector<float> numbers(size);
  for (std::size_t n = 0; n < size; ++n) numbers[n] = static_cast<float>(random.uniform(n) - 0.5);
  return numbers;
}

/// The sums written down once more: sixteen, folded in halves.
float dot_by_hand(float scale, const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> sums(16);
  for (std::size_t n = 0; n < a.size(); ++n) sums[n % 16] += (scale * a[n]) * b[n];
  for (; sums.size() > 1; sums.resize(sums.size() / 2)) {
    for (std::size_t n = 0; n < sums.size() / 2; ++n) sums[n] += sums[n + sums.size() / 2];
  }
  return sums[0];
}

TEST(DotKernels, HaveTheSameBitsForEveryInstructionSet) {
  for (const Kernels& kernels : usable_kernels()) {
    const DotKernels dots = dot_kernels_of(kernels.set);
    for (const std::size_t size : {0U, 1U, 3U, 4U, 15U, 16U, 17U, 33U, 64U, 65U, 130U}) {
      const std::vector<float> a = some(1, size);
      const std::vector<float> b = some(2, size);
      EXPECT_EQ(dots.dot(0.7F, a.data(), b.data(), size), dot_by_hand(0.7F, a, b))
          << name_of(kernels.set) << " " << size;

      std::vector<float> by_a = some(3, size);
      std::vector<float> by_b = some(4, size);
      std::vector<float> expected_a = by_a;
      std::vector<float> expected_b = by_b;
      for (std::size_t n = 0; n < size; ++n) {
        expected_a[n] += 0.3F * b[n];
        expected_b[n] += 0.3F * a[n];
      }
      dots.add_slopes(0.3F, a.data(), b.data(), size, by_a.data(), by_b.data());
      EXPECT_EQ(by_a, expected_a) << name_of(kernels.set) << " " << size;
      EXPECT_EQ(by_b, expected_b) << name_of(kernels.set) << " " << size;

      const std::vector<float> c = some(5, size);
      std::vector<float> products(size);
      for (std::size_t n = 0; n < size; ++n) products[n] = a[n] * b[n];
      EXPECT_EQ(dots.dot3(a.data(), b.data(), c.data(), size), dot_by_hand(1, products, c))
          << name_of(kernels.set) << " " << size;
      std::vector<float> by_c = some(6, size);
      std::vector<float> expected_c = by_c;
      for (std::size_t n = 0; n < size; ++n) {
        expected_a[n] += (0.3F * b[n]) * c[n];
        expected_b[n] += (0.3F * a[n]) * c[n];
        expected_c[n] += (0.3F * a[n]) * b[n];
      }
      dots.add_slopes3(0.3F, a.data(), b.data(), c.data(), size, by_a.data(), by_b.data(),
                       by_c.data());
      EXPECT_EQ(by_a, expected_a) << name_of(kernels.set) << " " << size;
      EXPECT_EQ(by_b, expected_b) << name_of(kernels.set) << " " << size;
      EXPECT_EQ(by_c, expected_c) << name_of(kernels.set) << " " << size;
    }
  }
}

}  // namespace
}  // namespace factorps
