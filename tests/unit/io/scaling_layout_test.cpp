#include "io/scaling_layout.hpp"

#include <gtest/gtest.h>

namespace factorps {
namespace {

TEST(ScalingLayout, HasAServerPerNodeUnlessItSaysOtherwise) {
  EXPECT_EQ(parse_scaling_layout("2x4"), (ScalingLayout{2, 4, 1}));
  EXPECT_EQ(parse_scaling_layout("2x4s3"), (ScalingLayout{2, 4, 3}));
  EXPECT_EQ(parse_scaling_layout("8x1s0"), (ScalingLayout{8, 1, 0}));
}

TEST(ScalingLayout, CountsTheRanksOfAJob) {
  EXPECT_EQ((ScalingLayout{1, 1, 0}).ranks(), 1);
  EXPECT_EQ((ScalingLayout{1, 4, 1}).ranks(), 6);  // the first only schedules
  EXPECT_EQ((ScalingLayout{2, 4, 1}).ranks(), 10);
  EXPECT_EQ((ScalingLayout{2, 4, 2}).ranks_per_node(), 6);
  EXPECT_EQ((ScalingLayout{3, 1, 0}).ranks(), 3);
}

TEST(ScalingLayout, ReadsItsOwnName) {
  for (const char* name : {"1x1", "2x4", "2x4s2", "16x1s0"}) {
    ASSERT_TRUE(parse_scaling_layout(name)) << name;
    EXPECT_EQ(parse_scaling_layout(name)->name(), name);
  }
  EXPECT_EQ(parse_scaling_layout("2x4s1")->name(), "2x4");
}

TEST(ScalingLayout, RefusesEverythingElse) {
  for (const char* text : {"", "x", "2", "2x", "x2", "0x1", "1x0", "2x2s", "2x2s0", "2x2x2", "2X2",
                           " 2x2", "2x2 ", "02x2", "+2x2", "-1x2", "2x2s-1", "70000x1", "2.0x1"}) {
    EXPECT_FALSE(parse_scaling_layout(text)) << text;
  }
}

TEST(GridSize, IsTwoPositiveNumbers) {
  EXPECT_EQ(parse_grid_size("32x16"), (GridSize{32, 16}));
  for (const char* text : {"", "32", "0x4", "4x0", "4x4x4", "axb"}) {
    EXPECT_FALSE(parse_grid_size(text)) << text;
  }
}

}  // namespace
}  // namespace factorps
