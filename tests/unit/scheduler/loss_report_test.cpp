#include "scheduler/loss_report.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace factorps::scheduler {
namespace {

comm::WorkerDone worker(double compute, double turn, double block, double cpu = 1e9) {
  comm::WorkerDone done;
  done.compute_seconds = compute;
  done.wait_turn_seconds = turn;
  done.wait_block_seconds = block;
  done.cpu_seconds = cpu;
  return done;
}

/// Nothing of it limits anybody.
const GridLimit kWide{100, 100, 0.01, 0.01, 0.011};

TEST(GridLimit, KnowsTheHeaviestOfBothAndTheChain) {
  const GridLimit limit = grid_limit({{0, 1, 2}, {0, 1, 2, 3}}, {1, 2, 3, 2, 1, 1}, 1);
  EXPECT_EQ(limit.strips, 2U);
  EXPECT_EQ(limit.blocks, 3U);
  EXPECT_DOUBLE_EQ(limit.heaviest_strip, 0.6);
  EXPECT_DOUBLE_EQ(limit.heaviest_block, 0.4);
  EXPECT_GE(limit.critical_path, 0.6);
  EXPECT_LE(limit.critical_path, 1.0);
}

TEST(AddPass, AddsWorkerByWorker) {
  std::vector<comm::WorkerDone> sums;
  const std::vector pass{worker(1, 2, 3, 4), worker(5, 6, 7, 8)};
  add_pass(sums, pass);
  add_pass(sums, pass);
  ASSERT_EQ(sums.size(), 2U);
  EXPECT_EQ(sums[1].compute_seconds, 10);
  EXPECT_EQ(sums[1].wait_turn_seconds, 12);
  EXPECT_EQ(sums[1].wait_block_seconds, 14);
  EXPECT_EQ(sums[1].cpu_seconds, 16);
  EXPECT_EQ(total_seconds(sums[0]), 12);
}

TEST(TimeTable, GivesSecondsAndShares) {
  EXPECT_EQ(
      time_table(std::vector{worker(6, 3, 1), worker(10, 0, 0)}),
      "worker               compute      wait for a turn     wait for a block       in all\n"
      "0             6.00 s  60.0 %       3.00 s  30.0 %       1.00 s  10.0 %      10.00 s\n"
      "1            10.00 s 100.0 %       0.00 s   0.0 %       0.00 s   0.0 %      10.00 s\n"
      "all          16.00 s  80.0 %       3.00 s  15.0 %       1.00 s   5.0 %      20.00 s\n");
}

TEST(TimeTable, ShowsTheSixteenThatComputedLeastOfMany) {
  std::vector<comm::WorkerDone> workers(40, worker(10, 1, 0));
  workers[39] = worker(1, 9, 0);
  const std::string table = time_table(workers);
  EXPECT_EQ(std::ranges::count(table, '\n'), 1 + 16 + 1 + 1);
  EXPECT_NE(table.find("\n39 "), std::string::npos);
  EXPECT_NE(table.find("(24 workers that computed more are not shown)"), std::string::npos);
  EXPECT_EQ(time_table({}), "");
}

TEST(LargestLoss, IsNothingWhereEverybodyComputes) {
  EXPECT_EQ(largest_loss(std::vector{worker(99, 1, 0), worker(100, 0, 0)}, kWide),
            "the 2 workers computed 100 % of the time (worker 1 most: 100 %): nothing to gain from "
            "waiting less");
  EXPECT_EQ(largest_loss(std::vector{worker(99, 1, 0)}, kWide),
            "the only worker computed 99 % of the time: nothing to gain from waiting less");
  EXPECT_EQ(largest_loss({}, kWide), "nothing was trained");
}

TEST(LargestLoss, NamesTheWorkerThatWaitedMostForBlocks) {
  EXPECT_EQ(
      largest_loss(std::vector{worker(8.9, 0, 1.1), worker(6.9, 0, 3.1)}, kWide),
      "the 2 workers waited 21 % of the time (worker 1 most: 31 %) for blocks of other nodes");
}

TEST(LargestLoss, NamesLostCores) {
  EXPECT_EQ(largest_loss(std::vector{worker(10, 0, 0, 7.5)}, kWide),
            "the only worker had a cell but no core 25 % of the time: other processes or "
            "threads had the cores, or the data had to be read");
}

TEST(LargestLoss, SaysWhatOfTheGridMakesWorkersWait) {
  const std::vector<comm::WorkerDone> workers(12, worker(8, 2, 0));
  const std::string waited =
      "the 12 workers waited 20 % of the time (worker 0 most: 20 %) for turns and for one another";
  EXPECT_EQ(largest_loss(workers, kWide), waited);
  EXPECT_EQ(largest_loss(workers, {}), waited);
  EXPECT_EQ(largest_loss(workers, {8, 9, 0.1, 0.1, 0.1}),
            "a grid of 8 strips x 9 blocks keeps no more than 8 of 12 workers busy; " + waited);
  EXPECT_EQ(largest_loss(workers, {50, 50, 0.03, 0.09, 0.09}),
            "the heaviest block holds 9.0 % of the interactions: no more than 11 workers can be "
            "busy; " +
                waited);
  EXPECT_EQ(largest_loss(workers, {50, 50, 0.25, 0.09, 0.25}),
            "the heaviest strip holds 25 % of the interactions: no more than 4.0 workers can be "
            "busy; " +
                waited);
  EXPECT_EQ(largest_loss(workers, {50, 50, 0.03, 0.05, 0.125}),
            "the longest chain of cells holds 12 % of the interactions: no more than 8.0 workers "
            "can be busy; " +
                waited);
}

}  // namespace
}  // namespace factorps::scheduler
