#include "model/grid.hpp"

#include <algorithm>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps {
namespace {

constexpr std::uint64_t kNoLimit = 1U << 31;
using Cut = std::vector<std::uint64_t>;

Cut cut(const std::vector<std::uint32_t>& weights, std::uint32_t parts,
        std::uint64_t max_rows = kNoLimit) {
  return cut_balanced(weights, parts, max_rows);
}

TEST(CutBalanced, PutsCutsWhereTheRunningSumComesClosestToItsShare) {
  EXPECT_EQ(cut({1, 1, 1, 1}, 2), (Cut{0, 2, 4}));
  EXPECT_EQ(cut({9, 1, 1, 1}, 2), (Cut{0, 1, 4}));
  EXPECT_EQ(cut({1, 1, 1, 9}, 2), (Cut{0, 3, 4}));
  EXPECT_EQ(cut({2, 2, 2, 2, 2}, 1), (Cut{0, 5}));
}

TEST(CutBalanced, SplitsRowsWithoutWeight) {
  EXPECT_EQ(cut({0, 0, 0, 0}, 4), (Cut{0, 1, 2, 3, 4}));
  EXPECT_EQ(cut({5, 0, 0, 0}, 2).size(), 3U);
}

TEST(CutBalanced, LeavesPartsEmptyOnlyWhenRowsAreScarce) {
  EXPECT_EQ(cut({1, 1}, 4), (Cut{0, 0, 0, 1, 2}));
  EXPECT_EQ(cut({1, 5}, 2), (Cut{0, 1, 2}));
  EXPECT_EQ(cut({}, 2), (Cut{0, 0, 0}));
}

TEST(CutBalanced, RefusesWhatCannotBeCut) {
  EXPECT_THROW(static_cast<void>(cut({1, 1, 1}, 0)), ConfigError);
  EXPECT_THROW(static_cast<void>(cut({1, 1, 1, 1, 1}, 2, 2)), ConfigError);
  try {
    static_cast<void>(cut({1, 1, 1, 1, 1}, 2, 2));
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "5 rows cannot be cut into 2 parts of at most 2 rows; expected at least 3 parts");
  }
}

struct Case {
  std::vector<std::uint32_t> weights;
  std::uint32_t parts;
  std::uint64_t max_rows;
};

/// Random sizes; weights of very different magnitude, many of them 0.
Case random_case(std::mt19937& random) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  Case c{std::vector<std::uint32_t>(1 + below(200)), 1 + below(20), 0};
  for (auto& weight : c.weights) weight = below(3) == 0 ? 0 : below(1U << below(12));
  const std::uint64_t least = (c.weights.size() + c.parts - 1) / c.parts;
  c.max_rows = below(2) == 0 ? kNoLimit : least + below(10);
  return c;
}

TEST(CutBalanced, CoversEveryRowOnceWithinTheLimit) {
  std::mt19937 random{1};
  for (int trial = 0; trial < 2000; ++trial) {
    const Case c = random_case(random);
    const Cut begin = cut(c.weights, c.parts, c.max_rows);
    ASSERT_EQ(begin.size(), c.parts + 1);
    EXPECT_EQ(begin.front(), 0U);
    EXPECT_EQ(begin.back(), c.weights.size());
    for (std::uint32_t p = 0; p < c.parts; ++p) {
      ASSERT_LE(begin[p], begin[p + 1]);
      ASSERT_LE(begin[p + 1] - begin[p], c.max_rows);
      if (c.weights.size() >= c.parts) {
        ASSERT_LT(begin[p], begin[p + 1]);
      }
    }
  }
}

// Without a limit, and where no part must be forced to have a row, each boundary is within half a
// row of its share: a part's weight is within one largest row of the mean.
TEST(CutBalanced, BalancesWithinTheLargestRow) {
  std::mt19937 random{2};
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<std::uint32_t> weights(100 + random() % 400);
    for (auto& weight : weights) weight = 50 + static_cast<std::uint32_t>(random() % 51);
    const std::uint32_t parts = 1 + static_cast<std::uint32_t>(random() % 20);
    const Cut begin = cut(weights, parts);
    const double mean =
        static_cast<double>(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0})) /
        parts;
    for (std::uint32_t p = 0; p < parts; ++p) {
      const auto first = weights.begin() + static_cast<std::ptrdiff_t>(begin[p]);
      const auto last = weights.begin() + static_cast<std::ptrdiff_t>(begin[p + 1]);
      EXPECT_NEAR(static_cast<double>(std::accumulate(first, last, std::uint64_t{0})), mean, 100);
    }
  }
}

TEST(Grid, FindsThePartOfARow) {
  const Grid grid{{0, 2, 2, 5}, {0, 3, 4}};
  EXPECT_EQ(grid.strips(), 3U);
  EXPECT_EQ(grid.blocks(), 2U);
  EXPECT_EQ(grid.users(), 5U);
  EXPECT_EQ(grid.items(), 4U);
  const std::vector<std::uint32_t> strips{0, 0, 2, 2, 2};
  for (std::uint64_t row = 0; row < 5; ++row) {
    EXPECT_EQ(grid.strip_of_user(row), StripId{strips[row]});
  }
  EXPECT_EQ(grid.block_of_item(2), BlockId{0});
  EXPECT_EQ(grid.block_of_item(3), BlockId{1});
  EXPECT_EQ(grid.users_of(StripId{1}).size(), 0U);
  EXPECT_EQ(grid.items_of(BlockId{1}), (RowRange{3, 4}));
}

TEST(Grid, NumbersCellsStripByStrip) {
  const Grid grid{{0, 2, 2, 5}, {0, 3, 4}};
  std::vector<std::size_t> indices;
  for (std::uint32_t s = 0; s < 3; ++s) {
    for (std::uint32_t b = 0; b < 2; ++b)
      indices.push_back(grid.cell_index(StripId{s}, BlockId{b}));
  }
  EXPECT_EQ(indices, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(grid.cells(), 6U);
}

TEST(ChooseGrid, FeedsEveryWorkerTwice) {
  const GridShape shape = choose_grid(8, 100000, 20000, 1000000, 256, 1U << 30);
  EXPECT_EQ(shape.strips, 32U);
  EXPECT_EQ(shape.blocks, 16U);
}

TEST(ChooseGrid, LetsABlockFitHalfOfTheCache) {
  // 20000 x 256 bytes are 4.9 times half a MiB: ten of them.
  const GridShape shape = choose_grid(1, 1000, 20000, 1000000, 256, 1U << 20);
  EXPECT_EQ(shape.blocks, 10U);
}

TEST(ChooseGrid, KeepsRunsLong) {
  // 1000 interactions per user: with more than 31 blocks, fewer than 32 in a cell.
  EXPECT_EQ(choose_grid(1, 1000, 1000000, 1000000, 256, 1U << 20).blocks, 31U);
}

TEST(ChooseGrid, NeverExceedsRowsNorTheWidthOfAnOffset) {
  EXPECT_EQ(choose_grid(8, 3, 2, 6, 256, 1U << 20).strips, 3U);
  EXPECT_EQ(choose_grid(8, 3, 2, 6, 256, 1U << 20).blocks, 2U);
  EXPECT_EQ(choose_grid(0, 0, 0, 0, 256, 0).strips, 1U);
  EXPECT_EQ(choose_grid(0, 0, 0, 0, 256, 0).blocks, 1U);
  const GridShape shape = choose_grid(1, 10, 10 * kMaxBlockItems + 1, 100, 256, 1ULL << 40);
  EXPECT_EQ(shape.blocks, 11U);
}

}  // namespace
}  // namespace factorps
