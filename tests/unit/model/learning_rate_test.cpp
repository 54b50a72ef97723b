#include "model/learning_rate.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps {
namespace {

/// The factors of the epochs, the first one before any outcome.
std::vector<double> factors(Schedule schedule, double decay,
                            const std::vector<EpochOutcome>& outcomes) {
  LearningRate rate{schedule, decay};
  std::vector<double> result{rate.factor()};
  for (const auto& outcome : outcomes) {
    rate.advance(outcome);
    result.push_back(rate.factor());
  }
  return result;
}

std::vector<EpochOutcome> losses(const std::vector<double>& values) {
  std::vector<EpochOutcome> outcomes;
  for (const double value : values) outcomes.push_back({value, false, false});
  return outcomes;
}

using Factors = std::vector<double>;

// Powers of two keep every product exact.
TEST(LearningRate, StaysConstant) {
  EXPECT_EQ(factors(Schedule::constant, 0.5, losses({3, 4, 5})), (Factors{1, 1, 1, 1}));
}

TEST(LearningRate, FallsExponentially) {
  EXPECT_EQ(factors(Schedule::exponential, 0.5, losses({3, 2, 1})), (Factors{1, 0.5, 0.25, 0.125}));
}

TEST(LearningRate, FallsWithInverseTime) {
  EXPECT_EQ(factors(Schedule::inverse_time, 1, losses({3, 2, 1})),
            (Factors{1, 0.5, 1.0 / 3, 0.25}));
}

TEST(LearningRate, DropsOnAPlateauOnly) {
  const std::vector<EpochOutcome> outcomes{
      {9, true, true}, {9, true, false}, {9, false, false}, {9, true, true}, {9, true, false}};
  EXPECT_EQ(factors(Schedule::plateau, 0.5, outcomes), (Factors{1, 1, 0.5, 0.5, 0.5, 0.25}));
}

TEST(LearningRate, DrivesBoldlyWhileTheLossFalls) {
  EXPECT_EQ(factors(Schedule::bold_driver, 0.5, losses({4, 3, 5, 5})),
            (Factors{1, 1, 1.05, 0.525, 0.525 * 1.05}));
}

TEST(LearningRate, GoesOnFromASavedState) {
  for (const Schedule schedule : {Schedule::constant, Schedule::exponential, Schedule::inverse_time,
                                  Schedule::plateau, Schedule::bold_driver}) {
    LearningRate whole{schedule, 0.7};
    for (const double loss : {5.0, 4.0}) whole.advance({loss, true, false});
    LearningRate resumed{schedule, 0.7};
    resumed.restore(whole.state());
    for (const double loss : {6.0, 3.0, 2.0}) {
      whole.advance({loss, true, false});
      resumed.advance({loss, true, false});
      EXPECT_EQ(resumed.factor(), whole.factor());
    }
  }
}

TEST(Schedule, IsKnownByName) {
  EXPECT_EQ(schedule_from("constant"), Schedule::constant);
  EXPECT_EQ(schedule_from("exponential"), Schedule::exponential);
  EXPECT_EQ(schedule_from("inverse_time"), Schedule::inverse_time);
  EXPECT_EQ(schedule_from("plateau"), Schedule::plateau);
  EXPECT_EQ(schedule_from("bold_driver"), Schedule::bold_driver);
  EXPECT_THROW(static_cast<void>(schedule_from("cosine")), ConfigError);
}

}  // namespace
}  // namespace factorps
