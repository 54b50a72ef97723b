#include "eval/item_lists.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps::eval {
namespace {

using Rows = std::vector<std::uint32_t>;

TEST(ItemLists, MeasureNoveltyInBits) {
  const std::vector<std::uint32_t> counts{8, 2, 0, 1};
  // Of 16 users: 1, 3, and 4 bits for an item that nobody has, as if one had it.
  EXPECT_DOUBLE_EQ(self_information(Rows{0, 1, 2}, counts, 16), (1.0 + 3 + 4) / 3);
  EXPECT_DOUBLE_EQ(mean_popularity(Rows{0, 1, 3}, counts), 11.0 / 3);
}

TEST(ItemLists, DiversityIsTheMeanOfAllPairs) {
  constexpr std::size_t kDim = 5;
  const RandomStream stream{3, Purpose::generate};
  std::vector<float> factors(7 * kDim);
  for (std::size_t n = kDim; n < factors.size(); ++n) {  // item 0 is a zero vector
    factors[n] = static_cast<float>(stream.uniform(n)) - 0.5F;
  }
  const std::vector<float> bias(7);
  const ItemTable items{kDim, factors, bias, {}, {}};
  const auto product = [&](std::uint32_t a, std::uint32_t b) {
    double sum = 0;
    for (std::size_t d = 0; d < kDim; ++d) {
      sum += double{factors[a * kDim + d]} * double{factors[b * kDim + d]};
    }
    return sum;
  };
  const Rows list{4, 0, 6, 1};
  double expected = 0;
  for (std::size_t a = 0; a < list.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double norms = std::sqrt(product(list[a], list[a]) * product(list[b], list[b]));
      expected += 1 - (norms == 0 ? 0 : product(list[a], list[b]) / norms);
    }
  }
  EXPECT_NEAR(factor_diversity(list, items, unit_scales(items)), expected / 6, 1e-14);
}

TEST(ItemLists, CategoryDiversityCountsPairsWithoutACommonValue) {
  // Items 0 {1}, 1 {}, 2 {0, 3}, 3 {1}, 4 {3, 4}, 5 {}.
  const std::vector<std::uint64_t> offsets{0, 1, 1, 3, 4, 6, 6};
  const std::vector<std::uint32_t> codes{1, 0, 3, 1, 3, 4};
  const ItemValues values{offsets, codes};
  EXPECT_EQ(category_diversity(Rows{0, 3}, values), 0);
  EXPECT_EQ(category_diversity(Rows{1, 5}, values), 1);
  EXPECT_EQ(category_diversity(Rows{2, 4}, values), 0);
  EXPECT_EQ(category_diversity(Rows{0, 2}, values), 1);
  EXPECT_DOUBLE_EQ(category_diversity(Rows{5, 4, 3, 2, 1, 0}, values), 1 - 2.0 / 15);
}

TEST(ItemLists, CategoryDiversityOfLongListsIsThatOfAllPairs) {
  const RandomStream stream{4, Purpose::generate};
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::uint32_t> codes;
  Rows list;
  for (std::uint32_t item = 0; item < 90; ++item) {
    for (std::uint32_t code = 0; code < 6; ++code) {
      if (stream.uniform(item * 6 + code) < 0.25) codes.push_back(code);
    }
    offsets.push_back(codes.size());
    list.push_back(item);
  }
  int apart = 0;
  for (std::uint32_t a = 0; a < list.size(); ++a) {
    for (std::uint32_t b = 0; b < a; ++b) {
      bool common = false;
      for (auto i = offsets[a]; i < offsets[a + 1]; ++i) {
        for (auto j = offsets[b]; j < offsets[b + 1]; ++j) common |= codes[i] == codes[j];
      }
      apart += common ? 0 : 1;
    }
  }
  EXPECT_NEAR(category_diversity(list, {offsets, codes}), apart / 4005.0, 1e-15);
}

TEST(CatalogueSpread, OfEqualCountsIsEven) {
  const auto spread = spread_over_items(std::vector<std::uint64_t>{5, 5, 5, 5});
  EXPECT_DOUBLE_EQ(spread.coverage, 1);
  EXPECT_NEAR(spread.gini, 0, 1e-15);
  EXPECT_DOUBLE_EQ(spread.entropy, 2);
}

TEST(CatalogueSpread, AgreesWithAHandComputedCase) {
  const auto spread = spread_over_items(std::vector<std::uint64_t>{3, 0, 1, 0});
  EXPECT_DOUBLE_EQ(spread.coverage, 0.5);
  // Mean absolute difference of all ordered pairs over twice the mean: 2 (3 + 2 + 3 + 1 + 0 + 1) /
  // 16 / 2.
  EXPECT_DOUBLE_EQ(spread.gini, 20.0 / 16 / 2);
  EXPECT_DOUBLE_EQ(spread.entropy, 0.75 * std::log2(4.0 / 3) + 0.25 * 2);
}

TEST(CatalogueSpread, OfNothingIsZero) {
  const auto spread = spread_over_items(std::vector<std::uint64_t>{0, 0});
  EXPECT_EQ(spread.coverage, 0);
  EXPECT_EQ(spread.gini, 0);
  EXPECT_EQ(spread.entropy, 0);
}

}  // namespace
}  // namespace factorps::eval
