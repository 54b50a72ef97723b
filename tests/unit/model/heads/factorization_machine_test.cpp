#include "model/heads/factorization_machine.hpp"

#include <array>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/unit/model/heads/head_fixture.hpp"

namespace factorps {
namespace {

constexpr std::size_t kDim = 19;
constexpr std::size_t kWidth = kDim + 1;
constexpr std::size_t kFeatures = 23;  // the last is in no list
constexpr std::size_t kExamples = 30;
constexpr float kW0 = 0.3F;

/// The lists of one side; the first entity has none, the second one feature of value 1.
struct Side {
  Side(std::size_t entities, std::uint64_t seed) {
    const RandomStream stream{seed, Purpose::generate};
    begin.assign(2, 0);
    features.push_back(static_cast<std::uint32_t>(stream.below(kFeatures - 1, 1000)));
    values.push_back(1);
    begin.push_back(1);
    while (begin.size() <= entities) {
      const std::uint64_t row = begin.size();
      for (std::uint32_t n = 0; n < 1 + stream.below(5, row, 0); ++n) {
        features.push_back(static_cast<std::uint32_t>(stream.below(kFeatures - 1, row, 1 + 2 * n)));
        values.push_back(static_cast<float>(stream.uniform(row, 2 + 2 * n) * 2 - 1));
      }
      begin.push_back(static_cast<std::uint32_t>(features.size()));
    }
    for (std::size_t n = 0; n < kExamples; ++n) {
      of_example.push_back(static_cast<std::uint32_t>(stream.below(entities, n, 99)));
    }
  }
  [[nodiscard]] FactorizationSide view() const { return {{begin, features, values}, of_example}; }

  std::vector<std::uint32_t> begin;
  std::vector<std::uint32_t> features;
  std::vector<float> values;
  std::vector<std::uint32_t> of_example;
};

class FactorizationMachineTest : public testing::Test {
 protected:
  FactorizationMachineTest() {
    const RandomStream stream{5, Purpose::generate};
    for (std::size_t n = 0; n < kExamples; ++n) {
      targets_.push_back(static_cast<float>(stream.below(2, n)));
    }
  }

  static FactorizationMachine machine(HeadLoss loss = HeadLoss::squared) {
    return FactorizationMachine{{.dim = kDim, .loss = loss}};
  }
  [[nodiscard]] FactorizationBatch batch(std::size_t sides) const {
    return {rows_, std::span{views_}.first(sides), targets_};
  }

  /// Every pair of the features of an example.
  [[nodiscard]] double naive(std::size_t sides, std::size_t example, const Doubles& rows,
                             double w0) const {
    std::vector<std::uint32_t> features;
    Doubles x;
    for (std::size_t s = 0; s < sides; ++s) {
      const std::uint32_t entity = sides_[s].of_example[example];
      for (std::size_t n = sides_[s].begin[entity]; n < sides_[s].begin[entity + 1]; ++n) {
        features.push_back(sides_[s].features[n]);
        x.push_back(double{sides_[s].values[n]});
      }
    }
    double score = w0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      score += x[i] * rows[features[i] * kWidth];
      for (std::size_t j = 0; j < i; ++j) {
        for (std::size_t k = 1; k <= kDim; ++k) {
          score += x[i] * x[j] * rows[features[i] * kWidth + k] * rows[features[j] * kWidth + k];
        }
      }
    }
    return score;
  }

  [[nodiscard]] double naive_loss(std::size_t sides, HeadLoss loss, const Doubles& rows,
                                  double w0) const {
    Doubles scores;
    for (std::size_t n = 0; n < kExamples; ++n) scores.push_back(naive(sides, n, rows, w0));
    return plain_loss(loss, targets_, scores);
  }

  /// Central difference of the loss by x, a part of `rows` or w0.
  double difference(std::size_t sides, HeadLoss loss, const Doubles& rows, const double& w0,
                    double& x) const {
    constexpr double kStep = 1e-6;
    const double before = x;
    x = before + kStep;
    const double above = naive_loss(sides, loss, rows, w0);
    x = before - kStep;
    const double below = naive_loss(sides, loss, rows, w0);
    x = before;
    return (above - below) / (2 * kStep);
  }

  std::vector<float> rows_ = random_floats(kFeatures * kWidth, 1, 0.7);
  std::array<Side, 3> sides_{Side{7, 2}, Side{9, 3}, Side{4, 4}};
  std::array<FactorizationSide, 3> views_{sides_[0].view(), sides_[1].view(), sides_[2].view()};
  std::vector<float> targets_;
  HeadWorkspace workspace_;
};

TEST_F(FactorizationMachineTest, ScoresLikeEveryPairOfFeatures) {
  const Doubles rows{rows_.begin(), rows_.end()};
  for (const std::size_t sides : {1U, 2U, 3U}) {
    std::vector<float> scores(kExamples);
    machine().score(batch(sides), kW0, scores, workspace_);
    for (std::size_t n = 0; n < kExamples; ++n) {
      // At most 15 features: sums S below 15 * 0.7, squares below 19 * 11^2 = 2300, with 19 + 15 +
      // 4 roundings; they would all have to be of one sign.
      EXPECT_NEAR(double{scores[n]}, naive(sides, n, rows, double{kW0}), 2300 * 38 * 0x1p-24 / 10)
          << sides << " sides, example " << n;
    }
  }
}

TEST_F(FactorizationMachineTest, HasTheGradientsOfItsLoss) {
  for (const HeadLoss loss : {HeadLoss::squared, HeadLoss::logistic, HeadLoss::bpr}) {
    for (const std::size_t sides : {1U, 2U, 3U}) {
      SCOPED_TRACE(testing::Message() << "loss " << static_cast<int>(loss) << " sides " << sides);
      std::vector<float> by_rows(rows_.size(), 7.0F);
      float by_w0 = 7;
      const double sum = machine(loss).gradient(batch(sides), kW0, by_rows, by_w0, workspace_);
      Doubles rows{rows_.begin(), rows_.end()};
      double w0 = double{kW0};
      const double want = naive_loss(sides, loss, rows, w0);
      EXPECT_NEAR(sum, want, 1e-4 * want);
      // Differences leave 100 * 3000 * 2^-53 / 1e-6 < 4e-5. Floats: 30 examples, slopes below 30,
      // sums below 11: 30 * 30 * 11 * (30 + 4) * 2^-24 = 0.02 if all roundings had one sign.
      constexpr double kBound = 2e-3;
      EXPECT_NEAR(double{by_w0}, difference(sides, loss, rows, w0, w0), kBound);
      for (std::size_t n = 0; n < rows.size(); ++n) {
        EXPECT_NEAR(double{by_rows[n]}, difference(sides, loss, rows, w0, rows[n]), kBound) << n;
      }
    }
  }
}

TEST_F(FactorizationMachineTest, HasPlainRowsWithTheSameScores) {
  std::vector<float> scores(kExamples);
  machine().score(batch(2), kW0, scores, workspace_);
  const auto plain = [&](const Side& side, std::size_t example) {
    const std::uint32_t entity = side.of_example[example];
    const std::size_t first = side.begin[entity];
    const std::size_t count = side.begin[entity + 1] - first;
    return machine().plain(std::span{side.features}.subspan(first, count),
                           std::span{side.values}.subspan(first, count), rows_);
  };
  for (std::size_t n = 0; n < kExamples; ++n) {
    const PlainRow user = plain(sides_[0], n);
    const PlainRow item = plain(sides_[1], n);
    double product = 0;
    double size = 0;
    for (std::size_t k = 0; k < kDim; ++k) {
      const double term = double{user.factors[k]} * double{item.factors[k]};
      product += term;
      size += std::abs(term);
    }
    const double biases[] = {double{user.bias}, double{item.bias}, double{kW0}};
    for (const double bias : biases) size += std::abs(bias);
    // The same factors: what differs is the roundings of at most 19 + 4 terms.
    EXPECT_NEAR(double{scores[n]}, product + biases[0] + biases[1] + biases[2],
                23 * size * 0x1p-24);
  }
}

TEST_F(FactorizationMachineTest, IsABiasedDotProductWithoutAttributes) {
  const std::array<std::uint32_t, 1> feature{4};
  const std::array<float, 1> one{1};
  const PlainRow plain = machine().plain(feature, one, rows_);
  EXPECT_EQ(plain.bias, rows_[4 * kWidth]);  // exactly: its square is all that is taken off
  for (std::size_t k = 0; k < kDim; ++k) EXPECT_EQ(plain.factors[k], rows_[4 * kWidth + 1 + k]);
}

TEST_F(FactorizationMachineTest, ScoresAnExampleTheSameWhereverItStands) {
  std::vector<float> all(kExamples);
  machine().score(batch(3), kW0, all, workspace_);
  for (std::size_t n = 0; n < kExamples; ++n) {
    std::array<FactorizationSide, 3> one = views_;
    for (FactorizationSide& side : one) side.of_example = side.of_example.subspan(n, 1);
    std::vector<float> score(1);
    machine().score({rows_, one, {}}, kW0, score, workspace_);
    EXPECT_EQ(score[0], all[n]);
  }
}

TEST(FactorizationMachineRows, StartFromTheirKeysWithoutLinearWeights) {
  const FactorizationMachine machine{{.dim = 4}};
  std::vector<float> a(5);
  std::vector<float> b(5);
  machine.initialise(a, 1, 2);
  machine.initialise(b, 1, 2);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a[0], 0);
  machine.initialise(b, 2, 2);
  EXPECT_NE(a, b);
  EXPECT_THROW(FactorizationMachine({.dim = 0}), ConfigError);
}

}  // namespace
}  // namespace factorps
