#include "model/heads/logistic.hpp"

#include <cmath>
#include <limits>

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

}  // namespace
}  // namespace factorps
