#include "scheduler/early_stopping.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

TEST(EarlyStopping, RemembersTheBestEpoch) {
  EarlyStopping stopping{0, 0};
  EXPECT_TRUE(stopping.observe(1, 2.0));
  EXPECT_FALSE(stopping.observe(2, 2.0));
  EXPECT_TRUE(stopping.observe(3, 1.5));
  EXPECT_FALSE(stopping.observe(4, 1.6));
  EXPECT_EQ(stopping.state().best, 1.5);
  EXPECT_EQ(stopping.state().best_epoch, 3U);
}

TEST(EarlyStopping, StopsAfterItsPatience) {
  EarlyStopping stopping{2, 0};
  for (const double metric : {2.0, 3.0, 1.0, 1.0}) {
    stopping.observe(1, metric);
    EXPECT_FALSE(stopping.should_stop());
  }
  stopping.observe(5, 1.0);
  EXPECT_TRUE(stopping.should_stop());
}

TEST(EarlyStopping, NeverStopsWithoutPatience) {
  EarlyStopping stopping{0, 0};
  for (std::uint64_t epoch = 1; epoch < 100; ++epoch) stopping.observe(epoch, 1.0);
  EXPECT_FALSE(stopping.should_stop());
}

TEST(EarlyStopping, CountsOnlyGainsAboveTheLeast) {
  EarlyStopping stopping{0, 0.25};
  EXPECT_TRUE(stopping.observe(1, 2.0));
  EXPECT_FALSE(stopping.observe(2, 1.75));  // not by more
  EXPECT_TRUE(stopping.observe(3, 1.5));
}

TEST(EarlyStopping, NeverPrefersWhatIsNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EarlyStopping stopping{2, 0};
  EXPECT_FALSE(stopping.observe(1, nan));
  EXPECT_FALSE(stopping.state().best);
  EXPECT_TRUE(stopping.observe(2, 3.0));
  EXPECT_FALSE(stopping.observe(3, nan));
  EXPECT_FALSE(stopping.observe(4, nan));
  EXPECT_TRUE(stopping.should_stop());
  EXPECT_EQ(stopping.state().best_epoch, 2U);
}

TEST(EarlyStopping, GoesOnFromASavedState) {
  EarlyStopping whole{3, 0};
  for (const double metric : {2.0, 3.0, 3.0}) whole.observe(1, metric);
  EarlyStopping resumed{3, 0};
  resumed.restore(whole.state());
  EXPECT_FALSE(resumed.should_stop());
  EXPECT_FALSE(resumed.observe(4, 2.5));
  EXPECT_TRUE(resumed.should_stop());
}

}  // namespace
}  // namespace factorps::scheduler
