#include "model/heads/neural_head.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/unit/model/heads/head_fixture.hpp"

namespace factorps {
namespace {

TEST(Dropout, IsAFunctionOfItsKey) {
  const Dropout dropout{0.5F};
  const auto mask = [&](std::uint64_t seed, std::uint64_t example, std::size_t layer) {
    std::vector<float> factors(67);
    dropout.factors(seed, example, layer, factors.size(), factors.data());
    return factors;
  };
  EXPECT_EQ(mask(1, 2, 0), mask(1, 2, 0));
  EXPECT_NE(mask(1, 2, 0), mask(2, 2, 0));
  EXPECT_NE(mask(1, 2, 0), mask(1, 3, 0));
  EXPECT_NE(mask(1, 2, 0), mask(1, 2 + (std::uint64_t{1} << 32), 0));
  EXPECT_NE(mask(1, 2, 0), mask(1, 2, 1));
}

TEST(Dropout, KeepsTheMean) {
  constexpr std::size_t kUnits = 64;
  constexpr std::size_t kExamples = 4000;
  for (const float rate : {0.0F, 0.1F, 0.5F, 0.9F}) {
    const Dropout dropout{rate};
    EXPECT_EQ(dropout.off(), rate == 0);
    double sum = 0;
    std::vector<float> factors(kUnits);
    for (std::uint64_t n = 0; n < kExamples; ++n) {
      dropout.factors(3, n, 0, kUnits, factors.data());
      for (const float factor : factors) {
        ASSERT_TRUE(factor == 0 || factor == dropout.scale());
        sum += double{factor};
      }
    }
    // A factor has mean 1 and variance 1 / (1 - rate) - 1; five standard deviations.
    const double n = kUnits * kExamples;
    const double p = double{rate};
    EXPECT_NEAR(sum / n, 1, 5 * std::sqrt(p / (1 - p) / n) + 0x1p-16);
  }
}

class FusionTest : public testing::Test {
 protected:
  static constexpr std::size_t kDim = 6;
  static std::vector<std::size_t> tower() { return {10, 7, 4}; }

  std::vector<float> fused(float alpha) {
    const Fusion fusion{*gmf_.head, *mlp_.head, *neumf_, alpha};
    fusion.check();
    std::vector<float> user(neumf_->shape().user_width);
    std::vector<float> item(neumf_->shape().item_width);
    std::vector<float> dense(neumf_->shape().dense_size);
    fusion.fuse_row(user_of(gmf_), user_of(mlp_), user);
    fusion.fuse_row(item_of(gmf_), item_of(mlp_), item);
    fusion.fuse_dense(gmf_.dense, mlp_.dense, dense);
    return scores(*neumf_, user, item, dense);
  }
  static std::vector<float> scores_of(const HeadFixture& fixture) {
    return scores(*fixture.head, user_of(fixture), item_of(fixture), fixture.dense);
  }
  static std::vector<float> scores(const Head& head, std::span<const float> user,
                                   std::span<const float> item, std::span<const float> dense) {
    HeadWorkspace workspace;
    std::vector<float> score(1);
    head.score(user, item, dense, score, workspace);
    return score;
  }
  static std::span<const float> user_of(const HeadFixture& fixture) {
    return std::span{fixture.users}.first(fixture.head->shape().user_width);
  }
  static std::span<const float> item_of(const HeadFixture& fixture) {
    return std::span{fixture.items}.first(fixture.head->shape().item_width);
  }

  HeadFixture gmf_{HeadOptions{.kind = HeadKind::gmf, .dim = kDim}};
  HeadFixture mlp_{HeadOptions{.kind = HeadKind::mlp, .tower = tower()}};
  std::unique_ptr<Head> neumf_ =
      make_head({.kind = HeadKind::neumf, .dim = kDim, .tower = tower()});
};

TEST_F(FusionTest, IsTheOneOrTheOtherAtTheEndsOfAlpha) {
  EXPECT_EQ(fused(1), scores_of(gmf_));
  EXPECT_EQ(fused(0), scores_of(mlp_));
}

TEST_F(FusionTest, MixesScoresByAlpha) {
  const double gmf = double{scores_of(gmf_)[0]};
  const double mlp = double{scores_of(mlp_)[0]};
  ASSERT_NE(gmf, mlp);
  // Sums of six, four and two terms below 10.
  EXPECT_NEAR(double{fused(0.25F)[0]}, 0.25 * gmf + 0.75 * mlp, 3 * 12 * 10 * 0x1p-24);
}

TEST_F(FusionTest, RefusesWhatDoesNotFit) {
  EXPECT_THROW((Fusion{*gmf_.head, *mlp_.head, *neumf_, 1.5F}.check()), ConfigError);
  EXPECT_THROW((Fusion{*mlp_.head, *gmf_.head, *neumf_}.check()), ConfigError);
  const auto wide = make_head({.kind = HeadKind::neumf, .dim = kDim + 1, .tower = tower()});
  EXPECT_THROW((Fusion{*gmf_.head, *mlp_.head, *wide}.check()), ConfigError);
  const auto deep = make_head({.kind = HeadKind::neumf, .dim = kDim, .tower = {10, 7, 4, 2}});
  EXPECT_THROW((Fusion{*gmf_.head, *mlp_.head, *deep}.check()), ConfigError);
}

}  // namespace
}  // namespace factorps
