/// Item-kNN and EASE.
#include <barrier>
#include <cmath>
#include <thread>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"
#include "common/random.hpp"
#include "eval/ease.hpp"
#include "eval/item_neighbours.hpp"
#include "eval/pair_matrix.hpp"

namespace factorps::eval {
namespace {

/// Four users of four items; the repeated pair counts once.
PairMatrix small_pairs() {
  return {4, 4, {{2, 1}, {0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 0}, {1, 2}, {3, 2}}};
}

/// Popular items have low numbers.
PairMatrix random_pairs(std::uint32_t users, std::uint32_t items, std::uint32_t per_user) {
  const RandomStream stream{7, Purpose::generate};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t user = 0; user < users; ++user) {
    for (std::uint32_t n = 0; n < per_user; ++n) {
      const double x = stream.uniform(user, n);
      pairs.emplace_back(user, static_cast<std::uint32_t>(x * x * items));
    }
  }
  return {users, items, std::move(pairs)};
}

std::vector<float> scores_of(const Scorer& scorer, const std::vector<std::uint32_t>& history) {
  std::vector<float> all(scorer.items());
  Query query;
  query.history = history;
  scorer.score({&query, 1}, [&](std::size_t, std::size_t first, auto scores) {
    std::ranges::copy(scores, all.begin() + static_cast<std::ptrdiff_t>(first));
  });
  return all;
}

/// The formula in double.
Eigen::MatrixXd ease_reference(const PairMatrix& pairs, double l2) {
  const auto n = static_cast<Eigen::Index>(pairs.items());
  Eigen::MatrixXd gram = l2 * Eigen::MatrixXd::Identity(n, n);
  for (std::size_t user = 0; user < pairs.users(); ++user) {
    for (const std::uint32_t i : pairs.items_of(user)) {
      for (const std::uint32_t j : pairs.items_of(user)) gram(i, j) += 1;
    }
  }
  const Eigen::MatrixXd inverse = gram.llt().solve(Eigen::MatrixXd::Identity(n, n));
  Eigen::MatrixXd weights = -inverse * inverse.diagonal().cwiseInverse().asDiagonal();
  weights.diagonal().setZero();
  return weights;
}

/// By members that are threads.
std::vector<float> weights_by(std::size_t members, const PairMatrix& pairs, double l2) {
  const std::size_t stride = ease_stride(pairs.items());
  AlignedBuffer<float> weights{stride * stride};
  std::barrier all{static_cast<std::ptrdiff_t>(members)};
  std::vector<std::thread> threads;
  for (std::size_t member = 0; member < members; ++member) {
    threads.emplace_back([&, member] {
      const Crew crew{member, members, [&all] { all.arrive_and_wait(); }};
      EXPECT_TRUE(ease_weights(pairs, l2, weights.span(), best_kernels().set, crew));
    });
  }
  for (auto& thread : threads) thread.join();
  return {weights.data(), weights.data() + weights.size()};
}

TEST(PairMatrix, HoldsEachPairOnceInBothOrders) {
  const PairMatrix pairs = small_pairs();
  const auto list = [](std::span<const std::uint32_t> rows) {
    return std::vector<std::uint32_t>{rows.begin(), rows.end()};
  };
  EXPECT_EQ(list(pairs.items_of(0)), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(list(pairs.items_of(1)), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(list(pairs.users_of(0)), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(list(pairs.users_of(1)), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_TRUE(pairs.users_of(3).empty());
}

TEST(ItemNeighbours, AddUpShrunkCosines) {
  const ItemNeighbours scorer{small_pairs(), {10, 0.5}};
  const auto similarity = [](double common, double a, double b) {
    return static_cast<float>(common / (std::sqrt(a * b) + 0.5));
  };
  const auto scores = scores_of(scorer, {0, 1});
  EXPECT_FLOAT_EQ(scores[0], similarity(2, 2, 3));
  EXPECT_FLOAT_EQ(scores[1], similarity(2, 2, 3));
  EXPECT_FLOAT_EQ(scores[2], similarity(1, 2, 2) + similarity(1, 2, 3));
  EXPECT_EQ(scores[3], 0);
  EXPECT_EQ(scores_of(scorer, {}), std::vector<float>(4));
}

TEST(ItemNeighbours, KeepTheMostSimilarOfTheScoredItem) {
  const ItemNeighbours scorer{small_pairs(), {1, 0}};
  // Of item 2 the similarities are 1/2 to item 0 and 1/sqrt(6) to item 1: the latter is not kept.
  EXPECT_EQ(scores_of(scorer, {1})[2], 0);
  EXPECT_FLOAT_EQ(scores_of(scorer, {0})[2], 0.5F);
}

TEST(Ease, AgreesWithTheFormula) {
  for (const std::uint32_t items : {1U, 5U, 128U, 129U, 700U}) {
    const PairMatrix pairs = random_pairs(900, items, 20);
    const auto expected = ease_reference(pairs, 50);
    const auto weights = weights_by(1, pairs, 50);
    const std::size_t stride = ease_stride(items);
    for (std::size_t i = 0; i < items; ++i) {
      for (std::size_t j = 0; j < items; ++j) {
        // Condition number below 50, a few hundred roundings of 2^-24 each: 1e-4 is far above.
        ASSERT_NEAR(weights[i * stride + j],
                    expected(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)), 1e-5)
            << items << ": " << i << " " << j;
      }
    }
  }
}

TEST(Ease, HasTheSameBitsWhoeverComputes) {
  const PairMatrix pairs = random_pairs(900, 1300, 20);
  const auto alone = weights_by(1, pairs, 50);
  EXPECT_EQ(alone, weights_by(2, pairs, 50));
  EXPECT_EQ(alone, weights_by(5, pairs, 50));
}

TEST(Ease, SaysWhenAMatrixCannotBeInverted) {
  const PairMatrix pairs{1, 2, {{0, 0}, {0, 1}}};  // two equal items
  AlignedBuffer<float> weights{ease_stride(2) * ease_stride(2)};
  EXPECT_FALSE(ease_weights(pairs, 1e-12, weights.span(), best_kernels().set, {}));
}

TEST(ItemWeights, AddUpRowsOfTheHistory) {
  const std::vector<float> weights{0, 1, 2, 9, 3, 0, 4, 9, 5, 6, 0, 9};
  EXPECT_EQ(scores_of(ItemWeights{3, 4, weights}, {0, 2}), (std::vector<float>{5, 7, 2}));
}

}  // namespace
}  // namespace factorps::eval
