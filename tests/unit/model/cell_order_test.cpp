#include "model/cell_order.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace factorps {
namespace {

struct Shape {
  std::uint32_t strips;
  std::uint32_t blocks;
  CellOrder order;
};

/// Square, wide and tall grids, each under several seeds.
std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const std::uint32_t strips : {1U, 2U, 3U, 7U, 16U}) {
    for (const std::uint32_t blocks : {1U, 2U, 3U, 7U, 16U}) {
      for (const std::uint64_t seed : {1U, 2U, 12345U}) {
        all.push_back({strips, blocks, CellOrder{strips, blocks, seed}});
      }
    }
  }
  return all;
}

TEST(CellOrder, TakesNoMoreStepsThanItMust) {
  for (const auto& [strips, blocks, order] : shapes()) {
    EXPECT_EQ(order.steps(), std::max(strips, blocks));
  }
}

TEST(CellOrder, LetsEveryStripMeetEveryBlockOnce) {
  for (const auto& [strips, blocks, order] : shapes()) {
    for (std::uint32_t s = 0; s < strips; ++s) {
      std::multiset<std::uint32_t> met;
      for (std::uint32_t step = 0; step < order.steps(); ++step) {
        if (const auto block = order.block_at(StripId{s}, step)) met.insert(block->value());
      }
      ASSERT_EQ(met.size(), blocks);
      for (std::uint32_t b = 0; b < blocks; ++b) ASSERT_EQ(met.count(b), 1U);
    }
  }
}

TEST(CellOrder, KnowsWhenAStripMeetsABlock) {
  for (const auto& [strips, blocks, order] : shapes()) {
    for (std::uint32_t s = 0; s < strips; ++s) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        ASSERT_EQ(order.block_at(StripId{s}, order.step_of(StripId{s}, BlockId{b})), BlockId{b});
      }
    }
  }
}

TEST(CellOrder, KnowsWhenAStripIsThrough) {
  for (const auto& [strips, blocks, order] : shapes()) {
    for (std::uint32_t s = 0; s < strips; ++s) {
      const std::uint32_t last = order.last_step(StripId{s});
      ASSERT_TRUE(order.block_at(StripId{s}, last));
      for (std::uint32_t step = last + 1; step < order.steps(); ++step) {
        ASSERT_FALSE(order.block_at(StripId{s}, step));
      }
    }
  }
}

TEST(CellOrder, GivesNoBlockToTwoStripsInOneStep) {
  for (const auto& [strips, blocks, order] : shapes()) {
    for (std::uint32_t step = 0; step < order.steps(); ++step) {
      std::set<std::uint32_t> taken;
      for (std::uint32_t s = 0; s < strips; ++s) {
        const auto block = order.block_at(StripId{s}, step);
        if (!block) continue;
        ASSERT_TRUE(taken.insert(block->value()).second);
      }
    }
  }
}

TEST(CellOrder, CountsTurnsAlongTheBlock) {
  for (const auto& [strips, blocks, order] : shapes()) {
    std::vector<std::uint32_t> met(blocks, 0);  // [block] strips so far
    for (std::uint32_t step = 0; step < order.steps(); ++step) {
      for (std::uint32_t s = 0; s < strips; ++s) {
        const auto block = order.block_at(StripId{s}, step);
        if (!block) continue;
        ASSERT_EQ(order.turn(StripId{s}, *block), met[block->value()]++)
            << strips << " x " << blocks;
      }
    }
  }
}

TEST(CellOrder, DependsOnTheSeed) {
  const CellOrder one{8, 8, 1};
  const CellOrder two{8, 8, 2};
  bool differs = false;
  for (std::uint32_t step = 0; step < 8; ++step) {
    differs = differs || one.block_at(StripId{0}, step) != two.block_at(StripId{0}, step);
  }
  EXPECT_TRUE(differs);
}

// Frozen: another order would train another model from the same seed.
TEST(CellOrder, IsFrozen) {
  const CellOrder order{2, 8, 1};
  std::vector<std::uint32_t> blocks;
  for (std::uint32_t step = 0; step < 8; ++step) {
    blocks.push_back(order.block_at(StripId{1}, step)->value());
  }
  EXPECT_EQ(blocks, (std::vector<std::uint32_t>{5, 4, 1, 0, 6, 2, 3, 7}));
}

}  // namespace
}  // namespace factorps
