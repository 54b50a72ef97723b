#include "scheduler/use_plan.hpp"

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

/// Ten million users in ten strips, a million items.
PlanInput large_input() {
  PlanInput input;
  for (std::uint32_t s = 0; s <= 10; ++s) input.grid.strip_begin.push_back(s * kMillion);
  input.grid.block_begin = {0, kMillion / 2, kMillion};
  input.cells.assign(20, kMillion);
  input.dim = 64;
  input.id_bytes = 11 * kMillion * 8;
  return input;
}

UsePlan use_of(const PlanInput& input, const UseInput& use = {}) {
  return plan_use(input, make_plan(input), use);
}

TEST(UsePlan, AnEvaluationHoldsTheItemsOnceAndOneStrip) {
  PlanInput input = large_input();
  const UsePlan plan = use_of(input);
  // Packed factors and 20 bytes of each item, 4 of each user; a strip has 1 M users with 2 M items.
  const std::uint64_t known = kMillion * (64 * 4 + 20) + 10 * kMillion * 4 + kMillion * (32 + 24);
  EXPECT_GT(plan.evaluate_held, known);
  EXPECT_LT(plan.evaluate_held, known + (8U << 20));  // the program
  input.cells[19] += kMillion;                        // the largest strip counts
  EXPECT_EQ(use_of(input).evaluate_held, plan.evaluate_held + 12 * kMillion);
  input.cells[0] += kMillion;
  EXPECT_EQ(use_of(input).evaluate_held, plan.evaluate_held + 12 * kMillion);
}

TEST(UsePlan, ListsNeedIdsAndNoTable) {
  const UsePlan plan = use_of(large_input());
  const std::uint64_t known = 11 * kMillion * 8 + kMillion * 8;
  EXPECT_GT(plan.recommend_held, known);
  EXPECT_LT(plan.recommend_held, known + (8U << 20));
  EXPECT_EQ(plan.mapped, make_plan(large_input()).model);
  EXPECT_EQ(use_of(large_input(), {20, false}).lists, 2 * plan.lists);
  EXPECT_EQ(plan.lists, 10 * kMillion * 10 * (8 + 8 + 24));  // users have up to 8 digits
  PlanInput texts = large_input();
  texts.id_bytes = 11 * kMillion * (8 + 13);  // an offset and 13 characters each
  EXPECT_EQ(use_of(texts).lists, 10 * kMillion * 10 * (13 + 13 + 24));
}

TEST(UsePlan, OneOfSeveralRanksHoldsWhatMpiNeedsBesides) {
  PlanInput input = large_input();
  const UsePlan alone = use_of(input);
  input.nodes = 2;
  EXPECT_EQ(use_of(input).evaluate_held - alone.evaluate_held, kRankBytes - kAloneBytes);
  EXPECT_EQ(use_of(input).recommend_held - alone.recommend_held, kRankBytes - kAloneBytes);
}

TEST(UsePlan, TheWorkIsUsersTimesItemsTimesColumns) {
  const UsePlan plan = use_of(large_input());
  EXPECT_EQ(plan.pairs, 10 * kMillion * kMillion);
  EXPECT_EQ(plan.operations, 2.0 * 64 * 1e13);
}

/// Of a network nobody knows the operations; scores of 64 users are kept instead of factors.
TEST(UsePlan, NetworksKeepScores) {
  const UsePlan plan = use_of(large_input(), {10, true});
  EXPECT_EQ(plan.operations, 0);
  PlanInput wide = large_input();
  wide.dim = 256;
  EXPECT_EQ(use_of(wide, {10, true}).evaluate_held, plan.evaluate_held);
}

}  // namespace
}  // namespace factorps::scheduler
