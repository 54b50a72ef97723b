#include "scheduler/resume.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps::scheduler {
namespace {

/// A learning rate and a watch that have seen something.
struct State {
  LearningRate rate{Schedule::bold_driver, 0.5};
  EarlyStopping stopping{3, 0};
};

TEST(SchedulerState, SurvivesACheckpoint) {
  State before;
  before.rate.advance({1.0 / 3, true, true});
  before.rate.advance({0.1, true, false});
  before.stopping.observe(1, 0.1);
  before.stopping.observe(2, 0.7);
  const std::string text = state_text(before.rate, before.stopping);
  State after;
  restore_state(text, after.rate, after.stopping);
  EXPECT_EQ(after.rate.factor(), before.rate.factor());
  EXPECT_EQ(after.stopping.state().best, 0.1);
  EXPECT_EQ(after.stopping.state().best_epoch, 1U);
  EXPECT_EQ(state_text(after.rate, after.stopping), text);
}

TEST(SchedulerState, KeepsThatNothingWasEvaluatedYet) {
  State before;
  State after;
  after.stopping.observe(1, 0.1);
  restore_state(state_text(before.rate, before.stopping), after.rate, after.stopping);
  EXPECT_FALSE(after.stopping.state().best);
}

TEST(SchedulerState, IsCheckedWhenRead) {
  for (const char* text : {"", "{", "[]", R"({"rate_epochs": 1})", R"({"rate_epochs": "one"})"}) {
    State state;
    EXPECT_THROW(restore_state(text, state.rate, state.stopping), CheckpointError) << text;
  }
}

}  // namespace
}  // namespace factorps::scheduler
