#include "common/trace.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace factorps {
namespace {

using std::chrono::microseconds;

Clock::time_point at(int time) { return Clock::time_point{microseconds{time}}; }

TraceEvent event(TraceKind kind, int start, int end) {
  return {.start = at(start), .end = at(end), .kind = kind};
}

TEST(TraceRecorder, KeepsTheNewestEventsOldestFirst) {
  TraceRecorder recorder{3};
  for (int n = 0; n < 5; ++n) recorder.add(event(TraceKind::train_cell, n, n + 1));
  EXPECT_EQ(recorder.dropped(), 2U);
  const auto events = recorder.events();
  ASSERT_EQ(events.size(), 3U);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(events[static_cast<std::size_t>(n)].start, at(n + 2));
}

TEST(TraceRecorder, DropsNothingThatFits) {
  TraceRecorder recorder{3};
  for (int n = 0; n < 3; ++n) recorder.add(event(TraceKind::train_cell, n, n + 1));
  EXPECT_EQ(recorder.dropped(), 0U);
  EXPECT_EQ(recorder.events().size(), 3U);
}

TEST(TraceRecorder, MakesOneWaitOfManyAttempts) {
  TraceRecorder recorder;
  recorder.extend(event(TraceKind::wait_turn, 0, 10));
  recorder.extend(event(TraceKind::wait_turn, 11, 20));
  recorder.extend(event(TraceKind::wait_block, 21, 30));
  recorder.extend(event(TraceKind::wait_block, 5000, 5010));  // of a later pass
  const auto events = recorder.events();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].start, at(0));
  EXPECT_EQ(events[0].end, at(20));
  EXPECT_EQ(events[1].end, at(30));
}

TEST(TraceRecorder, ContinuesTheNewestEventWhenFull) {
  TraceRecorder recorder{2};
  for (int n = 0; n < 3; ++n) recorder.add(event(TraceKind::train_cell, n, n + 1));
  recorder.extend(event(TraceKind::train_cell, 3, 9));
  EXPECT_EQ(recorder.events().back().start, at(2));
  EXPECT_EQ(recorder.events().back().end, at(9));
}

TEST(TraceKind, HasANameForEveryKind) {
  for (int n = 0; n <= static_cast<int>(TraceKind::export_model); ++n) {
    EXPECT_FALSE(name_of(static_cast<TraceKind>(n)).empty());
  }
}

}  // namespace
}  // namespace factorps
