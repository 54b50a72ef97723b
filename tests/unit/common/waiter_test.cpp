#include "common/waiter.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps {
namespace {

TEST(Waiter, ThrowsAfterItsDeadlineAndSaysForWhat) {
  Waiter waiter{0.02};
  const Stopwatch stopwatch;
  try {
    while (true) waiter.pause("the tooth fairy");
  } catch (const ResourceError& error) {
    EXPECT_NE(std::string{error.what()}.find("the tooth fairy"), std::string::npos) << error.what();
    EXPECT_NE(std::string{error.what()}.find("cluster.timeout_seconds"), std::string::npos);
  }
  EXPECT_GE(stopwatch.seconds(), 0.02);
}

TEST(Waiter, CountsOnlyTimeWithoutProgress) {
  // Three waits of a quarter second, each well below the deadline, together beyond it. A loaded
  // machine may stretch each by a third of a second before this fails.
  Waiter waiter{0.6};
  for (int wait = 0; wait < 3; ++wait) {
    const Stopwatch stopwatch;
    while (stopwatch.seconds() < 0.25) ASSERT_NO_THROW(waiter.pause("nothing"));
    waiter.progress();
  }
}

TEST(Waiter, LeavesTheProcessorToOthers) {
  Waiter waiter{1000};
  const Stopwatch stopwatch;
  const double before = thread_cpu_seconds();
  while (stopwatch.seconds() < 0.2) waiter.pause("nothing");
  // It sleeps up to three milliseconds at a time: a few microseconds of work for each.
  EXPECT_LT(thread_cpu_seconds() - before, 0.1 * stopwatch.seconds());
}

}  // namespace
}  // namespace factorps
