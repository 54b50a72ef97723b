/// Every metric against its definition, averaged over all orders that ties allow.
#include "eval/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace factorps::eval {
namespace {

/// Candidates with small integer scores, so that many are equal.
struct Case {
  std::vector<int> scores;     // [candidate]
  std::vector<bool> relevant;  // [candidate]

  [[nodiscard]] std::vector<TieGroup> groups() const {
    std::vector<TieGroup> groups;
    for (int score = 9; score >= 0; --score) {
      TieGroup group;
      for (std::size_t c = 0; c < scores.size(); ++c) {
        if (scores[c] > score) ++group.above;
        if (scores[c] == score) {
          ++group.size;
          group.relevant += relevant[c] ? 1U : 0U;
        }
      }
      if (group.relevant > 0) groups.push_back(group);
    }
    return groups;
  }
};

Case random_case(std::mt19937& random) {
  Case made;
  const std::size_t candidates = 2 + random() % 6;
  const int distinct = 1 + static_cast<int>(random() % 4);
  for (std::size_t c = 0; c < candidates; ++c) {
    made.scores.push_back(static_cast<int>(random() % static_cast<unsigned>(distinct)));
    made.relevant.push_back(random() % 3 == 0);
  }
  made.relevant[random() % candidates] = true;
  return made;
}

using Order = std::vector<std::size_t>;

/// The definitions, for one order of the candidates.
RankingAtK by_definition(const Case& c, const Order& order, std::size_t k) {
  const double relevant = static_cast<double>(std::ranges::count(c.relevant, true));
  double hits = 0;
  double gain = 0;
  double best = 0;
  double precisions = 0;
  RankingAtK result;
  for (std::size_t n = 0; n < std::min(k, order.size()); ++n) {
    const double place = static_cast<double>(n + 1);
    if (c.relevant[order[n]]) {
      ++hits;
      gain += 1 / std::log2(place + 1);
      precisions += hits / place;
      if (hits == 1) result.reciprocal_rank = 1 / place;
    }
    if (place <= relevant) best += 1 / std::log2(place + 1);
  }
  const double length = static_cast<double>(k);
  result.precision = hits / length;
  result.recall = hits / relevant;
  result.recall_capped = hits / std::min(length, relevant);
  result.f1 = 2 * hits / (length + relevant);
  double right = 0;
  for (std::size_t n = 0; n < order.size(); ++n) right += (n < k) == c.relevant[order[n]] ? 1 : 0;
  result.accuracy = right / static_cast<double>(order.size());
  result.hit_rate = hits > 0 ? 1 : 0;
  result.ndcg = gain / best;
  result.average_precision = precisions / std::min(length, relevant);
  return result;
}

double area_by_definition(const Case& c, const Order& order) {
  double wins = 0;
  double pairs = 0;
  for (std::size_t a = 0; a < order.size(); ++a) {
    for (std::size_t b = 0; b < order.size(); ++b) {
      if (!c.relevant[order[a]] || c.relevant[order[b]]) continue;
      ++pairs;
      wins += a < b ? 1 : 0;
    }
  }
  return pairs == 0 ? 0.5 : wins / pairs;
}

/// Calls visit for every order in which scores do not ascend.
void for_each_order(const Case& c, const std::function<void(const Order&)>& visit) {
  Order order(c.scores.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    if (std::ranges::is_sorted(order, std::ranges::greater{},
                               [&](std::size_t n) { return c.scores[n]; })) {
      visit(order);
    }
  } while (std::ranges::next_permutation(order).found);
}

constexpr double RankingAtK::*kMetrics[]{
    &RankingAtK::precision,      &RankingAtK::recall,
    &RankingAtK::recall_capped,  &RankingAtK::f1,
    &RankingAtK::accuracy,       &RankingAtK::hit_rate,
    &RankingAtK::ndcg,           &RankingAtK::average_precision,
    &RankingAtK::reciprocal_rank};
// Fewer than 100 operations on numbers of size at most 8, each rounded to 2^-53 of itself.
constexpr double kRounding = 100 * 8 * 0x1p-53;

TEST(Ranking, IsTheMeanOverAllOrdersOfTies) {
  std::mt19937 random{1};
  for (int round = 0; round < 60; ++round) {
    const Case c = random_case(random);
    for (const std::size_t k : {1U, 2U, 3U, 5U, 9U}) {
      RankingAtK sum;
      double orders = 0;
      for_each_order(c, [&](const Order& order) {
        const RankingAtK one = by_definition(c, order, k);
        for (const auto metric : kMetrics) sum.*metric += one.*metric;
        ++orders;
      });
      const RankingAtK got = ranking_at(k, c.groups(), c.scores.size());
      for (std::size_t m = 0; m < std::size(kMetrics); ++m) {
        EXPECT_NEAR(got.*kMetrics[m], sum.*kMetrics[m] / orders, kRounding)
            << "metric " << m << ", k " << k << ", round " << round;
      }
    }
  }
}

TEST(Ranking, PutsRelevantCandidatesLastWhenPessimistic) {
  std::mt19937 random{2};
  for (int round = 0; round < 60; ++round) {
    const Case c = random_case(random);
    Order order(c.scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      return std::pair{-c.scores[a], bool{c.relevant[a]}} <
             std::pair{-c.scores[b], bool{c.relevant[b]}};
    });
    for (const std::size_t k : {1U, 2U, 4U}) {
      const RankingAtK expected = by_definition(c, order, k);
      const RankingAtK got = ranking_at(k, c.groups(), c.scores.size(), Ties::pessimistic);
      for (const auto metric : kMetrics) EXPECT_NEAR(got.*metric, expected.*metric, kRounding);
    }
    EXPECT_NEAR(area_under_curve(c.groups(), c.scores.size(), Ties::pessimistic),
                area_by_definition(c, order), kRounding);
  }
}

TEST(Ranking, CountsPairsForTheAreaUnderTheCurve) {
  std::mt19937 random{3};
  for (int round = 0; round < 60; ++round) {
    const Case c = random_case(random);
    double sum = 0;
    double orders = 0;
    for_each_order(c, [&](const Order& order) {
      sum += area_by_definition(c, order);
      ++orders;
    });
    EXPECT_NEAR(area_under_curve(c.groups(), c.scores.size()), sum / orders, kRounding);
  }
}

TEST(Ranking, OfConstantScoresIsThatOfARandomOrder) {
  // 1000 candidates, 30 relevant: every place has a hit with chance 0.03.
  const std::vector<TieGroup> constant{{0, 1000, 30}};
  const RankingAtK at20 = ranking_at(20, constant, 1000);
  EXPECT_NEAR(at20.precision, 0.03, kRounding);
  EXPECT_NEAR(at20.recall, 20 * 0.03 / 30, kRounding);
  double none = 1;
  for (int n = 0; n < 20; ++n) none *= (970.0 - n) / (1000.0 - n);
  EXPECT_NEAR(at20.hit_rate, 1 - none, kRounding);
  EXPECT_EQ(area_under_curve(constant, 1000), 0.5);
}

TEST(Ranking, AgreesWithAHandComputedCase) {
  // Places 1 2 3 4 5: hit, miss, hit, miss, miss; a third relevant candidate at place 6 of 10.
  const std::vector<TieGroup> groups{{0, 1, 1}, {2, 1, 1}, {5, 1, 1}};
  const RankingAtK at5 = ranking_at(5, groups, 10);
  EXPECT_NEAR(at5.precision, 2.0 / 5, kRounding);
  EXPECT_NEAR(at5.recall, 2.0 / 3, kRounding);
  EXPECT_NEAR(at5.f1, 4.0 / 8, kRounding);
  EXPECT_NEAR(at5.accuracy, 6.0 / 10, kRounding);
  EXPECT_NEAR(at5.ndcg, 1.5 / (1 + 1 / std::log2(3) + 0.5), kRounding);
  EXPECT_NEAR(at5.average_precision, (1 + 2.0 / 3) / 3, kRounding);
  EXPECT_EQ(at5.reciprocal_rank, 1);
  EXPECT_EQ(at5.hit_rate, 1);
  // Of 3 x 7 pairs the relevant candidates win 7, 6 and 4.
  EXPECT_NEAR(area_under_curve(groups, 10), 17.0 / 21, kRounding);
}

TEST(Ranking, OfNothingRelevantIsZero) {
  EXPECT_EQ(ranking_at(5, {}, 10).ndcg, 0);
  EXPECT_EQ(area_under_curve({}, 10), 0.5);
}

}  // namespace
}  // namespace factorps::eval
