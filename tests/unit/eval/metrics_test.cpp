#include "eval/metrics.hpp"

#include <gtest/gtest.h>

namespace factorps::eval {
namespace {

// Errors are multiples of 1/2, so every sum is exact.
TEST(ErrorSums, AreRootMeanSquareAndMeanAbsolute) {
  ErrorSums sums;
  sums.add(4.5F, 4, 1, 5, Cold::none);  // +0.5
  sums.add(2, 3.5F, 1, 5, Cold::none);  // -1.5
  EXPECT_EQ(sums.count, 2U);
  EXPECT_EQ(sums.rmse(), std::sqrt((0.25 + 2.25) / 2));
  EXPECT_EQ(sums.mae(), 1.0);
  EXPECT_EQ(sums.rmse_clipped(), sums.rmse());
}

TEST(ErrorSums, ClipPredictionsButNotTargets) {
  ErrorSums sums;
  sums.add(6, 4, 1, 5, Cold::none);  // clipped to 5
  sums.add(0, 0, 1, 5, Cold::none);  // clipped to 1, away from its target
  EXPECT_EQ(sums.absolute, 2.0);
  EXPECT_EQ(sums.absolute_clipped, 2.0);
  EXPECT_EQ(sums.squared, 4.0);
  EXPECT_EQ(sums.squared_clipped, 2.0);
}

TEST(ErrorSums, CountEachColdInteractionOnce) {
  ErrorSums sums;
  for (const bool user : {false, true}) {
    for (const bool item : {false, true}) sums.add(1, 1, 1, 5, cold_kind(user, item));
  }
  sums.add(1, 1, 1, 5, cold_kind(true, false));
  EXPECT_EQ(sums.cold_users, 2U);
  EXPECT_EQ(sums.cold_items, 1U);
  EXPECT_EQ(sums.cold_both, 1U);
}

TEST(ErrorSums, MergeToTheSumsOfAll) {
  ErrorSums all;
  ErrorSums parts[3];
  for (int n = 0; n < 9; ++n) {
    const float prediction = 0.5F * static_cast<float>(n);
    const Cold cold = cold_kind(n % 2 == 0, n % 3 == 0);
    all.add(prediction, 2, 1, 3, cold);
    parts[n / 3].add(prediction, 2, 1, 3, cold);
  }
  ErrorSums merged;
  for (const ErrorSums& part : parts) merged += part;
  EXPECT_EQ(merged, all);
}

TEST(ErrorSums, AreZeroWithoutInteractions) {
  EXPECT_EQ(ErrorSums{}.rmse(), 0.0);
  EXPECT_EQ(ErrorSums{}.mae_clipped(), 0.0);
}

}  // namespace
}  // namespace factorps::eval
