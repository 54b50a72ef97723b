#include "eval/topk.hpp"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps::eval {
namespace {

std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  const RandomStream stream{seed, Purpose::generate};
  std::vector<float> values(count);
  for (std::size_t n = 0; n < count; ++n) values[n] = static_cast<float>(stream.uniform(n)) - 0.5F;
  return values;
}

/// Multiples of 1/4 between -2 and 2: products and sums are exact, and there are many ties.
std::vector<float> coarse_floats(std::size_t count, std::uint64_t seed) {
  const RandomStream stream{seed, Purpose::generate};
  std::vector<float> values(count);
  for (std::size_t n = 0; n < count; ++n) {
    values[n] = 0.25F * static_cast<float>(stream.below(17, n)) - 2;
  }
  return values;
}

struct Problem {
  std::size_t dim;
  std::vector<float> factors;
  std::vector<float> bias;
  std::vector<float> users;
  [[nodiscard]] ItemTable items() const { return {dim, factors, bias, {}, {}}; }
  [[nodiscard]] Query user(std::size_t row) const {
    return {std::span{users}.subspan(row * dim, dim), 0.5F, {}};
  }
};

Problem coarse_problem(std::size_t dim, std::size_t num_items, std::size_t num_users) {
  return {dim, coarse_floats(num_items * dim, 1), coarse_floats(num_items, 2),
          coarse_floats(num_users * dim, 3)};
}

/// Obviously right: every score, sorted.
std::vector<ScoredItem> reference(const ItemTable& items, const Query& query, std::size_t k) {
  std::vector<ScoredItem> all;
  for (std::uint32_t i = 0; i < items.bias.size(); ++i) {
    if (std::ranges::find(query.excluded, i) != query.excluded.end()) continue;
    float score = query.base + items.bias[i];
    for (std::size_t d = 0; d < query.factors.size(); ++d) {
      score += query.factors[d] * items.factors[i * items.dim + d];
    }
    if (!items.scale.empty()) score = score * items.scale[i] + items.offset[i];
    all.push_back({i, score});
  }
  std::ranges::stable_sort(all, std::ranges::greater{}, &ScoredItem::score);
  all.resize(std::min(k, all.size()));
  return all;
}

TEST(TopK, EqualsSortingAllScores) {
  for (const std::size_t dim : {1U, 2U, 7U, 32U, 129U}) {
    for (const std::size_t num_items : {1U, 5U, 1024U, 2500U}) {
      const Problem problem = coarse_problem(dim, num_items, 3);
      const Query queries[] = {problem.user(0), problem.user(1), problem.user(2)};
      const auto lists = top_k(problem.items(), queries, 10);
      ASSERT_EQ(lists.size(), 3U);
      for (std::size_t q = 0; q < 3; ++q) {
        EXPECT_EQ(lists[q], reference(problem.items(), queries[q], 10)) << dim << " " << num_items;
      }
    }
  }
}

TEST(TopK, DoesNotDependOnWhoSharesTheCall) {
  for (const std::size_t dim : {3U, 32U, 100U, 300U}) {
    const Problem problem{dim, random_floats(1500 * dim, 1), random_floats(1500, 2),
                          random_floats(kQueryBlock * dim, 3)};
    std::vector<Query> queries;
    for (std::size_t row = 0; row < kQueryBlock; ++row) queries.push_back(problem.user(row));
    const auto together = top_k(problem.items(), queries, 1500);
    std::ranges::reverse(queries);
    const auto reversed = top_k(problem.items(), std::span{queries}.first(61), 1500);
    for (std::size_t row = 0; row < kQueryBlock; ++row) {
      EXPECT_EQ(top_k(problem.items(), {{problem.user(row)}}, 1500)[0], together[row]) << row;
      const std::size_t position = kQueryBlock - 1 - row;
      if (position < reversed.size()) {
        EXPECT_EQ(reversed[position], together[row]) << row;
      }
    }
  }
}

TEST(TopK, LeavesExcludedItemsOut) {
  const Problem problem = coarse_problem(4, 2100, 1);
  std::vector<std::uint32_t> excluded;
  Query query = problem.user(0);
  for (const ScoredItem& best : reference(problem.items(), query, 20))
    excluded.push_back(best.item);
  std::ranges::sort(excluded);
  query.excluded = excluded;
  EXPECT_EQ(top_k(problem.items(), {{query}}, 10)[0], reference(problem.items(), query, 10));
}

TEST(TopK, GivesAllItemsThatAreLeft) {
  const Problem problem = coarse_problem(2, 4, 1);
  const std::vector<std::uint32_t> excluded{0, 3};
  Query query = problem.user(0);
  query.excluded = excluded;
  EXPECT_EQ(top_k(problem.items(), {{query}}, 10)[0].size(), 2U);
  EXPECT_TRUE(top_k(problem.items(), {{query}}, 0)[0].empty());
}

TEST(TopK, BreaksTiesByItemRow) {
  const std::vector<float> factors(5, 0.0F);
  const std::vector<float> bias{1, 2, 1, 2, 1};
  const auto list = top_k({1, factors, bias, {}, {}}, {{Query{}}}, 3)[0];
  EXPECT_EQ(list, (std::vector<ScoredItem>{{1, 2}, {3, 2}, {0, 1}}));
}

TEST(TopK, RanksInOriginalUnits) {
  const std::vector<float> factors{1, 1};
  const std::vector<float> bias{0, 0.5F};
  const std::vector<float> scale{2, 1};
  const std::vector<float> offset{0, 0.25F};
  const auto list = top_k({1, factors, bias, scale, offset}, {{Query{{}, 1, {}}}}, 2)[0];
  EXPECT_EQ(list, (std::vector<ScoredItem>{{0, 2}, {1, 1.75F}}));
}

TEST(TopK, LeavesOutScoresThatAreNotNumbers) {
  const std::vector<float> factors(3, 0.0F);
  const std::vector<float> bias{std::numeric_limits<float>::quiet_NaN(), 1, 2};
  const auto list = top_k({1, factors, bias, {}, {}}, {{Query{}}}, 3)[0];
  EXPECT_EQ(list, (std::vector<ScoredItem>{{2, 2}, {1, 1}}));
}

TEST(TopK, GivesListsOfAnyLengthOfAnyScores) {
  auto scores = coarse_floats(3000, 5);
  for (std::size_t n = 0; n < scores.size(); n += 7) scores[n] = kNoCandidate;
  for (std::size_t n = 0; n < 1100; n += 5) {
    scores[n] = -std::numeric_limits<float>::infinity();
  }
  std::vector<ScoredItem> all;
  for (std::uint32_t n = 0; n < scores.size(); ++n) {
    if (scores[n] == scores[n]) all.push_back({n, scores[n]});
  }
  std::ranges::stable_sort(all, std::ranges::greater{}, &ScoredItem::score);
  for (const std::size_t k : {1U, 16U, 17U, 100U, 128U, 129U, 1000U, 2900U}) {
    const auto best = std::vector<ScoredItem>(
        all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(k, all.size())));
    EXPECT_EQ(best_of(scores, k), best) << k;
  }
}

TEST(TopK, GivesItemsWhoseScoresAreAllTheSame) {
  for (const float score : {0.0F, -1.0F, std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    const auto best = best_of(std::vector<float>(1500, score), 20);
    ASSERT_EQ(best.size(), 20U) << score;
    for (std::uint32_t n = 0; n < 20; ++n) EXPECT_EQ(best[n], (ScoredItem{n, score}));
  }
}

TEST(TopK, TakesZerosOfBothSignsForEqual) {
  EXPECT_EQ(best_of(std::vector<float>{-0.0F, 0.0F, -1, -0.0F, 1}, 4),
            (std::vector<ScoredItem>{{4, 1}, {0, 0}, {1, 0}, {3, 0}}));
}

TEST(TopK, IsTheSameOfScoresThatAreThere) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> scores{1, 2, none, 2, 3, 1};
  EXPECT_EQ(best_of(scores, 4), (std::vector<ScoredItem>{{4, 3}, {1, 2}, {3, 2}, {0, 1}}));
  EXPECT_EQ(best_of(scores, 9).size(), 5U);
  EXPECT_TRUE(best_of(scores, 0).empty());
}

}  // namespace
}  // namespace factorps::eval
