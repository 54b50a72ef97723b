#include "model/cell_order.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace factorps {
namespace {

/// (strips, blocks, seed)
class CellOrderOf
    : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>> {
 protected:
  std::uint32_t strips_ = std::get<0>(GetParam());
  std::uint32_t blocks_ = std::get<1>(GetParam());
  CellOrder order_{strips_, blocks_, std::get<2>(GetParam())};
};

TEST_P(CellOrderOf, TakesNoMoreStepsThanItMust) {
  EXPECT_EQ(order_.steps(), std::max(strips_, blocks_));
}

TEST_P(CellOrderOf, LetsEveryStripMeetEveryBlockOnce) {
  for (std::uint32_t s = 0; s < strips_; ++s) {
    std::multiset<std::uint32_t> met;
    for (std::uint32_t step = 0; step < order_.steps(); ++step) {
      if (const auto block = order_.block_at(StripId{s}, step)) met.insert(block->value());
    }
    ASSERT_EQ(met.size(), blocks_);
    for (std::uint32_t b = 0; b < blocks_; ++b) ASSERT_EQ(met.count(b), 1U);
  }
}

TEST_P(CellOrderOf, GivesNoBlockToTwoStripsInOneStep) {
  for (std::uint32_t step = 0; step < order_.steps(); ++step) {
    std::set<std::uint32_t> taken;
    for (std::uint32_t s = 0; s < strips_; ++s) {
      const auto block = order_.block_at(StripId{s}, step);
      if (!block) continue;
      ASSERT_TRUE(taken.insert(block->value()).second);
    }
  }
}

TEST_P(CellOrderOf, CountsTurnsAlongTheBlock) {
  std::vector<std::uint32_t> met(blocks_, 0);  // [block] strips so far
  for (std::uint32_t step = 0; step < order_.steps(); ++step) {
    for (std::uint32_t s = 0; s < strips_; ++s) {
      const auto block = order_.block_at(StripId{s}, step);
      if (!block) continue;
      ASSERT_EQ(order_.turn(StripId{s}, *block), met[block->value()]++);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CellOrderOf,
                         testing::Combine(testing::Values(1, 2, 3, 7, 16),
                                          testing::Values(1, 2, 3, 7, 16),
                                          testing::Values(1, 2, 12345)));

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
  EXPECT_EQ(blocks, (std::vector<std::uint32_t>{6, 1, 2, 5, 4, 0, 3, 7}));
}

}  // namespace
}  // namespace factorps
