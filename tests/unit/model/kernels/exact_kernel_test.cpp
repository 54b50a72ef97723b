#include "model/kernels/exact_kernel.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/exact_sum.hpp"
#include "common/random.hpp"

namespace factorps {
namespace {

constexpr std::size_t kSizes[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 33, 64, 65, 130};

std::vector<float> terms(std::size_t size) {
  const RandomStream random{5, Purpose::generate};
  std::vector<float> terms(size);
  for (std::size_t n = 0; n < size; ++n) {
    terms[n] = static_cast<float>((random.uniform(n) - 0.5) * (n % 3 == 0 ? 4000 : 1e-8));
  }
  if (size > 0) terms[0] = -0.0F;
  return terms;
}

TEST(ExactKernels, AddAndScaleAsThePlainLoopsDo) {
  for (const Kernels& kernels : usable_kernels()) {
    const ExactKernels exact = exact_kernels_of(kernels.set);
    for (const std::size_t size : kSizes) {
      const std::vector<float> some = terms(size);
      std::vector<double> sum(size, 0.125);
      std::vector<double> expected = sum;
      exact.add(some.data(), size, sum.data());
      add_exactly(some.data(), size, expected.data());
      EXPECT_EQ(sum, expected) << name_of(kernels.set) << " " << size;

      std::vector<float> mean(size);
      std::vector<float> expected_mean(size);
      exact.mean_of_sum(sum.data(), size, 1.0 / 3, mean.data());
      mean_exactly(sum.data(), size, 1.0 / 3, expected_mean.data());
      EXPECT_EQ(mean, expected_mean) << name_of(kernels.set) << " " << size;

      exact.mean_of_one(some.data(), size, 1.0 / 3, mean.data());
      std::vector<double> one(size);
      add_exactly(some.data(), size, one.data());
      mean_exactly(one.data(), size, 1.0 / 3, expected_mean.data());
      for (std::size_t n = 0; n < size; ++n) {
        EXPECT_EQ(mean[n], expected_mean[n]) << name_of(kernels.set) << " " << size;
        EXPECT_EQ(std::signbit(mean[n]), std::signbit(expected_mean[n])) << n;
      }
    }
  }
}

TEST(ExactKernels, FindWhatCannotBeAddedWhereverItStands) {
  for (const Kernels& kernels : usable_kernels()) {
    const ExactKernels exact = exact_kernels_of(kernels.set);
    for (const std::size_t size : kSizes) {
      std::vector<float> some = terms(size);
      EXPECT_TRUE(exact.can_add(some.data(), size));
      for (const float bad : {kExactTerm, -kExactTerm, std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity()}) {
        for (std::size_t n = 0; n < size; ++n) {
          const float good = std::exchange(some[n], bad);
          EXPECT_FALSE(exact.can_add(some.data(), size)) << name_of(kernels.set) << " at " << n;
          some[n] = good;
        }
      }
    }
  }
}

}  // namespace
}  // namespace factorps
