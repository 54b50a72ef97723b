#include "eval/full_ranking.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "common/random.hpp"

namespace factorps::eval {
namespace {

/// Multiples of 1/2 between -2 and 2: products and sums are exact, and there are many ties.
std::vector<float> coarse_floats(std::size_t count, std::uint64_t seed) {
  const RandomStream stream{seed, Purpose::generate};
  std::vector<float> values(count);
  for (std::size_t n = 0; n < count; ++n) {
    values[n] = 0.5F * static_cast<float>(stream.below(9, n)) - 2;
  }
  return values;
}

bool operator==(const TieGroup& a, const TieGroup& b) {
  return a.above == b.above && a.size == b.size && a.relevant == b.relevant;
}

/// Obviously right: every score, compared with every other one.
FullRanking reference(const ItemTable& items, const Query& query,
                      std::span<const std::uint32_t> relevant) {
  const auto in = [](std::span<const std::uint32_t> rows, std::uint32_t item) {
    return std::find(rows.begin(), rows.end(), item) != rows.end();
  };
  std::map<float, TieGroup, std::greater<>> groups;  // [score]
  FullRanking ranking;
  for (std::uint32_t i = 0; i < items.bias.size(); ++i) {
    if (in(query.excluded, i)) continue;
    float score = query.base + items.bias[i];
    for (std::size_t d = 0; d < items.dim; ++d) {
      score += query.factors[d] * items.factors[i * items.dim + d];
    }
    ++groups[score].size;
    if (in(relevant, i)) ++groups[score].relevant;
    ++ranking.candidates;
  }
  std::uint64_t above = 0;
  for (auto& [score, group] : groups) {
    group.above = above;
    above += group.size;
    if (group.relevant > 0) ranking.groups.push_back(group);
  }
  return ranking;
}

TEST(FullRanking, AgreesWithComparingAllScores) {
  constexpr std::size_t kItems = 2500;  // more than two blocks of items
  constexpr std::size_t kDim = 3;
  const auto factors = coarse_floats(kItems * kDim, 1);
  const auto bias = coarse_floats(kItems, 2);
  const auto users = coarse_floats(kQueryBlock * kDim, 3);
  const ItemTable items{kDim, factors, bias, {}, {}};
  const RandomStream stream{4, Purpose::generate};
  std::vector<std::vector<std::uint32_t>> excluded(kQueryBlock);
  std::vector<std::vector<std::uint32_t>> relevant(kQueryBlock);
  for (std::size_t q = 0; q < kQueryBlock; ++q) {
    for (std::uint32_t i = 0; i < kItems; ++i) {
      if (stream.below(10, q * kItems + i) == 0) excluded[q].push_back(i);
      if (q == 0) continue;  // nothing to find
      if (stream.below(50, (q + kQueryBlock) * kItems + i) == 0) relevant[q].push_back(i);
    }
  }
  std::vector<Query> queries;
  std::vector<std::span<const std::uint32_t>> wanted;
  for (std::size_t q = 0; q < kQueryBlock; ++q) {
    queries.push_back({std::span{users}.subspan(q * kDim, kDim), 0.5F, excluded[q]});
    wanted.emplace_back(relevant[q]);
  }
  std::vector<float> memory(100, kNoCandidate);  // of an earlier call
  const FactorScorer scorer{items};
  const auto passed = rank_users(scorer, queries, wanted, 20, memory);
  ASSERT_EQ(passed.size(), kQueryBlock);
  const auto scores = candidate_scores(scorer, queries, memory);
  ASSERT_EQ(scores.size(), kQueryBlock * kItems);
  for (std::size_t q = 0; q < kQueryBlock; ++q) {
    const auto of_user = scores.subspan(q * kItems, kItems);
    const auto whole = rank_user(of_user, wanted[q], 20);
    const FullRanking expected = reference(items, queries[q], wanted[q]);
    for (const UserRanking& one : {passed[q], whole}) {
      const FullRanking ranking = one.groups();
      EXPECT_EQ(ranking.candidates, expected.candidates);
      ASSERT_EQ(ranking.groups.size(), expected.groups.size()) << "query " << q;
      for (std::size_t g = 0; g < expected.groups.size(); ++g) {
        EXPECT_TRUE(ranking.groups[g] == expected.groups[g]) << "query " << q << " group " << g;
      }
      EXPECT_EQ(one.best, best_of(of_user, 20));
    }
  }
}

UserRanking only_user(const Scorer& scorer, const Query& query,
                      std::span<const std::uint32_t> wanted, std::size_t k) {
  std::vector<float> memory;
  return rank_users(scorer, {&query, 1}, {&wanted, 1}, k, memory)[0];
}

TEST(FullRanking, CountsSomeRelevantItemsOnly) {
  const std::vector<float> bias{5, 4, 4, 3, 4};
  const FactorScorer scorer{{0, {}, bias, {}, {}}};
  const std::vector<std::uint32_t> wanted{1, 2, 3};
  const auto ranking = only_user(scorer, {}, wanted, 0);
  const auto full = ranking.groups_of(std::vector<std::uint32_t>{0, 2});
  ASSERT_EQ(full.groups.size(), 1U);
  EXPECT_TRUE((full.groups[0] == TieGroup{1, 3, 1}));
  EXPECT_EQ(full.candidates, 5U);
}

TEST(FullRanking, IsTheSameInOriginalUnits) {
  const std::vector<float> factors{1, 1, 1};
  const std::vector<float> bias{0, 0.5F, 0};
  const std::vector<float> scale{2, 1, 3};
  const std::vector<float> offset{0, 0.25F, -2};
  const FactorScorer scorer{{1, factors, bias, scale, offset}};
  const std::vector<std::uint32_t> wanted{0, 2};
  const auto ranking = only_user(scorer, {{}, 1, {}}, wanted, 2);  // scores 2, 1.75, 1
  ASSERT_EQ(ranking.relevant.size(), 2U);
  EXPECT_EQ(ranking.relevant[0].places.above, 0U);
  EXPECT_EQ(ranking.relevant[1].places.above, 2U);
  EXPECT_EQ(ranking.best, (std::vector<ScoredItem>{{0, 2}, {1, 1.75F}}));
}

TEST(FullRanking, PutsScoresThatAreNoNumbersLast) {
  const std::vector<float> bias{1, std::numeric_limits<float>::quiet_NaN(), 2};
  const Query query;
  const std::vector<std::uint32_t> wanted{1};
  const FactorScorer scorer{{0, {}, bias, {}, {}}};
  const UserRanking ranking = only_user(scorer, query, wanted, 3);
  const auto groups = ranking.groups().groups;
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].above, 2U);
  EXPECT_EQ(ranking.candidates, 3U);
  ASSERT_EQ(ranking.best.size(), 3U);
  EXPECT_EQ(ranking.best[2].item, 1U);
}

}  // namespace
}  // namespace factorps::eval
