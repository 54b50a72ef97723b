#include "model/kernels/logistic_kernel.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace factorps {
namespace {

// 20 terms of Horner's rule, each a fraction of the one before, and n ln 2 in two parts: below four
// units in the last place.
constexpr double kRelative = 4 * 0x1p-52;

TEST(Logistic, AgreesWithTheCLibrary) {
  for (double x = -45; x <= 45; x += 0.0137) {
    if (x <= 0) {
      EXPECT_NEAR(exp_of_negative(x), std::exp(x), kRelative * std::exp(x)) << x;
    }
    const double sigma = 1 / (1 + std::exp(-x));
    EXPECT_NEAR(sigmoid(x), sigma, 2 * kRelative * sigma) << x;
    const double plus = x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    EXPECT_NEAR(softplus(x), plus, 2 * kRelative * plus) << x;
  }
}

TEST(Logistic, StaysFiniteFarOut) {
  EXPECT_EQ(exp_of_negative(0), 1);
  EXPECT_EQ(exp_of_negative(-1e300), 0);
  EXPECT_EQ(softplus(1e300), 1e300);
  EXPECT_EQ(softplus(-1e300), 0);
  EXPECT_EQ(sigmoid(1e300), 1);
  EXPECT_EQ(sigmoid(-1e300), 0);
  EXPECT_TRUE(std::isnan(softplus(std::numeric_limits<double>::quiet_NaN())));
}

TEST(LogisticKernels, HaveTheBitsOfOneNumberAtATime) {
  std::vector<double> x{0,
                        -0.0,
                        1e-300,
                        -1e-300,
                        699.9,
                        -699.9,
                        700,
                        -700,
                        701,
                        -701,
                        1e300,
                        -1e300,
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity()};
  for (double some = -45; some <= 45; some += 0.0137) x.push_back(some);
  for (const Kernels& kernels : usable_kernels()) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{7}, x.size()}) {
      std::vector<double> sigmoids(size);
      std::vector<double> softpluses(size);
      logistic_kernels_of(kernels.set).evaluate(x.data(), size, sigmoids.data(), softpluses.data());
      for (std::size_t n = 0; n < size; ++n) {
        ASSERT_EQ(sigmoids[n], sigmoid(x[n])) << name_of(kernels.set) << ' ' << x[n];
        ASSERT_EQ(softpluses[n], softplus(x[n])) << name_of(kernels.set) << ' ' << x[n];
      }
    }
    const std::vector<double> none(8, std::numeric_limits<double>::quiet_NaN());
    std::vector<double> sigmoids(8);
    std::vector<double> softpluses(8);
    logistic_kernels_of(kernels.set).evaluate(none.data(), 8, sigmoids.data(), softpluses.data());
    for (const auto* found : {&sigmoids, &softpluses}) {
      for (const double one : *found) EXPECT_TRUE(std::isnan(one)) << name_of(kernels.set);
    }
  }
}

}  // namespace
}  // namespace factorps
