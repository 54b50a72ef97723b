#include "eval/paired.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps::eval {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(Student, HasItsClosedForms) {
  for (const double t : {0.0, 0.1, 1.0, 2.5, 40.0}) {
    // One degree is Cauchy's distribution, two have t / sqrt(2 + t^2).
    EXPECT_NEAR(student_two_sided(t, 1), 1 - 2 * std::atan(t) / std::numbers::pi, 1e-13);
    EXPECT_NEAR(student_two_sided(-t, 2), 1 - t / std::sqrt(2 + t * t), 1e-13);
  }
  // Many are nearly normal: P(|Z| > 1.96) = erfc(1.96 / sqrt(2)).
  EXPECT_NEAR(student_two_sided(1.96, 1e7), std::erfc(1.96 / std::numbers::sqrt2), 1e-7);
  EXPECT_GT(student_two_sided(30, 1e5), 0);
}

TEST(Paired, AgreesWithAHandComputedCase) {
  // Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t = 2 sqrt(3) with two degrees.
  const PairedValues values{2, {0, 5, 1, kNone, 2, 7}, {1, 5, 3, 1, 5, kNone}};
  const auto results = compare_paired(values, {});
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].users, 3U);
  EXPECT_DOUBLE_EQ(results[0].mean_a, 1);
  EXPECT_DOUBLE_EQ(results[0].mean_b, 3);
  EXPECT_DOUBLE_EQ(results[0].difference, 2);
  EXPECT_NEAR(results[0].t_p, 1 - std::sqrt(12.0 / 14), 1e-13);
  EXPECT_GE(results[0].low, 1);
  EXPECT_LE(results[0].high, 3);
  EXPECT_EQ(results[1].users, 1U);  // others lack it on one side
  EXPECT_EQ(results[1].difference, 0);
  EXPECT_TRUE(std::isnan(results[1].t_p));
  EXPECT_TRUE(std::isnan(results[1].low));
}

TEST(Paired, IntervalsAreThoseOfTheNormalForManyUsers) {
  constexpr std::size_t kUsers = 2000;
  const RandomStream stream{5, Purpose::generate};
  PairedValues values{1, {}, {}};
  for (std::size_t n = 0; n < kUsers; ++n) {
    values.a.push_back(stream.normal(n));
    values.b.push_back(values.a.back() + stream.normal(n, 1));
  }
  const PairedComparison result = compare_paired(values, {4000, 1})[0];
  const double half = 1.96 / std::sqrt(double{kUsers});
  // The noise of a percentile of 4000 resamples is a few hundredths of the standard error.
  EXPECT_NEAR(result.high - result.difference, half, 0.1 * half);
  EXPECT_NEAR(result.difference - result.low, half, 0.1 * half);
  EXPECT_NEAR(result.bootstrap_p, result.t_p, 0.05);
}

TEST(Paired, ResamplesBySeed) {
  const PairedValues values{1, {0, 0, 0, 0, 0}, {1, -2, 3, 0.5, 4}};
  const auto one = compare_paired(values, {50, 1})[0];
  EXPECT_EQ(one.low, compare_paired(values, {50, 1})[0].low);
  EXPECT_NE(one.low, compare_paired(values, {50, 2})[0].low);
}

TEST(Paired, OfEqualSystemsSeesNoDifference) {
  const PairedValues values{1, {1, 2, 3}, {1, 2, 3}};
  const auto result = compare_paired(values, {})[0];
  EXPECT_EQ(result.t_p, 1);
  EXPECT_EQ(result.bootstrap_p, 1);
}

}  // namespace
}  // namespace factorps::eval
