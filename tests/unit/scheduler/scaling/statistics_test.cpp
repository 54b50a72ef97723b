#include "scheduler/scaling/statistics.hpp"

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

TEST(Median, IsInTheMiddle) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({7}), 7);
}

TEST(RatioOfMedians, IsExactForConstants) {
  const std::vector<double> six(5, 6.0);
  const std::vector<double> two(4, 2.0);
  const Estimate e = ratio_of_medians(six, two, 1);
  EXPECT_EQ(e.value, 3);
  EXPECT_EQ(e.low, 3);
  EXPECT_EQ(e.high, 3);
}

TEST(RatioOfMedians, EnclosesItsValueAndStaysWithinTheExtremes) {
  const std::vector<double> a{9, 10, 11, 12, 10.5};
  const std::vector<double> b{4, 5, 6, 5.5, 4.5};
  const Estimate e = ratio_of_medians(a, b, 1);
  EXPECT_EQ(e.value, 2.1);
  EXPECT_LT(e.low, e.value);
  EXPECT_GT(e.high, e.value);
  EXPECT_GE(e.low, 9.0 / 6);
  EXPECT_LE(e.high, 12.0 / 4);
}

TEST(RatioOfMedians, DependsOnTheSeedAlone) {
  const std::vector<double> a{9.1, 10.2, 11.7, 12.3, 10.5, 9.9, 13.1};
  const std::vector<double> b{4.3, 5.1, 6.2, 5.5, 4.8};
  EXPECT_EQ(ratio_of_medians(a, b, 7).low, ratio_of_medians(a, b, 7).low);
  EXPECT_NE(ratio_of_medians(a, b, 7).low + ratio_of_medians(a, b, 7).high,
            ratio_of_medians(a, b, 8).low + ratio_of_medians(a, b, 8).high);
}

/// About 95 of 100 intervals hold the true ratio; percentile intervals of medians rather more.
TEST(RatioOfMedians, MostlyCoversTheTrueRatio) {
  int covered = 0;
  std::uint64_t state = 1;
  const auto noise = [&state] {  // -0.5 ... 0.5
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state >> 11U) / 9007199254740992.0 - 0.5;
  };
  for (std::uint64_t experiment = 0; experiment < 100; ++experiment) {
    std::vector<double> a;
    std::vector<double> b;
    for (int k = 0; k < 11; ++k) {
      a.push_back(8 + noise());
      b.push_back(4 + noise());
    }
    const Estimate e = ratio_of_medians(a, b, experiment);
    covered += e.low <= 2 && 2 <= e.high ? 1 : 0;
  }
  EXPECT_GE(covered, 88);
}

/// Runs of a job with these costs.
std::vector<FitPoint> measured(double serial, double parallel, double network) {
  std::vector<FitPoint> points;
  for (const int nodes : {1, 2, 4, 8}) {
    for (const int workers : {1, 4}) {
      FitPoint p{1e6, nodes * workers, nodes == 1 ? 0 : 5e6, 0};
      p.seconds = 1e6 * (serial + parallel / p.workers) + network * p.bytes_per_node;
      points.push_back(p);
    }
  }
  return points;
}

TEST(FitScaling, RecoversWhatTheTimesWereMadeOf) {
  const auto points = measured(1e-8, 1.9e-7, 2e-9);
  const auto fit = fit_scaling(points);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->serial_fraction(), 0.05, 1e-6);
  EXPECT_NEAR(fit->network, 2e-9, 1e-14);
  EXPECT_NEAR(fit->network_share(points.back()), 0.01 / points.back().seconds, 1e-6);
  EXPECT_LT(fit->residual, 1e-9);
}

TEST(FitScaling, RecoversASerialPartFromWeakScaling) {
  auto points = measured(1e-8, 1.9e-7, 0);
  for (FitPoint& p : points) {
    p.interactions = 1e6 * p.workers;
    p.seconds = p.interactions * (1e-8 + 1.9e-7 / p.workers);
  }
  EXPECT_NEAR(fit_scaling(points)->serial_fraction(), 0.05, 1e-6);
}

TEST(FitScaling, HasNoTermBelowZero) {
  auto points = measured(0, 2e-7, 0);
  for (FitPoint& p : points) p.seconds *= p.workers > 4 ? 0.9 : 1;  // faster than linear
  const auto fit = fit_scaling(points);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->serial, 0);
  EXPECT_EQ(fit->network, 0);
  EXPECT_GT(fit->residual, 0.01);
}

TEST(FitScaling, NeedsThreeDifferentLayouts) {
  const auto points = measured(1e-8, 2e-7, 0);
  const std::vector<FitPoint> two{points[0], points[0], points[1], points[1]};
  EXPECT_FALSE(fit_scaling(two));
  const std::vector<FitPoint> one_size{{1, 2, 0, 1}, {1, 2, 8, 2}, {1, 2, 16, 3}};
  EXPECT_FALSE(fit_scaling(one_size));
  EXPECT_FALSE(fit_scaling({}));
}

TEST(FitScaling, LeavesOutTheNetworkWhereNothingCrossedIt) {
  const std::vector<FitPoint> points{{1, 1, 0, 1}, {1, 2, 0, 0.55}, {1, 4, 0, 0.325}};
  const auto fit = fit_scaling(points);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->network, 0);
  EXPECT_NEAR(fit->serial_fraction(), 0.1, 1e-9);
}

}  // namespace
}  // namespace factorps::scheduler
