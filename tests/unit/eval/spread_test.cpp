#include "eval/spread.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace factorps::eval {
namespace {

TEST(Spread, IsMeanAndStandardError) {
  const Spread spread = spread_of(std::vector<double>{1, 2, 3, 6});  // deviations -2, -1, 0, 3
  EXPECT_EQ(spread.mean, 3.0);
  EXPECT_DOUBLE_EQ(spread.standard_error * spread.standard_error, 14.0 / 3 / 4);
}

TEST(Spread, OfOneValueHasNoError) {
  const Spread spread = spread_of(std::vector<double>{0.5});
  EXPECT_EQ(spread.mean, 0.5);
  EXPECT_EQ(spread.standard_error, 0.0);
}

}  // namespace
}  // namespace factorps::eval
