#include "ps/rows/row_gate.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace factorps::ps {
namespace {

constexpr std::size_t kWorkers = 3;
constexpr StepRange kPass{10, 30};

class RowGateOf : public testing::Test {
 protected:
  bool enters(std::size_t worker, std::uint64_t step) const {
    return gate_.try_enter(worker, step, kPass.begin);
  }

  AlignedBuffer<std::byte> memory_{RowGate::bytes_needed(kWorkers)};
  RowGate gate_{memory_.span()};
};

TEST_F(RowGateOf, HoldsBeforeTheFirstStepThatNobodyHasEntered) {
  EXPECT_TRUE(enters(0, 10));
  EXPECT_TRUE(enters(1, 10));
  EXPECT_TRUE(enters(1, 11));
  EXPECT_TRUE(enters(1, 12));
  EXPECT_EQ(gate_.hold(kPass), 13U);
  EXPECT_EQ(gate_.hold(kPass), 13U);
  EXPECT_FALSE(enters(1, 13));
  EXPECT_TRUE(enters(0, 11));  // what another has entered all will train
  EXPECT_TRUE(enters(0, 12));
  EXPECT_FALSE(enters(0, 13));
  EXPECT_FALSE(gate_.pauses_before(13, kPass.begin)) << "another node may be further";
}

TEST_F(RowGateOf, PausesWhereTheFurthestNodeDoes) {
  EXPECT_TRUE(enters(2, 10));
  EXPECT_EQ(gate_.hold(kPass), 11U);
  gate_.pause(14);
  for (std::uint64_t step = 11; step < 14; ++step) {
    EXPECT_FALSE(gate_.pauses_before(step, kPass.begin));
    EXPECT_TRUE(enters(2, step));
  }
  EXPECT_FALSE(enters(2, 14));
  EXPECT_TRUE(gate_.pauses_before(14, kPass.begin));
}

TEST_F(RowGateOf, LeavesAtLeastOneStepToAPass) { EXPECT_EQ(gate_.hold(kPass), kPass.begin + 1); }

TEST_F(RowGateOf, HoldsNowhereBeyondTheEnd) {
  for (std::uint64_t step = kPass.begin; step < kPass.end; ++step) EXPECT_TRUE(enters(0, step));
  EXPECT_EQ(gate_.hold(kPass), kPass.end);
  gate_.pause(kPass.end);
  EXPECT_TRUE(enters(1, kPass.end - 1));
}

TEST_F(RowGateOf, ForgetsHoldAndPauseWithTheNextPass) {
  EXPECT_TRUE(enters(0, 10));
  gate_.pause(gate_.hold(kPass));
  ASSERT_FALSE(enters(0, 11));
  EXPECT_TRUE(gate_.try_enter(0, 11, 11));
  EXPECT_TRUE(gate_.try_enter(0, 12, 11));
  EXPECT_FALSE(gate_.pauses_before(13, 11));
  // A hold that no pause has ended, of a pass that is over.
  EXPECT_EQ(gate_.hold({11, 13}), 13U);
  EXPECT_TRUE(gate_.try_enter(0, 13, 13));
}

/// Workers and the servers that ask run on threads: a hold is a promise, a pause a common end.
TEST_F(RowGateOf, EndsAllWorkersAtTheSameStep) {
  constexpr std::uint64_t kMany = 1'000'000'000;
  std::uint64_t begin = 0;
  for (int round = 0; round < 40; ++round) {
    std::atomic<std::size_t> running{0};
    std::vector<std::uint64_t> reached(kWorkers, begin);
    std::vector<std::jthread> workers;
    for (std::size_t w = 0; w < kWorkers; ++w) {
      workers.emplace_back([&, w] {
        std::uint64_t step = begin;
        ++running;
        while (!gate_.pauses_before(step, begin)) {
          if (gate_.try_enter(w, step, begin)) {
            ++step;
          } else {
            std::this_thread::yield();
          }
        }
        reached[w] = step;
      });
    }
    while (running < kWorkers) std::this_thread::yield();
    std::uint64_t held = 0;
    for (int server = 0; server < 2; ++server) {
      held = std::max(held, gate_.hold({begin, begin + kMany}));
      for (int k = 0; k < 5; ++k) std::this_thread::yield();
    }
    gate_.pause(held);
    workers.clear();
    for (const std::uint64_t step : reached) EXPECT_EQ(step, held) << round;
    begin = held;
  }
}

}  // namespace
}  // namespace factorps::ps
