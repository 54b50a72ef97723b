#include "scheduler/plan.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

/// 10 users in 2 strips, 6 items in 3 blocks.
PlanInput small_input() {
  PlanInput input;
  input.grid = {{0, 5, 10}, {0, 2, 4, 6}};
  input.cells = {1, 2, 3, 4, 5, 6};
  input.dim = 20;
  input.travelling_items = 6;
  input.tables_bytes = 10'000;
  input.dataset_bytes = 999;
  input.id_bytes = 128;
  input.workers = 4;
  input.checkpoints = 3;
  return input;
}

TEST(Plan, CountsFilesByTheByte) {
  const Plan plan = make_plan(small_input());
  EXPECT_EQ(plan.interactions, 21U);
  EXPECT_EQ(plan.checkpoint, 16U * (20 * 4 + 4 + 4));  // factors, bias, accumulator
  EXPECT_EQ(plan.checkpoints, 3 * plan.checkpoint);
  EXPECT_EQ(plan.model, 16U * (20 * 4 + 4 + 4) + 128 + 8 * 11 + 4 * 21);  // ..., ids, seen
}

TEST(Plan, LeavesOutSeenItemsThatAreNotStored) {
  PlanInput input = small_input();
  input.store_seen = false;
  EXPECT_EQ(make_plan(small_input()).model - make_plan(input).model, 8U * 11 + 4 * 21);
}

TEST(Plan, CountsTheDatasetAmongWhatIsStillToWrite) {
  PlanInput input = small_input();
  const Plan there = make_plan(input);
  EXPECT_EQ(there.to_write, there.checkpoints + there.model);
  input.prepared = false;
  EXPECT_EQ(make_plan(input).to_write, there.to_write + 999);
}

TEST(Plan, StreamedRowsCrossAsForetoldAndNeedAnIndex) {
  PlanInput input = small_input();
  input.copies = true;
  input.nodes = 3;
  const Plan copies = make_plan(input);
  EXPECT_EQ(copies.evaluation_traffic, 0);
  input.stream.streamed = true;
  input.stream.epoch_traffic = 12'345;
  input.stream.evaluation_traffic = 678;
  const Plan streamed = make_plan(input);
  EXPECT_EQ(streamed.epoch_traffic, 12'345);
  EXPECT_EQ(streamed.evaluation_traffic, 678);
  EXPECT_EQ(streamed.critical_path, 0);
  input.stream.index = 1000;
  input.stream.index_in_all = 2500;
  EXPECT_EQ(make_plan(input).ranks, streamed.ranks + 1000);
  EXPECT_EQ(make_plan(input).held, streamed.held + 2500);
}

TEST(Plan, CopiesOfBothTablesCrossBetweenNodesAndNeedNoOrder) {
  PlanInput input = small_input();
  input.copies = true;
  EXPECT_EQ(make_plan(input).epoch_traffic, 0);
  input.nodes = 3;
  EXPECT_EQ(make_plan(input).epoch_traffic, 2 * (10 + 6) * 32 * sizeof(float));
  input.more_columns = 13;  // to 20 factors
  EXPECT_EQ(make_plan(input).epoch_traffic, 2 * (10 + 6) * 48 * sizeof(float));
  input.more_columns = 12;
  EXPECT_EQ(make_plan(input).critical_path, 0);
  EXPECT_EQ(make_plan(input).busy_workers, 4);  // of 6 pieces; the grid feeds 2 otherwise
}

TEST(Plan, AddsTheMemoryOfAllNodes) {
  PlanInput input = small_input();
  input.tables_in_all = 35'000;
  input.nodes = 4;
  input.ranks = 3;
  input.servers = 8;
  const Plan plan = make_plan(input);
  const std::uint64_t mover = kMoverBytes + 3 * 2 * (32 * 4 + 8);  // 2 rows of a block
  const std::uint64_t server = kServerBytes + plan.checkpoint / 8;
  EXPECT_EQ(plan.ranks, 3 * kRankBytes + 2 * server + mover);
  EXPECT_EQ(plan.held, 35'000 + 12 * kRankBytes + 8 * server + 4 * mover);
  input.nodes = input.ranks = input.servers = 1;
  EXPECT_EQ(make_plan(input).held, 35'000 + kAloneBytes + kServerBytes + plan.checkpoint);
  input.saves = false;
  EXPECT_EQ(make_plan(input).held, 35'000 + kAloneBytes);
}

TEST(Plan, BoundsTheBuffersOfLargeBlocksAndShards) {
  PlanInput input = small_input();
  input.grid = {{0, 5'000, 10'000}, {0, 20'000, 40'000, 60'000}};
  input.nodes = 2;
  input.ranks = 2;
  input.servers = 2;
  const std::uint64_t block = 20'000 * (32 * 4 + 8);
  EXPECT_EQ(make_plan(input).ranks, 2 * kRankBytes + kServerMost + kMoverMost + block);
}

TEST(Plan, TheLongestWorkBoundsAnEpoch) {
  PlanInput input = small_input();  // 21 interactions, of which 2 workers can be busy
  input.cores = 4;
  EXPECT_EQ(make_plan(input).longest_work,
            std::max<std::uint64_t>(11, make_plan(input).critical_path));
  input.work = 19;  // a node with many strips and few workers
  EXPECT_EQ(make_plan(input).longest_work, 19U);
  EXPECT_EQ(make_plan(input).longest_share, 19U);
  input.cores = 1;
  EXPECT_EQ(make_plan(input).longest_share, 21U);
}

TEST(EpochTime, IsThatOfWorkersOrOfTheNetwork) {
  PlanInput input = small_input();
  input.nodes = 2;
  input.work = 20;
  input.cores = 2;
  input.validation = 30;
  const Plan plan = make_plan(input);
  const double bits = 8 * static_cast<double>(plan.epoch_traffic) / 2;  // of each node
  const EpochTime fast = epoch_time(input, plan, {2, 0.5}, bits);
  EXPECT_EQ(fast.network_seconds, 1);
  EXPECT_EQ(fast.compute_seconds, 40);
  EXPECT_EQ(fast.train_seconds, 40 + kPassSeconds);
  EXPECT_EQ(fast.evaluate_seconds, 7.5);
  const EpochTime slow = epoch_time(input, plan, {2, 0.5}, bits / 100);
  EXPECT_EQ(slow.train_seconds, 100 + kPassSeconds);
  EXPECT_EQ(slow.evaluate_seconds, 100);
  input.evaluation_passes = 2;
  EXPECT_EQ(epoch_time(input, make_plan(input), {2, 0.5}, bits / 100).evaluate_seconds, 200);
  EXPECT_EQ(epoch_time(input, plan, {2, 0.5}, bits / 100).train_seconds, 100 + kPassSeconds);
  EXPECT_EQ(epoch_time(input, plan, {2, 0.5}, 0).train_seconds, 40 + kPassSeconds);
  input.nodes = 1;  // and one rank
  EXPECT_EQ(epoch_time(input, plan, {2, 0.5}, 0).train_seconds, 40);
}

TEST(Plan, OneNodeSendsNothing) {
  const Plan plan = make_plan(small_input());
  EXPECT_EQ(plan.epoch_traffic, 0U);
  EXPECT_EQ(plan.tables, 10'000U);
  EXPECT_EQ(plan.mapped, 999U);
}

TEST(Plan, EveryNodeSendsEveryItemOncePerEpoch) {
  PlanInput input = small_input();
  input.nodes = 4;
  const std::uint64_t row = 32 * 4 + 8;  // dim 20 padded to 32, bias and accumulator
  EXPECT_EQ(make_plan(input).epoch_traffic, 4 * (6 * row + 16 * input.grid.blocks()));
  input.travelling_items = 2;
  EXPECT_EQ(make_plan(input).epoch_traffic, 4 * (2 * row + 16 * input.grid.blocks()));
  const std::uint64_t dense = make_plan(input).ranks;
  input.staying_bytes = 100;
  EXPECT_EQ(make_plan(input).ranks, dense + 100);
}

TEST(Plan, NoMoreWorkersAreBusyThanStripsOrBlocks) {
  PlanInput input = small_input();
  EXPECT_EQ(make_plan(input).busy_workers, 2U);
  input.workers = 1;
  EXPECT_EQ(make_plan(input).busy_workers, 1U);
  EXPECT_EQ(make_plan(input).largest_speedup, 1.0);
}

TEST(CriticalPath, IsTheWholeEpochWithOneStripOrOneBlock) {
  EXPECT_EQ(critical_path({{0, 3}, {0, 1, 2}}, {5, 7}, 1), 12U);
  EXPECT_EQ(critical_path({{0, 1, 2}, {0, 3}}, {5, 7}, 1), 12U);
}

TEST(CriticalPath, IsOneStripWhereAllCellsAreEqual) {
  std::vector<std::uint64_t> begin(9);
  std::iota(begin.begin(), begin.end(), 0U);
  EXPECT_EQ(critical_path({begin, begin}, std::vector<std::uint64_t>(64, 10), 3), 80U);
}

TEST(CriticalPath, IsAtLeastTheHeaviestStripAndBlock) {
  const std::vector<std::uint64_t> cells{1, 1, 1, 1, 1, 90, 1, 1, 90};  // block 2 weighs 181
  EXPECT_GE(critical_path({{0, 1, 2, 3}, {0, 1, 2, 3}}, cells, 1), 181U);
}

TEST(Shortages, NameTheMissingBytes) {
  Plan plan;
  plan.tables = 100;
  plan.ranks = 20;
  plan.to_write = 55;
  EXPECT_TRUE(shortages(plan, {120, 100, 55}, false).empty());
  const auto problems = shortages(plan, {119, 99, 50}, false);
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_EQ(problems[0], "memory of a node: 120 bytes needed, 119 free, 1 missing");
  EXPECT_EQ(problems[1], "/dev/shm of a node: 100 bytes needed, 99 free, 1 missing");
  EXPECT_EQ(problems[2], "disk for the run: 55 bytes needed, 50 free, 5 missing");
}

TEST(Shortages, OneRankNeedsNoSharedMemory) {
  Plan plan;
  plan.tables = 100;
  EXPECT_TRUE(shortages(plan, {100, 0, 0}, true).empty());
}

}  // namespace
}  // namespace factorps::scheduler
